"""Who is offered which command: contexts, age restriction, default permissions, and what administrators set.

Source: Discord's documentation, interactions/application-commands (permissions: a member's own setting beats the
roles', which beat everyone's; a setting for the command beats that for the whole application).
"""

from __future__ import annotations

from playground.discord.model import ChannelState, Guild, Json
from playground.discord.permissions import Permission
from playground.discord.world import World

ROLE, USER, CHANNEL = 1, 2, 3
"""Kinds of command permission, by Discord's number."""
GUILD_CONTEXT, DIRECT_CONTEXT = 0, 1
Overrides = dict[tuple[int, int], bool]


def visible_commands(world: World, user_id: int, channel: ChannelState, kind: int | None = None) -> list[Json]:
    """The commands that this person is offered here."""
    guild = world.guild_of(channel)
    if guild is None:
        found = world.commands.all(None) if world.shares_guild(user_id) else []
        return [item for item in found if kind in (None, item["type"]) and _offered_directly(item)]
    if not world.is_joined(guild.id) or not _may_use_any(world, user_id, channel):
        return []
    found = [command for scope in (guild.id, None) for command in world.commands.all(scope)]
    found = [item for item in found if kind in (None, item["type"])]
    return [command for command in found if _offered(world, guild, user_id, channel, command=command)]


def _may_use_any(world: World, user_id: int, channel: ChannelState) -> bool:
    """Whether commands work at all: seen, allowed, and in no thread that is closed to this person."""
    granted = world.permissions(user_id, channel)
    needed = Permission.VIEW_CHANNEL | Permission.USE_APPLICATION_COMMANDS
    is_open = not (channel.locked or channel.archived) or bool(granted & Permission.MANAGE_THREADS)
    return granted & needed == needed and is_open


def _offered_directly(command: Json) -> bool:
    contexts = command.get("contexts")
    is_here = bool(command.get("dm_permission", True)) if contexts is None else DIRECT_CONTEXT in contexts
    return is_here and not command.get("nsfw")


def _offered(world: World, guild: Guild, user_id: int, channel: ChannelState, *, command: Json) -> bool:
    contexts = command.get("contexts")
    if contexts is not None and GUILD_CONTEXT not in contexts:
        return False
    if command.get("nsfw") and not world.parent(channel).nsfw:
        return False
    granted = world.permissions(user_id, channel)
    if granted & Permission.ADMINISTRATOR:
        return True
    own = guild.command_overrides.get(int(command["id"]), {})
    general = guild.command_overrides.get(world.application_id, {})
    if not _in_channel(guild, world.parent(channel).id, own, general):
        return False
    for overrides in (own, general):
        allowed = _of_person(guild, user_id, overrides)
        if allowed is not None:
            return allowed
    needed = command.get("default_member_permissions")
    return needed is None or (int(needed) != 0 and granted & int(needed) == int(needed))


def _in_channel(guild: Guild, channel_id: int, own: Overrides, general: Overrides) -> bool:
    """Whether the command may be used in the channel; the guild's id minus 1 stands for all channels."""
    for overrides in (own, general):
        for target in (channel_id, guild.id - 1):
            if (CHANNEL, target) in overrides:
                return overrides[(CHANNEL, target)]
    return True


def _of_person(guild: Guild, user_id: int, overrides: Overrides) -> bool | None:
    """What is set for the person: by name, else by a role (one that allows suffices), else for everyone."""
    if (USER, user_id) in overrides:
        return overrides[(USER, user_id)]
    roles = [overrides[(ROLE, role)] for role in guild.members[user_id].role_ids if (ROLE, role) in overrides]
    return any(roles) if roles else overrides.get((ROLE, guild.id))


def permissions_payload(world: World, guild: Guild, target_id: int) -> Json:
    """What administrators set for a command (or for the application, under its own id), as the API shows it."""
    overrides = guild.command_overrides.get(target_id, {})
    return {
        "id": str(target_id),
        "application_id": str(world.application_id),
        "guild_id": str(guild.id),
        "permissions": [
            {"id": str(item_id), "type": kind, "permission": allowed} for (kind, item_id), allowed in overrides.items()
        ],
    }
