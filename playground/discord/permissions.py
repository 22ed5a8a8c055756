"""Permission bits and how Discord adds them up.

Source: Discord's documentation, topics/permissions (bitwise flags, overwrites).
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.discord.model import ChannelState, Guild


class Permission(IntFlag):
    """The flags that the simulated guild knows."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40


ALL = sum(Permission)
EVERYONE = int(
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
MODERATOR = int(Permission.MANAGE_GUILD | Permission.MANAGE_MESSAGES | Permission.MODERATE_MEMBERS)
BOT = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
)


def compute(guild: Guild, user_id: int, channel: ChannelState | None) -> int:
    """Effective permission bits of a member; pass a thread's parent as `channel`. 0 for strangers."""
    if user_id == guild.owner_id:
        return ALL
    member = guild.members.get(user_id)
    if member is None:
        return 0
    base = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        base |= guild.roles[role_id].permissions
    if base & Permission.ADMINISTRATOR:
        return ALL
    if channel is None:
        return base
    allow = deny = 0
    for role_id in member.role_ids:
        overwrite = channel.overwrites.get(role_id)
        if overwrite is not None:
            allow |= overwrite.allow
            deny |= overwrite.deny
    everyone = channel.overwrites.get(guild.id)
    if everyone is not None:
        base = base & ~everyone.deny | everyone.allow
    base = base & ~deny | allow
    own = channel.overwrites.get(user_id)
    return base if own is None else base & ~own.deny | own.allow
