"""Panels and modals: found by their custom ids, on any start of the bot."""

from typing import Any

import discord
import pytest

from bot.domain.errors import Refused
from cogs.panels import modal_id, open_modal, panel_id, register_modal, register_panel
from tests.cogs.conftest import Stage, said


async def _show(stage: Stage, *items: discord.ui.Item[Any]) -> discord.Message:
    """The bot posts a panel; the view is stopped, so nothing of it is in memory."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    channel = stage.env.bot.get_channel(stage.channel.id)
    assert isinstance(channel, discord.TextChannel)
    return await channel.send("panel", view=view)


def _button(rest: str = "", feature: str = "demo") -> discord.ui.Button[Any]:
    return discord.ui.Button(label="Go", custom_id=panel_id(feature, rest))


async def test_press_reaches_the_feature_with_the_rest_of_its_id(stage: Stage) -> None:
    """Also after a restart."""
    message = await _show(stage, _button("page:2"))
    await stage.restart()

    async def handler(interaction: discord.Interaction[Any], rest: str, values: list[str]) -> None:
        await interaction.response.send_message(f"{rest} {values}", ephemeral=True)

    register_panel(stage.env.bot, "demo", handler)  # type: ignore[arg-type]

    assert said(await stage.ann.click(message, label="Go")) == "page:2 []"


async def test_select_hands_over_what_was_chosen(stage: Stage) -> None:
    """As text."""
    options = [discord.SelectOption(label=word) for word in ("red", "green")]
    message = await _show(stage, discord.ui.Select(custom_id=panel_id("demo"), options=options, max_values=2))

    async def handler(interaction: discord.Interaction[Any], rest: str, values: list[str]) -> None:
        await interaction.response.send_message(f"{rest!r} {values}", ephemeral=True)

    register_panel(stage.env.bot, "demo", handler)  # type: ignore[arg-type]

    assert said(await stage.ann.select(message, custom_id="sb2:demo:", values=["green"])) == "'' ['green']"


async def test_press_that_nobody_handles_is_answered_privately(stage: Stage) -> None:
    """By one sentence."""
    message = await _show(stage, _button(feature="gone"))

    result = await stage.ann.click(message, label="Go")

    assert result.ephemeral
    assert "too old" in said(result)


async def test_refusal_of_a_panel_is_a_sentence(stage: Stage) -> None:
    """As a command's is."""
    message = await _show(stage, _button())

    async def handler(interaction: discord.Interaction[Any], rest: str, values: list[str]) -> None:
        raise Refused("moderators_only")

    register_panel(stage.env.bot, "demo", handler)  # type: ignore[arg-type]

    result = await stage.ann.click(message, label="Go")

    assert result.ephemeral
    assert "oderator" in said(result)


async def test_modal_survives_a_restart_and_hands_over_every_field(stage: Stage) -> None:
    """Texts, choices and files by their custom ids."""
    message = await _show(stage, _button("7"))

    async def opener(interaction: discord.Interaction[Any], rest: str, values: list[str]) -> None:
        items = [
            discord.ui.Label(text="A", component=discord.ui.TextInput(custom_id="text")),
            discord.ui.Label(
                text="B", component=discord.ui.Select(custom_id="pick", options=[discord.SelectOption(label="x")])
            ),
            discord.ui.Label(text="C", component=discord.ui.FileUpload(custom_id="files", max_values=2)),
            discord.ui.Label(text="D", component=discord.ui.UserSelect(custom_id="who")),
        ]
        await open_modal(interaction, modal_id("demo", rest), "T", items)

    got: dict[str, Any] = {}

    async def receiver(interaction: discord.Interaction[Any], rest: str, values: dict[str, Any]) -> None:
        got.update(values, rest=rest)
        await interaction.response.send_message("done", ephemeral=True)

    register_panel(stage.env.bot, "demo", opener)  # type: ignore[arg-type]
    shown = await stage.ann.click(message, label="Go")
    await stage.restart()
    register_modal(stage.env.bot, "demo", receiver)  # type: ignore[arg-type]

    fields = {"text": "hi", "pick": ["x"], "files": [("a.png", b"12"), ("b.png", b"3")], "who": [stage.ben]}
    result = await stage.ann.submit_modal(shown, fields)

    assert said(result) == "done"
    assert got["text"] == "hi"
    assert got["pick"] == ["x"]
    assert [file.filename for file in got["files"]] == ["a.png", "b.png"]
    assert got["who"] == [str(stage.ben.id)]
    assert got["rest"] == "7"


async def test_modal_that_nobody_handles_is_answered_privately(stage: Stage) -> None:
    """The bot may have changed since it was opened."""
    message = await _show(stage, _button())

    async def opener(interaction: discord.Interaction[Any], rest: str, values: list[str]) -> None:
        field = discord.ui.Label(text="A", component=discord.ui.TextInput(custom_id="text"))
        await open_modal(interaction, modal_id("gone"), "T", [field])

    register_panel(stage.env.bot, "demo", opener)  # type: ignore[arg-type]
    shown = await stage.ann.click(message, label="Go")

    result = await stage.ann.submit_modal(shown, {"text": "hi"})

    assert result.ephemeral
    assert "too old" in said(result)


@pytest.mark.parametrize(("feature", "rest"), [("Demo", ""), ("a:b", ""), ("demo", "é"), ("demo", "x" * 81)])
def test_custom_id_that_could_not_be_read_back_is_refused(feature: str, rest: str) -> None:
    """A mistake of ours shows at once."""
    with pytest.raises(ValueError):
        panel_id(feature, rest)


@pytest.mark.parametrize("feature", ["edit", "extend", "picture"])
async def test_form_of_another_version_is_answered_with_what_to_do(stage: Stage, feature: str) -> None:
    """Its id carries fewer parts than the form of today."""
    message = await _show(stage, _button())

    async def opener(interaction: discord.Interaction[Any], rest: str, values: list[str]) -> None:
        field = discord.ui.Label(text="A", component=discord.ui.TextInput(custom_id="prompt"))
        await open_modal(interaction, modal_id(feature, "0123456789AB"), "T", [field])

    register_panel(stage.env.bot, "demo", opener)  # type: ignore[arg-type]
    shown = await stage.ann.click(message, label="Go")

    result = await stage.ann.submit_modal(shown, {"prompt": "hi there"})

    assert result.ephemeral
    assert "could not be read any more" in said(result)
