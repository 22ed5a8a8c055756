"""Roles, members and servers: who may do what, where the bot is, and what it is told of changes."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import ClientRefusal, VirtualDiscord
from tests.playground.discord.conftest import Listener


async def get(http: aiohttp.ClientSession, path: str) -> tuple[int, Any]:
    """Status and answer."""
    async with http.get(path) as response:
        return response.status, await response.json()


async def member_of(wire: VirtualDiscord, bot: Any, person: str, channel: str = "general") -> discord.Interaction:
    """The interaction as the bot sees it when this person uses a command."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("ok", ephemeral=True)
        return interaction

    bot.body = body
    await wire.slash(person, channel, "act")
    found: discord.Interaction = await bot.outcome()
    return found


async def test_roles_come_with_the_interaction(wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession) -> None:
    """Given and taken roles show in the next interaction and in one fetch, without the members intent."""
    wire.give_role("ann", "patron")
    wire.give_role("ann", "supporter")
    wire.take_role("ann", "patron")
    interaction = await member_of(wire, bot, "ann")
    _, fetched = await get(http, f"guilds/{wire.guild_id}/members/{wire.people['ann'].id}")
    _, roles = await get(http, f"guilds/{wire.guild_id}/roles")

    assert wire.member_roles("ann") == ["supporter"]
    assert isinstance(interaction.user, discord.Member)
    assert [role.name for role in interaction.user.roles] == ["@everyone", "supporter"]
    assert fetched["roles"] == [str(wire.roles["supporter"].id)]
    assert {role["name"] for role in roles} >= {"@everyone", "moderator", "supporter", "patron"}


async def test_permissions_are_computed_with_overwrites(wire: VirtualDiscord, bot: Any) -> None:
    """For the member and for the bot, in the channel where the command was used."""
    wire.permit("general", "attach_files", False, "everyone")
    wire.permit("general", "attach_files", True, "patron")
    wire.permit("general", "embed_links", False)
    plain = await member_of(wire, bot, "ann")
    wire.give_role("ann", "patron")
    patron = await member_of(wire, bot, "ann")
    wire.permit("general", "embed_links", None)
    free = await member_of(wire, bot, "ann")
    no_posting = await member_of(wire, bot, "ann", "no-posting")

    assert not plain.permissions.attach_files
    assert patron.permissions.attach_files
    assert (plain.app_permissions.embed_links, free.app_permissions.embed_links) == (False, True)
    assert not no_posting.app_permissions.send_messages
    assert no_posting.permissions.send_messages


async def test_role_changes_are_announced(wire: VirtualDiscord, listener: Listener) -> None:
    """GUILD_ROLE_CREATE, _UPDATE and _DELETE; a role can be above the bot's."""
    above = wire.create_role("admin", ["administrator"], position=9)
    created = await listener.until("GUILD_ROLE_CREATE")
    below = wire.create_role("vip")
    second = await listener.until("GUILD_ROLE_CREATE")
    wire.set_role_permission("everyone", "attach_files", False)
    changed = await listener.until("GUILD_ROLE_UPDATE")
    wire.give_role("ann", "admin")
    is_admin = "manage_guild" in wire.permissions("ann", "staff")
    wire.delete_role("admin")
    deleted = await listener.until("GUILD_ROLE_DELETE")

    assert (created["role"]["id"], second["role"]["id"]) == (str(above.id), str(below.id))
    assert second["role"]["position"] < created["role"]["position"]
    assert changed["role"]["name"] == "@everyone"
    assert deleted == {"guild_id": str(wire.guild_id), "role_id": str(above.id)}
    assert (is_admin, wire.member_roles("ann"), "admin" in wire.roles) == (True, [], False)


async def test_members_are_announced_to_those_with_the_intent_only(wire: VirtualDiscord, listener: Listener) -> None:
    """Without it only the bot's own membership is."""
    wire.leave_guild("ben")
    wire.join_guild("ben")
    wire.give_role("ann", "patron")
    wire.create_role("vip")
    names = await listener.names_until("GUILD_ROLE_CREATE")
    wire.give_role(wire.add_person("cleo", "Cleo"), "vip")
    wire.set_system_channel(None)
    updated = await listener.until("GUILD_UPDATE")

    assert names == ["GUILD_ROLE_CREATE"]
    assert updated["system_channel_id"] is None


async def test_bot_is_told_of_its_own_roles(wire: VirtualDiscord, listener: Listener) -> None:
    """Its own membership needs no intent, and the role's permissions count at once."""
    wire.give_role(None, "moderator")
    told = await listener.until("GUILD_MEMBER_UPDATE")

    assert told["user"]["id"] == str(wire.application_id)
    assert str(wire.roles["moderator"].id) in told["roles"]
    assert {"view_channel", "manage_guild"} <= set(wire.permissions(None, "staff"))
    wire.take_role(None, "moderator")
    assert "manage_guild" not in wire.permissions(None, "general")


