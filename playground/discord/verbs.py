"""What all verbs share: the world, and how people, channels, roles and guilds are named."""

from __future__ import annotations

from playground.discord.model import Channel, ChannelState, Guild, GuildInfo, Person, Role, RoleInfo
from playground.discord.settings import DiscordSettings
from playground.discord.world import World

PersonRef = Person | str
"""A person, or the person's key."""
ChannelRef = Channel | str | int
"""A channel, its key, or its id."""
RoleRef = RoleInfo | str | int
"""A role, its key, or its id."""
GuildRef = GuildInfo | str | int
"""A guild, its key, or its id; the home guild where it may be left out."""


class Verbs:
    """The world and the look-ups of names."""

    _world: World
    settings: DiscordSettings

    def _person(self, person: PersonRef) -> Person:
        return self._world.people[person] if isinstance(person, str) else person

    def _channel(self, channel: ChannelRef) -> ChannelState:
        """Raises: KeyError for a key that no channel has, ApiError 10003 for an id."""
        if isinstance(channel, Channel):
            return self._world.channel(channel.id)
        if isinstance(channel, int):
            return self._world.channel(channel)
        for place in self._world.channels.values():
            if place.key == channel:
                return place
        raise KeyError(f"there is no channel {channel!r}")

    def _guild(self, guild: GuildRef | None) -> Guild:
        """Raises: KeyError for a guild that there is not."""
        if guild is None:
            return self._world.guild
        if isinstance(guild, GuildInfo):
            return self._world.guilds[guild.id]
        for found in self._world.guilds.values():
            if guild in (found.id, found.key):
                return found
        raise KeyError(f"there is no guild {guild!r}")

    def _role(self, role: RoleRef) -> tuple[Guild, Role]:
        """The role and its guild. Raises: KeyError for a role that there is not."""
        wanted = role.id if isinstance(role, RoleInfo) else role
        for guild in self._world.guilds.values():
            for found in guild.roles.values():
                if wanted == found.id or (found.key and wanted == found.key):
                    return guild, found
        raise KeyError(f"there is no role {role!r}")


def role_info(guild: Guild, role: Role) -> RoleInfo:
    """The role as people name it."""
    return RoleInfo(role.id, role.key or str(role.id), role.name, guild.id)


def guild_info(guild: Guild) -> GuildInfo:
    """The guild as people name it."""
    return GuildInfo(guild.id, guild.key, guild.name)
