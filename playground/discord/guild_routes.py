"""The REST routes of guilds, their members and roles, and of registered commands."""

from __future__ import annotations

from playground.discord import errors, guilds, payloads
from playground.discord.command_access import permissions_payload
from playground.discord.commands import without_localizations
from playground.discord.model import ChannelType, Guild
from playground.discord.request import Call
from playground.discord.routes import Answer, route
from playground.discord.world import World

# -- guilds ------------------------------------------------------------------------


def _joined(world: World, guild_id: int) -> Guild:
    """The guild, 10004 when there is none, 50001 when the bot is not in it."""
    guild = world.guilds.get(guild_id)
    if guild is None:
        raise errors.known(10004)
    if not world.is_joined(guild_id):
        raise errors.missing_access()
    return guild


@route("GET", "/guilds/{}")
def _guild(world: World, call: Call) -> Answer:
    """A guild that the bot is not in is as unknown as one that never was."""
    guild_id = int(call.args[0])
    if not world.is_joined(guild_id):
        raise errors.known(10004)
    guild = world.guilds[guild_id]
    body = payloads.guild(world, guild)
    if call.query.get("with_counts") in ("1", "true", "True"):
        body |= {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
    return 200, body


@route("GET", "/guilds/{}/channels")
def _guild_channels(world: World, call: Call) -> Answer:
    guild = _joined(world, int(call.args[0]))
    inside = [item for item in world.channels.values() if item.guild_id == guild.id]
    found = [item for item in inside if item.type is ChannelType.TEXT and world.can_view(world.bot.id, item)]
    return 200, [payloads.channel(world, item) for item in found]


@route("GET", "/guilds/{}/threads/active")
def _active_threads(world: World, call: Call) -> Answer:
    guild = _joined(world, int(call.args[0]))
    inside = [item for item in world.channels.values() if item.guild_id == guild.id and not item.archived]
    threads = [item for item in inside if item.type is ChannelType.PUBLIC_THREAD and world.can_view(world.bot.id, item)]
    return 200, {"threads": [payloads.channel(world, item) for item in threads], "members": [], "has_more": False}


@route("GET", "/guilds/{}/roles")
def _roles(world: World, call: Call) -> Answer:
    guild = _joined(world, int(call.args[0]))
    return 200, [payloads.role(item) for item in guild.roles.values()]


@route("GET", "/guilds/{}/roles/{}")
def _role(world: World, call: Call) -> Answer:
    role = _joined(world, int(call.args[0])).roles.get(int(call.args[1]))
    if role is None:
        raise errors.known(10011)
    return 200, payloads.role(role)


@route("GET", "/guilds/{}/members/{}")
def _member(world: World, call: Call) -> Answer:
    guild, user_id = _joined(world, int(call.args[0])), int(call.args[1])
    if user_id not in world.users:
        raise errors.known(10013)
    if user_id not in guild.members:
        raise errors.known(10007)
    return 200, payloads.member(world, guild.members[user_id])


@route("DELETE", "/users/@me/guilds/{}")
def _leave(world: World, call: Call) -> Answer:
    guild_id = int(call.args[0])
    if not world.is_joined(guild_id):
        raise errors.known(10004)
    guilds.remove_bot(world, world.guilds[guild_id])
    return 204, None


# -- commands ----------------------------------------------------------------------


def _scope(world: World, call: Call) -> int | None:
    """Checks the application of the path; the guild's id, or None for the global commands."""
    if int(call.args[0]) != world.application_id:
        raise errors.ApiError(403, 20012, "You are not authorized to perform this action on this application")
    if "/guilds/" not in call.path:
        return None
    guild_id = int(call.args[1])
    if not world.is_joined(guild_id):
        raise errors.missing_access()
    return guild_id


@route("GET", "/applications/{}/commands")
@route("GET", "/applications/{}/guilds/{}/commands")
def _commands(world: World, call: Call) -> Answer:
    """Localisations are told only to those who ask for them."""
    found = world.commands.all(_scope(world, call))
    if call.query.get("with_localizations") in ("1", "true", "True"):
        return 200, found
    return 200, [without_localizations(command) for command in found]


@route("PUT", "/applications/{}/commands")
@route("PUT", "/applications/{}/guilds/{}/commands")
def _replace_commands(world: World, call: Call) -> Answer:
    return 200, world.commands.replace_all(_scope(world, call), call.body)


@route("POST", "/applications/{}/commands")
@route("POST", "/applications/{}/guilds/{}/commands")
def _create_command(world: World, call: Call) -> Answer:
    command, is_new = world.commands.put(_scope(world, call), call.body)
    return 201 if is_new else 200, command


@route("GET", "/applications/{}/commands/{}")
@route("GET", "/applications/{}/guilds/{}/commands/{}")
def _command(world: World, call: Call) -> Answer:
    return 200, world.commands.get(_scope(world, call), int(call.args[-1]))


@route("PATCH", "/applications/{}/commands/{}")
@route("PATCH", "/applications/{}/guilds/{}/commands/{}")
def _edit_command(world: World, call: Call) -> Answer:
    return 200, world.commands.edit(_scope(world, call), int(call.args[-1]), call.fields())


@route("DELETE", "/applications/{}/commands/{}")
@route("DELETE", "/applications/{}/guilds/{}/commands/{}")
def _delete_command(world: World, call: Call) -> Answer:
    world.commands.remove(_scope(world, call), int(call.args[-1]))
    return 204, None


@route("GET", "/applications/{}/guilds/{}/commands/permissions")
def _all_permissions(world: World, call: Call) -> Answer:
    guild = world.guilds[_scope(world, call) or 0]
    return 200, [permissions_payload(world, guild, item) for item, found in guild.command_overrides.items() if found]


@route("GET", "/applications/{}/guilds/{}/commands/{}/permissions")
def _permissions(world: World, call: Call) -> Answer:
    guild, command_id = world.guilds[_scope(world, call) or 0], int(call.args[-1])
    if not guild.command_overrides.get(command_id):
        raise errors.known(10066)
    return 200, permissions_payload(world, guild, command_id)


@route("PUT", "/applications/{}/guilds/{}/commands/{}/permissions")
def _set_permissions(world: World, call: Call) -> Answer:
    """Only people change them: a bot's token is refused."""
    _scope(world, call)
    raise errors.ApiError(403, 20001, "Bots cannot use this endpoint")