async def test_member_who_left_is_unknown(wire: VirtualDiscord, http: aiohttp.ClientSession) -> None:
    """404 / 10007, and the person can do nothing there any more."""
    wire.leave_guild("ann")
    status, answer = await get(http, f"guilds/{wire.guild_id}/members/{wire.people['ann'].id}")

    assert (status, answer["code"]) == (404, 10007)
    with pytest.raises(ClientRefusal):
        wire.say("ann", "general", "hello")
    assert wire.commands("ann", wire.direct_channel("ann")) == []
    wire.join_guild("ann")
    assert wire.say("ann", "general", "back")["content"] == "back"


async def test_second_server_joins_and_works(wire: VirtualDiscord, bot: Any, listener: Listener) -> None:
    """GUILD_CREATE brings its channels, and commands there carry that server."""
    told = bot.wait_for("guild_join", timeout=5)
    made = wire.add_guild("Film Club", "ben", members=["ann"], locale="nl")
    joined = await listener.until("GUILD_CREATE")
    await told
    interaction = await member_of(wire, bot, "ann", "film-club/general")
    await bot.get_channel(wire.channels["film-club/clips"].id).send("hello")

    assert joined["id"] == str(made.id)
    assert joined["system_channel_id"] == str(wire.channels["film-club/general"].id)
    assert {item["name"] for item in joined["channels"]} == {"general", "clips"}
    assert (interaction.guild_id, interaction.guild_locale) == (made.id, discord.Locale.dutch)
    assert {guild.name for guild in bot.guilds} == {"Playground", "Film Club"}
    assert [item["content"] for item in wire.messages("film-club/clips", "ben")] == ["hello"]
    assert wire.messages("film-club/clips", "mo") == []


async def test_removed_bot_has_no_access(wire: VirtualDiscord, bot: Any, http: aiohttp.ClientSession) -> None:
    """The server is unknown (10004), its places are closed (50001), and its people are not offered commands."""
    channel = bot.get_channel(wire.channels["general"].id)
    card = await channel.send("card")
    removed = bot.wait_for("guild_remove", timeout=5)
    wire.remove_bot()
    await removed
    guild, unknown = await get(http, f"guilds/{wire.guild_id}")
    member, closed = await get(http, f"guilds/{wire.guild_id}/members/{wire.people['ann'].id}")
    _, mine = await get(http, "users/@me/guilds")

    for attempt in (channel.send("x"), card.edit(content="x"), bot.fetch_channel(channel.id)):
        with pytest.raises(discord.Forbidden) as found:
            await attempt
        assert found.value.code == 50001
    assert (guild, unknown["code"], member, closed["code"], mine) == (404, 10004, 403, 50001, [])
    assert (wire.commands("owner", "general"), wire.in_guild()) == ([], False)
    assert [item["content"] for item in wire.messages("general", "ann")] == ["card"]


async def test_removal_is_an_event_without_unavailable(wire: VirtualDiscord, listener: Listener) -> None:
    """GUILD_DELETE as for a kick; afterwards nothing of that server arrives until the bot is let in again."""
    made = wire.add_guild("Film Club", "ben")
    wire.remove_bot(made)
    deleted = await listener.until("GUILD_DELETE")
    wire.create_channel("secret", guild=made)
    wire.invite_bot(made, permissions=["view_channel"])
    names = await listener.names_until("GUILD_CREATE")

    assert deleted == {"id": str(made.id)}
    assert names == ["GUILD_CREATE"]
    assert "send_messages" in wire.permissions(None, "film-club/clips")
    with pytest.raises(KeyError):
        wire.permit("film-club/clips", "send_messages", False, "everyone")
    wire.permit("film-club/clips", "send_messages", False, "film-club/everyone")
    assert "send_messages" not in wire.permissions(None, "film-club/clips")


async def test_direct_messages_need_a_server_in_common(wire: VirtualDiscord, bot: Any) -> None:
    """50278 without one, 50007 when closed; opening the channel works in both cases."""
    stranger = await bot.fetch_user(wire.add_stranger("zoe", "Zoe").id)
    ann = await bot.fetch_user(wire.people["ann"].id)
    wire.close_direct_messages("ann")

    codes = []
    for user in (stranger, ann):
        await user.create_dm()
        with pytest.raises(discord.Forbidden) as found:
            await user.send("hello")
        codes.append(found.value.code)
    wire.close_direct_messages("ann", False)
    await ann.send("hello")

    assert codes == [50278, 50007]
    assert [item["content"] for item in wire.direct_messages("ann")] == ["hello"]
    with pytest.raises(discord.HTTPException) as unknown:
        await bot.http.start_private_message(123456789012345678)
    assert unknown.value.code == 50033


async def test_bot_leaves_by_itself(wire: VirtualDiscord, bot: Any) -> None:
    """DELETE of its own membership."""
    await bot.get_guild(wire.guild_id).leave()

    assert not wire.in_guild()
