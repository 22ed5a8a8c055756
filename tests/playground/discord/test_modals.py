"""Modals: what a bot may open, what the app lets a person send, and what arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import ClientRefusal, Outcome, VirtualDiscord

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
Open = Callable[[discord.ui.Modal], Awaitable[Outcome]]


class Form(discord.ui.Modal, title="Edit & rerun"):
    """Two texts, a string select, one that may stay empty, and files."""

    prompt = discord.ui.Label(
        text="Prompt",
        component=discord.ui.TextInput(custom_id="prompt", default="a cat", min_length=3, max_length=20),
    )
    size = discord.ui.Label(
        text="Size",
        component=discord.ui.Select(
            custom_id="size",
            options=[
                discord.SelectOption(label="Small", value="s", default=True),
                discord.SelectOption(label="Large", value="l"),
            ],
        ),
    )
    note = discord.ui.Label(
        text="Note", component=discord.ui.TextInput(custom_id="note", required=False, min_length=5, max_length=9)
    )
    files = discord.ui.Label(
        text="References",
        component=discord.ui.FileUpload(custom_id="files", min_values=1, max_values=2, required=False),
    )
    hint = discord.ui.TextDisplay("Attach what is missing")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Answer privately, and hand the interaction on."""
        await interaction.response.send_message("thanks", ephemeral=True)
        assert isinstance(interaction.client, discord.Client)
        interaction.client.outcomes.put_nowait((self, interaction))  # type: ignore[attr-defined]


class Settings(Form, title="Settings"):
    """The other kinds of field."""

    prompt = discord.ui.Label(text="Member", component=discord.ui.UserSelect(custom_id="member", required=True))
    size = discord.ui.Label(text="Roles", component=discord.ui.RoleSelect(custom_id="roles", max_values=3))
    note = discord.ui.Label(
        text="Channels",
        component=discord.ui.ChannelSelect(custom_id="rooms", required=False, channel_types=[discord.ChannelType.text]),
    )
    files = discord.ui.Label(
        text="Prompts",
        component=discord.ui.RadioGroup(
            custom_id="public",
            options=[
                discord.RadioGroupOption(label="Yes", value="yes"),
                discord.RadioGroupOption(label="No", value="no", default=True),
            ],
        ),
    )
    hint = discord.ui.Label(text="Ping", component=discord.ui.Checkbox(custom_id="ping", default=True))


class Choices(Form, title="Choices"):
    """Somebody or a role, and boxes to tick."""

    prompt = discord.ui.Label(text="Who", component=discord.ui.MentionableSelect(custom_id="who", max_values=2))
    size = discord.ui.Label(
        text="Models",
        component=discord.ui.CheckboxGroup(
            custom_id="models",
            options=[discord.CheckboxGroupOption(label=name, value=name) for name in ("fast", "pro", "wild")],
            min_values=1,
            max_values=2,
        ),
    )
    note = files = None
    hint = discord.ui.TextDisplay("Choose")


@pytest.fixture
def open_modal(wire: VirtualDiscord, bot: Any) -> Open:
    """Lets Ann's command open a modal."""

    async def opened(modal: discord.ui.Modal) -> Outcome:
        async def body(interaction: discord.Interaction, **options: Any) -> Any:
            await interaction.response.send_modal(modal)

        bot.body = body
        outcome = await wire.slash("ann", "general", "act")
        await bot.outcome()
        return outcome

    return opened


async def test_filled_modal_arrives(wire: VirtualDiscord, bot: Any, open_modal: Open) -> None:
    """Presets are kept, files can be read, and the message is of nobody: a command opened it."""
    opened = await open_modal(Form())
    sent = await wire.submit_modal(
        "ann", opened.interaction_id, {"size": ["l"]}, {"files": [("a.png", PNG), ("b.png", b"b")]}
    )
    form, interaction = await bot.outcome()
    files = form.files.component.values

    assert (opened.kind, sent.kind) == ("modal", "message")
    assert (form.prompt.component.value, form.note.component.value) == ("a cat", "")
    assert form.size.component.values == ["l"]
    assert [file.filename for file in files] == ["a.png", "b.png"]
    assert await files[0].read() == PNG
    assert interaction.message is None
    assert sent.message is not None
    assert (
        sent.message["interaction_metadata"]["triggering_interaction_metadata"]["id"],
        sent.message["interaction_metadata"]["triggering_interaction_metadata"]["type"],
    ) == (str(opened.interaction_id), 2)
    assert files[0].ephemeral


