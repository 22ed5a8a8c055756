"""Private messages of interactions: who changes and deletes them by which token, and what follows what."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import ClientRefusal, Outcome, VirtualDiscord

Press = Callable[[discord.Interaction], Awaitable[Any]]
EPHEMERAL = 1 << 6


@pytest.fixture
def card(wire: VirtualDiscord, bot: Any) -> Callable[..., Awaitable[Outcome]]:
    """Shows Ann a card with a button; `press` is what the bot does when it is pressed."""

    async def shown(press: Press, *, ephemeral: bool = True) -> Outcome:
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="Go", custom_id="go"))

        async def body(interaction: discord.Interaction, **options: Any) -> Any:
            await interaction.response.send_message("card", view=view, ephemeral=ephemeral)

        async def on_interaction(interaction: discord.Interaction) -> None:
            if interaction.type is discord.InteractionType.component:
                try:
                    bot.outcomes.put_nowait(await press(interaction))
                except discord.HTTPException as error:
                    bot.outcomes.put_nowait(error)

        bot.event(on_interaction)
        bot.body = body
        outcome = await wire.slash("ann", "general", "act")
        await bot.outcome()
        return outcome

    return shown


async def go(wire: VirtualDiscord, bot: Any, outcome: Outcome) -> tuple[Outcome, Any]:
    """Press the card's button; what came of it, and what the bot's handler returned."""
    assert outcome.message is not None
    pressed = await wire.click("ann", int(outcome.message["id"]), "go")
    return pressed, await bot.outcome()


async def test_private_card_is_updated_by_its_button(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """It stays private, and `@original` of the press is the card."""

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.edit_message(content="pressed")
        await interaction.edit_original_response(content="pressed twice", attachments=[file("SPOILER_a.png")])
        return (await interaction.original_response()).id

    shown = await card(press)
    pressed, original_id = await go(wire, bot, shown)

    assert (pressed.kind, str(original_id)) == ("update", shown.message["id"])
    assert (shown.message["content"], shown.message["flags"]) == ("pressed twice", EPHEMERAL)
    assert shown.message["attachments"][0]["flags"] == 1 << 3
    assert wire.messages("general", "ben") == []


def file(name: str) -> discord.File:
    """A small file."""
    return discord.File(io.BytesIO(b"x"), name)


async def test_private_card_is_deleted_by_its_button(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """After a deferred update, by the press's token alone."""

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.defer()
        await interaction.delete_original_response()
        return (await interaction.followup.send("gone", ephemeral=True, wait=True)).id

    shown = await card(press)
    pressed, follow_up_id = await go(wire, bot, shown)

    assert (pressed.kind, shown.message) == ("defer_update", None)
    assert [(int(item["id"]), item["content"]) for item in wire.messages("general", "ann")] == [(follow_up_id, "gone")]


async def test_source_is_reached_beside_a_new_answer(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """The press answers with a reply of its own; the card it was made on is edited and deleted by the same token."""

    async def press(interaction: discord.Interaction) -> Any:
        assert interaction.message is not None
        await interaction.response.send_message("answer")
        await interaction.followup.edit_message(interaction.message.id, content="edited", view=None)
        edited = [item["content"] for item in wire.messages("general", "ann")]
        await interaction.followup.delete_message(interaction.message.id)
        return edited

    shown = await card(press)
    card_id = shown.message["id"]
    pressed, edited = await go(wire, bot, shown)

    assert edited == ["edited", "answer"]
    assert (shown.message, pressed.message["type"]) == (None, 19)
    assert pressed.message["message_reference"]["message_id"] == card_id
    assert pressed.message["referenced_message"] is None


async def test_follow_up_of_an_update_is_a_new_message(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """It does not fill the card; it is private only by its own flag, and answers the card."""

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.defer()
        one = await interaction.followup.send("private", ephemeral=True, wait=True)
        two = await interaction.followup.send("public", suppress_embeds=True, silent=True, wait=True)
        await one.edit(content="still private")
        return two

    shown = await card(press)
    pressed, two = await go(wire, bot, shown)

    assert shown.message["content"] == "card"
    assert [item["content"] for item in wire.messages("general", "ann")] == ["card", "still private", "public"]
    assert [item["content"] for item in wire.messages("general", "ben")] == ["public"]
    assert [item["flags"] for item in pressed.follow_ups] == [EPHEMERAL, 1 << 2 | 1 << 12]
    assert str(two.reference.message_id) == shown.message["id"]
    assert pressed.follow_ups[1]["interaction_metadata"]["original_response_message_id"] == shown.message["id"]


async def test_token_reaches_its_own_messages_only(
    wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession, card: Any
) -> None:
    """10008 for anything else, for reading, editing and deleting."""
    other = await bot.get_channel(wire.channels["general"].id).send("other")

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.defer()
        path = f"webhooks/{wire.application_id}/{interaction.token}/messages/{other.id}"
        found = []
        for method in ("GET", "PATCH", "DELETE"):
            async with http.request(method, path, json={"content": "x"}) as response:
                found.append((response.status, (await response.json())["code"]))
        return found

    _, found = await go(wire, bot, await card(press))

    assert found == [(404, 10008)] * 3


async def test_dismissed_card_is_gone_for_the_bot(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """Only its reader can dismiss it; a later edit finds nothing."""

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.defer()
        assert interaction.message is not None
        wire.dismiss("ann", interaction.message.id)
        await interaction.edit_original_response(content="late")

    shown = await card(press)
    with pytest.raises(ClientRefusal):
        wire.dismiss("ben", int(shown.message["id"]))
    _, error = await go(wire, bot, shown)

    assert (error.status, error.code) == (404, 10008)
    assert wire.messages("general", "ann") == []


async def test_answer_to_a_press_in_a_deleted_channel(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """10003 by the token too."""

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.defer()
        wire.delete_channel("general")
        await interaction.followup.send("where?")

    _, error = await go(wire, bot, await card(press, ephemeral=False))

    assert (error.status, error.code) == (404, 10003)


async def test_press_says_where_it_was(wire: VirtualDiscord, bot: Any, card: Any) -> None:
    """The payload has the channel with its age restriction and the person's permissions, server, locale and limits."""
    wire.set_nsfw("general", True)
    wire.settings.member_upload_limit_bytes = 50 * 1024 * 1024
    seen: list[dict[str, Any]] = []
    original = bot._connection.parse_interaction_create
    bot._connection.parsers["INTERACTION_CREATE"] = lambda data: (seen.append(data), original(data))[1]

    async def press(interaction: discord.Interaction) -> Any:
        await interaction.response.defer()

    await go(wire, bot, await card(press))
    command, pressed = seen

    for payload in (command, pressed):
        assert payload["channel"]["nsfw"] is True
        assert (payload["channel"]["type"], payload["channel"]["parent_id"]) == (0, None)
        assert payload["channel"]["permissions"] == payload["member"]["permissions"]
        assert payload["guild"] == {"id": str(wire.guild_id), "locale": "en-US", "features": []}
        assert (payload["locale"], payload["guild_locale"], payload["context"]) == ("en-US", "en-US", 0)
        assert payload["authorizing_integration_owners"] == {"0": str(wire.guild_id)}
        assert payload["attachment_size_limit"] == 50 * 1024 * 1024
        assert int(payload["app_permissions"]) & 1 << 11
    assert pressed["message"]["flags"] == EPHEMERAL
    assert "message" not in command
