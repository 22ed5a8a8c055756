"""Changing servers: their roles and members, where the bot is, and who may use which command."""

from __future__ import annotations

import re
from collections.abc import Iterable

from playground.discord import guilds, payloads, permissions
from playground.discord.command_access import CHANNEL, ROLE, USER
from playground.discord.model import Guild, GuildInfo, Json, Member, Person, Role, RoleInfo
from playground.discord.permissions import Permission
from playground.discord.seed import now_text
from playground.discord.verbs import ChannelRef, GuildRef, PersonRef, RoleRef, Verbs, guild_info, role_info


class GuildVerbs(Verbs):
    """Verbs that change servers; the bot gets the gateway events that its intents allow."""

    # -- looking -------------------------------------------------------------------

    @property
    def roles(self) -> dict[str, RoleInfo]:
        """The guilds' roles by key; outside the home guild the key begins with the guild's."""
        found = [role_info(guild, role) for guild in self._world.guilds.values() for role in guild.roles.values()]
        return {role.key: role for role in found}

    @property
    def guilds(self) -> dict[str, GuildInfo]:
        """The guilds by key ("home" is the first), those that the bot has left too."""
        return {guild.key: guild_info(guild) for guild in self._world.guilds.values()}

    def in_guild(self, guild: GuildRef | None = None) -> bool:
        """Whether the bot is in the guild."""
        return self._world.is_joined(self._guild(guild).id)

    def member_roles(self, person: PersonRef, guild: GuildRef | None = None) -> list[str]:
        """The keys of a member's roles without everyone's. Raises: KeyError when the person is no member."""
        place = self._guild(guild)
        return [role_info(place, place.roles[i]).key for i in place.members[self._person(person).id].role_ids]

    # -- roles and members -----------------------------------------------------------

    def create_role(
        self,
        name: str,
        granted: Iterable[str] = (),
        *,
        guild: GuildRef | None = None,
        position: int | None = None,
    ) -> RoleInfo:
        """A new role with these permissions; just below the bot's own role, unless `position` (1 is the lowest) says.

        Raises: ValueError for a name that is taken as a key.
        """
        place = self._guild(guild)
        key = name if place is self._world.guild else f"{place.key}/{name}"
        if key in self.roles:
            raise ValueError(f"there is a role {key!r} already")
        own = [role.position for role in place.roles.values() if role.managed]
        wanted = position or min(own, default=len(place.roles))
        for other in place.roles.values():
            if other.position >= wanted:
                other.position += 1
        role = Role(self._world.ids.next(), name, permissions.bits(granted), wanted, key=key)
        place.roles[role.id] = role
        guilds.announce_role(self._world, place, role, "CREATE")
        return role_info(place, role)

    def delete_role(self, role: RoleRef) -> None:
        """Take a role away from everyone."""
        guilds.delete_role(self._world, *self._role(role))

    def set_role_permission(self, role: RoleRef, permission: str, allowed: bool) -> None:
        """Give a role (also "everyone" and "bot") a permission in the whole guild, or take it."""
        place, found = self._role(role)
        flag = Permission[permission.upper()]
        guilds.set_role_permission(self._world, place, found, flag, allowed=allowed)

    def give_role(self, person: PersonRef | None, role: RoleRef) -> None:
        """Let a member, or without one the bot, have a role. Raises: KeyError when the person is no member."""
        place, found = self._role(role)
        member = self._member(place, person)
        if found.id not in member.role_ids:
            member.role_ids.append(found.id)
            guilds.announce_member(self._world, place, member.user_id, "UPDATE")

    def take_role(self, person: PersonRef | None, role: RoleRef) -> None:
        """Take a role from a member, or without one from the bot. Raises: KeyError when the person is no member."""
        place, found = self._role(role)
        member = self._member(place, person)
        if found.id in member.role_ids:
            member.role_ids.remove(found.id)
            guilds.announce_member(self._world, place, member.user_id, "UPDATE")

    def _member(self, place: Guild, person: PersonRef | None) -> Member:
        return place.members[self._world.bot.id if person is None else self._person(person).id]

    def leave_guild(self, person: PersonRef, guild: GuildRef | None = None) -> None:
        """A member leaves. Raises: KeyError when the person is no member."""
        place, user_id = self._guild(guild), self._person(person).id
        del place.members[user_id]
        guilds.announce_member(self._world, place, user_id, "REMOVE")

    def join_guild(self, person: PersonRef, guild: GuildRef | None = None) -> None:
        """A person becomes a member, without roles."""
        place, user_id = self._guild(guild), self._person(person).id
        if user_id not in place.members:
            place.members[user_id] = Member(user_id, joined_at=now_text())
            guilds.announce_member(self._world, place, user_id, "ADD")

    def add_person(self, key: str, name: str) -> Person:
        """Let one more member join, whom one can act as. Raises: ValueError for a key that is taken."""
        person = self._world.add_person(key, name)
        self.join_guild(person)
        return person

    def add_stranger(self, key: str, name: str) -> Person:
        """One more account, in no guild. Raises: ValueError for a key that is taken."""
        return self._world.add_person(key, name)

    # -- guilds ----------------------------------------------------------------------

    def add_guild(
        self,
        name: str,
        owner: PersonRef,
        *,
        members: list[PersonRef] | None = None,
        locale: str = "en-US",
        permissions: list[str] | None = None,
    ) -> GuildInfo:
        """One more server, which invites the bot; everybody is in it unless `members` says who is.

        `permissions` is what the invite gives the bot, the usual ones without it.

        Raises: ValueError for a name that is taken.
        """
        key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if key in self.guilds:
            raise ValueError(f"there is a guild {key!r} already")
        everybody: list[PersonRef] = list(self._world.people.values())
        ids = [self._person(item).id for item in (everybody if members is None else members)]
        place = guilds.create(self._world, key, name, self._person(owner).id, member_ids=ids)
        place.locale = locale
        self.invite_bot(guild_info(place), permissions=permissions)
        return guild_info(place)

    def invite_bot(self, guild: GuildRef | None = None, *, permissions: list[str] | None = None) -> None:
        """Let the bot into a guild (again)."""
        guilds.invite_bot(self._world, self._guild(guild), granted_bits(permissions))

    def remove_bot(self, guild: GuildRef | None = None) -> None:
        """Throw the bot out of a guild."""
        guilds.remove_bot(self._world, self._guild(guild))

    def set_system_channel(self, channel: ChannelRef | None, guild: GuildRef | None = None) -> None:
        """Choose the guild's channel for system messages, or none."""
        place = self._guild(guild)
        place.system_channel_id = None if channel is None else self._channel(channel).id
        self._announce(place)

    def set_guild_locale(self, locale: str, guild: GuildRef | None = None) -> None:
        """Choose the guild's preferred locale, e.g. "nl" or "en-GB"."""
        place = self._guild(guild)
        place.locale = locale
        self._announce(place)

    def _announce(self, place: Guild) -> None:
        payload: Json = payloads.guild(self._world, place)
        self._world.emit("GUILD_UPDATE", payload, place.id)

    # -- rules -----------------------------------------------------------------------

    def override_command(
        self,
        command: str | None,
        allowed: bool | None,
        *,
        role: RoleRef | None = None,
        person: PersonRef | None = None,
        channel: ChannelRef | None = None,
        guild: GuildRef | None = None,
    ) -> None:
        """Set in the server's settings who may use a command, or where; None takes it back.

        Without role, person or channel it is for everyone; without command, for all of the bot's commands.

        Raises: KeyError for a command that is not registered.
        """
        place = self._guild(guild)
        if person is not None:
            override = (USER, self._person(person).id)
        elif channel is not None:
            override = (CHANNEL, self._channel(channel).id)
        else:
            override = (ROLE, place.id if role is None else self._role(role)[1].id)
        guilds.override_command(self._world, place, self._command_id(place, command), override, allowed)

    def _command_id(self, place: Guild, command: str | None) -> int:
        if command is None:
            return self._world.application_id
        for scope in (place.id, None):
            for item in self._world.commands.all(scope):
                if item["name"] == command:
                    return int(item["id"])
        raise KeyError(f"there is no command {command!r}")

    def block_words(self, words: list[str], guild: GuildRef | None = None) -> None:
        """Let AutoMod stop messages with these words (none: stop nothing), but for those who manage the guild."""
        self._guild(guild).blocked_words = list(words)
        self._world.touch()

    def close_direct_messages(self, person: PersonRef, closed: bool = True) -> None:
        """Let a person take no direct messages, or take them again."""
        ids = self.settings.dm_closed
        (ids.add if closed else ids.discard)(self._person(person).id)
        self._world.touch()


def granted_bits(names: list[str] | None) -> int:
    """What an invite gives: the permissions named, or the usual ones."""
    return permissions.BOT if names is None else permissions.bits(names)