async def test_people_roles_and_channels_are_resolved(wire: VirtualDiscord, bot: Any, open_modal: Open) -> None:
    """By key, object or id; a radio group and a checkbox keep their defaults."""
    opened = await open_modal(Settings())
    values = {"member": [wire.people["ben"]], "roles": ["patron", wire.roles["supporter"].id], "rooms": ["after-dark"]}
    await wire.submit_modal("ann", opened.interaction_id, values)
    form, interaction = await bot.outcome()

    assert [member.id for member in form.prompt.component.values] == [wire.people["ben"].id]
    assert isinstance(form.prompt.component.values[0], discord.Member)
    assert [role.name for role in form.size.component.values] == ["patron", "supporter"]
    assert [channel.id for channel in form.note.component.values] == [wire.channels["after-dark"].id]
    assert (form.files.component.value, form.hint.component.value) == ("no", True)
    resolved = interaction.data["resolved"]
    assert set(resolved) == {"users", "members", "roles", "channels"}
    assert not {"deaf", "mute"} & resolved["members"][str(wire.people["ben"].id)].keys()


async def test_mentionables_and_boxes(wire: VirtualDiscord, bot: Any, open_modal: Open) -> None:
    """A mentionable is a person or a role; boxes come in the order of their options."""
    opened = await open_modal(Choices())
    await wire.submit_modal("ann", opened.interaction_id, {"who": ["mo", "moderator"], "models": ["pro", "fast"]})
    form, _ = await bot.outcome()

    assert [item.id for item in form.prompt.component.values] == [wire.people["mo"].id, wire.roles["moderator"].id]
    assert form.size.component.values == ["fast", "pro"]


@pytest.mark.parametrize(
    ("modal", "values", "files"),
    [
        (Form, {"prompt": "ab"}, {}),
        (Form, {"prompt": "x" * 21}, {}),
        (Form, {"prompt": ""}, {}),
        (Form, {"note": "1234"}, {}),
        (Form, {"size": ["xl"]}, {}),
        (Form, {"size": []}, {}),
        (Form, {"size": ["s", "l"]}, {}),
        (Form, {"nothing": "x"}, {}),
        (Form, {}, {"files": [("a.png", PNG)] * 3}),
        (Form, {}, {"files": ("a.png", bytes(10 * 1024 * 1024 + 1))}),
        (Settings, {"roles": ["patron"]}, {}),
        (Settings, {"member": ["ann"], "roles": ["nobody"]}, {}),
        (Settings, {"member": ["patron"], "roles": ["patron"]}, {}),
        (Settings, {"member": ["ann"], "roles": ["patron"], "public": "maybe"}, {}),
        (Settings, {"member": ["ann"], "roles": ["patron"], "ping": "yes"}, {}),
        (Settings, {"member": ["ann"], "roles": ["patron"], "rooms": ["talk"]}, {}),
        (Choices, {"who": ["mo"], "models": []}, {}),
        (Choices, {"who": ["mo"], "models": ["fast", "pro", "wild"]}, {}),
    ],
)
async def test_app_does_not_send_what_breaks_a_rule(
    wire: VirtualDiscord, open_modal: Open, modal: type[discord.ui.Modal], values: Any, files: Any
) -> None:
    """Lengths, counts, offers and kinds are checked before the bot hears of it."""
    wire.open_thread("general", "talk")
    opened = await open_modal(modal())

    with pytest.raises(ClientRefusal):
        await wire.submit_modal("ann", opened.interaction_id, values, files)


async def test_modal_is_open_for_one_person(wire: VirtualDiscord, open_modal: Open) -> None:
    """Nobody else can send it off."""
    opened = await open_modal(Form())

    with pytest.raises(ClientRefusal):
        await wire.submit_modal("ben", opened.interaction_id)


async def test_modal_from_a_button_carries_its_message(wire: VirtualDiscord, bot: Any) -> None:
    """The submit can change that message, private or not."""

    class Rename(discord.ui.Modal, title="Rename"):
        name = discord.ui.TextInput(label="Name", custom_id="name")

        async def on_submit(self, interaction: discord.Interaction) -> None:
            await interaction.response.edit_message(content=self.name.value)
            bot.outcomes.put_nowait(interaction.message)

    class Card(discord.ui.View):
        @discord.ui.button(label="Edit", custom_id="edit")
        async def edit(self, interaction: discord.Interaction, button: Any) -> None:
            await interaction.response.send_modal(Rename())

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("card", view=Card(), ephemeral=True)

    bot.body = body
    shown = await wire.slash("ann", "general", "act")
    assert shown.message is not None
    pressed = await wire.click("ann", int(shown.message["id"]), "edit")
    sent = await wire.submit_modal("ann", pressed.interaction_id, {"name": "a better card"})
    await bot.outcome()
    message = await bot.outcome()

    assert (pressed.kind, sent.kind) == ("modal", "update")
    assert (str(message.id), message.flags.ephemeral) == (shown.message["id"], True)
    assert shown.message["content"] == "a better card"


def label(component: Any, **more: Any) -> Any:
    """A modal with one labelled field."""
    return {"custom_id": "m", "title": "t", "components": [{"type": 18, "label": "l", "component": component, **more}]}


