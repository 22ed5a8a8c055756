"""Channels and threads: what the bot learns of them, where it may post, and what Discord answers where it may not."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import ClientRefusal, VirtualDiscord
from tests.playground.discord.conftest import Listener

OBFUSCATED = 1 << 17


async def refused(wire: VirtualDiscord, bot: Any, key: str) -> tuple[int, int]:
    """Status and code of the refusal to post in the channel with this key."""
    with pytest.raises(discord.HTTPException) as found:
        await bot.get_partial_messageable(wire.channels[key].id).send("x")
    return found.value.status, found.value.code


async def test_rooms_of_the_server(wire: VirtualDiscord, bot: Any) -> None:
    """One is age-restricted, one is the staff's, and in one the bot sees but may not post."""
    nsfw = await bot.fetch_channel(wire.channels["after-dark"].id)

    assert nsfw.is_nsfw()
    assert wire.channels["after-dark"].nsfw
    assert await refused(wire, bot, "no-posting") == (403, 50013)
    assert await refused(wire, bot, "staff") == (403, 50001)
    assert (wire.messages("staff", "ann"), "view_channel" in wire.permissions("mo", "staff")) == ([], True)
    assert "view_channel" not in wire.permissions("ann", "staff")
    assert "send_messages" not in wire.permissions(None, "no-posting")


async def test_hidden_channel_is_obfuscated_on_the_gateway(
    wire: VirtualDiscord, listener: Listener, http: aiohttp.ClientSession
) -> None:
    """The gateway tells id and permissions only, REST leaves it out, and gaining access shows all of it."""
    async with http.get(f"guilds/{wire.guild_id}/channels") as response:
        listed = {item["name"] for item in await response.json()}
    wire.set_nsfw("staff", True)
    hidden = await listener.until("CHANNEL_UPDATE")
    wire.permit("staff", "view_channel", True)
    shown = await listener.until("CHANNEL_UPDATE")

    assert "staff" not in listed
    assert (hidden["name"], hidden["flags"], "nsfw" in hidden) == ("___hidden___", OBFUSCATED, False)
    assert (shown["name"], shown["nsfw"]) == ("staff", True)


async def test_changes_of_a_channel_are_announced(wire: VirtualDiscord, listener: Listener) -> None:
    """Made, renamed, made age-restricted, deleted with its thread."""
    made = wire.create_channel("clips", nsfw=False)
    created = await listener.until("CHANNEL_CREATE")
    wire.rename_channel("clips", "films")
    renamed = await listener.until("CHANNEL_UPDATE")
    wire.set_nsfw("clips", True)
    restricted = await listener.until("CHANNEL_UPDATE")
    thread = wire.open_thread("clips", "talk")
    opened = await listener.until("THREAD_CREATE")
    wire.delete_channel("clips")
    gone = await listener.until("THREAD_DELETE")
    deleted = await listener.until("CHANNEL_DELETE")

    assert (created["id"], created["name"], created["nsfw"]) == (str(made.id), "clips", False)
    assert (renamed["name"], restricted["nsfw"]) == ("films", True)
    assert (opened["id"], opened["parent_id"], "nsfw" in opened) == (str(thread.id), str(made.id), False)
    assert gone == {"id": str(thread.id), "guild_id": str(wire.guild_id), "parent_id": str(made.id), "type": 11}
    assert deleted["id"] == str(made.id)
    assert not {"clips", "talk"} & wire.channels.keys()


async def test_deleted_channel_is_unknown(wire: VirtualDiscord, bot: Any) -> None:
    """404 / 10003."""
    channel = bot.get_channel(wire.channels["general"].id)
    wire.delete_channel("general")

    with pytest.raises(discord.NotFound) as found:
        await channel.send("x")
    assert found.value.code == 10003


async def test_message_opens_an_archived_thread(wire: VirtualDiscord, bot: Any, listener: Listener) -> None:
    """An edit there is refused (50083), a new message opens it and is announced."""
    thread = wire.open_thread("general", "talk")
    channel = await bot.fetch_channel(thread.id)
    card = await channel.send("card")
    assert wire.archive_thread("talk").archived
    closed = await listener.until("THREAD_UPDATE")

    with pytest.raises(discord.HTTPException) as found:
        await card.edit(content="edited")
    await channel.send("clip")
    opened = await listener.until("THREAD_UPDATE")

    assert found.value.code == 50083
    assert (closed["thread_metadata"]["archived"], opened["thread_metadata"]["archived"]) == (True, False)
    assert not wire.channels["talk"].archived
    assert [item["content"] for item in wire.messages("talk", "ann")] == ["card", "clip"]


@pytest.mark.parametrize("archived", [True, False])
async def test_locked_thread_is_closed_to_the_bot(wire: VirtualDiscord, bot: Any, archived: bool) -> None:
    """403 / 50083 for posts and edits, until it may manage threads."""
    channel = await bot.fetch_channel(wire.open_thread("general", "talk").id)
    card = await channel.send("card")
    if archived:
        wire.archive_thread("talk", locked=True)
    else:
        wire.lock_thread("talk")

    assert await refused(wire, bot, "talk") == (403, 50083)
    with pytest.raises(discord.Forbidden):
        await card.edit(content="edited")
    with pytest.raises(ClientRefusal):
        wire.say("ann", "talk", "hello")
    wire.permit("general", "manage_threads", True)
    await channel.send("clip")
    assert [item["content"] for item in wire.messages("talk", "ann")] == ["card", "clip"]


async def test_thread_locked_before_the_answer(wire: VirtualDiscord, bot: Any) -> None:
    """The deferred reply cannot be filled any more, by its token either."""
    wire.open_thread("general", "talk")

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer()
        wire.archive_thread("talk", locked=True)
        await interaction.edit_original_response(content="late")

    bot.body = body
    await wire.slash("ann", "talk", "act")
    error = await bot.outcome()

    assert (error.status, error.code) == (403, 50083)
    assert wire.commands("ann", "talk") == []


async def test_bot_reopens_a_thread(wire: VirtualDiscord, bot: Any) -> None:
    """Opening an unlocked thread needs no more than writing there; a locked one needs Manage Threads."""
    thread = await bot.fetch_channel(wire.open_thread("general", "talk").id)
    wire.archive_thread("talk")
    await thread.edit(archived=False)
    opened = wire.channels["talk"].archived
    wire.archive_thread("talk", locked=True)

    with pytest.raises(discord.Forbidden):
        await thread.edit(archived=False)
    assert (opened, wire.channels["talk"].archived, wire.unarchive_thread("talk").locked) == (False, True, False)


async def test_thread_is_as_restricted_as_its_channel(wire: VirtualDiscord, bot: Any) -> None:
    """Its interactions say so through the parent, as on Discord."""
    thread = wire.open_thread("after-dark", "talk")

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("ok")
        return interaction.channel

    bot.body = body
    await wire.slash("ann", "talk", "act")
    channel = await bot.outcome()

    assert thread.nsfw
    assert (channel.id, channel.parent_id, channel.is_nsfw()) == (thread.id, wire.channels["after-dark"].id, True)