def text(**more: Any) -> Any:
    """A text input."""
    return {"type": 4, "custom_id": "a", "style": 1, **more}


OPTION = {"label": "a", "value": "a"}
BAD_MODALS = [
    {"custom_id": "m", "title": "t" * 46, "components": label(text())["components"]},
    {"custom_id": "m" * 101, "title": "t", "components": label(text())["components"]},
    {"custom_id": "m", "title": "t", "components": []},
    {"custom_id": "m", "title": "t", "components": [{"type": 10, "content": "x"}] * 6},
    {"custom_id": "m", "title": "t", "components": [text()]},
    {"custom_id": "m", "title": "t", "components": label(text())["components"] * 2},
    {"custom_id": "m", "title": "t", "components": [{"type": 1, "components": [text()]}]},
    {"custom_id": "m", "title": "t", "components": [{"type": 1, "components": [{"type": 3, "custom_id": "a"}]}]},
    label({"type": 2, "custom_id": "a", "style": 1, "label": "x"}),
    label(text(), description="d" * 101),
    label(text(max_length=4001)),
    label(text(min_length=5, max_length=4)),
    label(text(value="x" * 4001)),
    label(text(placeholder="x" * 101)),
    label(text(style=3)),
    label({"type": 3, "custom_id": "a", "options": []}),
    label({"type": 3, "custom_id": "a", "options": [OPTION, OPTION]}),
    label({"type": 3, "custom_id": "a", "options": [OPTION], "max_values": 2}),
    label({"type": 3, "custom_id": "a", "options": [OPTION], "min_values": 0}),
    label({"type": 5, "custom_id": "a", "disabled": True}),
    label({"type": 5, "custom_id": "a", "default_values": [{"type": "role", "id": "1"}]}),
    label({"type": 19, "custom_id": "a", "max_values": 11}),
    label({"type": 19, "custom_id": "a", "min_values": 3, "max_values": 2}),
    label({"type": 19, "custom_id": "a", "min_values": 0}),
    label({"type": 19, "custom_id": "a", "file_types": ["png"]}),
    label({"type": 21, "custom_id": "a", "options": [OPTION]}),
    label({"type": 22, "custom_id": "a", "options": [OPTION] + [{"label": "b", "value": f"b{i}"} for i in range(10)]}),
    label({"type": 23, "custom_id": "a", "default": "yes"}),
]


@pytest.mark.parametrize("modal", BAD_MODALS)
async def test_bad_modals_are_refused(
    wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession, modal: dict[str, Any]
) -> None:
    """50035, and the interaction can still be answered."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        path = f"interactions/{interaction.id}/{interaction.token}/callback"
        async with http.post(path, json={"type": 9, "data": modal}) as response:
            found = response.status, (await response.json())["code"]
        await interaction.response.send_message("instead")
        return found

    bot.body = body
    outcome = await wire.slash("ann", "general", "act")

    assert await bot.outcome() == (400, 50035)
    assert outcome.kind == "message"


async def test_modal_after_a_defer_is_refused(wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession) -> None:
    """400 / 40060; and no modal can answer a modal."""
    answers = []

    async def answer(interaction: discord.Interaction, modal: Any) -> None:
        path = f"interactions/{interaction.id}/{interaction.token}/callback"
        async with http.post(path, json={"type": 9, "data": modal}) as response:
            answers.append(
                (response.status, (await response.json() if response.status != 204 else {"code": 0})["code"])
            )

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer()
        await answer(interaction, label(text()))

    async def on_interaction(interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.modal_submit:
            await answer(interaction, label(text()))
            await interaction.response.send_message("sorry")

    async def open_one(interaction: discord.Interaction, **options: Any) -> Any:
        await answer(interaction, label(text()))

    bot.event(on_interaction)
    bot.body = body
    await wire.slash("ann", "general", "act")
    await bot.outcome()
    bot.body = open_one
    opened = await wire.slash("ann", "general", "act")
    await wire.submit_modal("ann", opened.interaction_id, {"a": "x"})

    assert answers == [(400, 40060), (204, 0), (400, 50035)]


async def test_file_types_are_checked_by_extension(wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession) -> None:
    """The app offers only files of the kinds that the field asks for."""
    modal = label({"type": 19, "custom_id": "a", "file_types": ["video", ".png"]})

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await http.post(f"interactions/{interaction.id}/{interaction.token}/callback", json={"type": 9, "data": modal})

    async def on_interaction(interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.modal_submit:
            await interaction.response.defer()

    bot.event(on_interaction)
    bot.body = body
    opened = await wire.slash("ann", "general", "act")

    with pytest.raises(ClientRefusal):
        await wire.submit_modal("ann", opened.interaction_id, files={"a": ("a.txt", b"x")})
    for name in ("a.mp4", "A.PNG"):
        assert (await wire.submit_modal("ann", opened.interaction_id, files={"a": (name, b"x")})).acknowledged
