"""Changing channels and threads, as a server's staff would."""

from __future__ import annotations

from playground.discord import guilds, permissions, sending_rules
from playground.discord.errors import ClientRefusal
from playground.discord.model import Channel, ChannelState, ChannelType, Person
from playground.discord.permissions import Permission
from playground.discord.verbs import ChannelRef, GuildRef, PersonRef, RoleRef, Verbs
from playground.discord.world import view


class ChannelVerbs(Verbs):
    """Verbs that change places; the bot gets the gateway events of each."""

    @property
    def channels(self) -> dict[str, Channel]:
        """The guilds' channels and threads by key; outside the home guild the key begins with the guild's."""
        found = self._world.channels.values()
        return {item.key: view(self._world, item) for item in found if item.guild_id is not None}

    def create_channel(
        self, name: str, *, guild: GuildRef | None = None, nsfw: bool = False, key: str | None = None
    ) -> Channel:
        """A new text channel. Raises: ValueError for a key that is taken."""
        place = self._guild(guild)
        prefix = "" if place is self._world.guild else f"{place.key}/"
        key = key or f"{prefix}{name}"
        if key in self.channels:
            raise ValueError(f"there is a channel {key!r} already")
        channel = ChannelState(self._world.ids.next(), key, name, ChannelType.TEXT, place.id, nsfw=nsfw)
        self._world.channels[channel.id] = channel
        return self._announced(channel, "CREATE")

    def rename_channel(self, channel: ChannelRef, name: str) -> Channel:
        """Give a channel or thread another name; its key stays."""
        place = self._channel(channel)
        place.name = name
        return self._announced(place, "UPDATE")

    def set_nsfw(self, channel: ChannelRef, nsfw: bool) -> Channel:
        """Make a channel age-restricted, or not. Raises: ClientRefusal for threads, which follow their channel."""
        place = self._channel(channel)
        if place.type is not ChannelType.TEXT:
            raise ClientRefusal(f"{place.name} has no age restriction of its own")
        place.nsfw = nsfw
        return self._announced(place, "UPDATE")

    def delete_channel(self, channel: ChannelRef) -> None:
        """Take a channel away with everything in it, its threads too."""
        guilds.delete_channel(self._world, self._channel(channel))

    def open_thread(self, parent: ChannelRef, name: str) -> Channel:
        """A new public thread."""
        return self._announced(self._world.open_thread(self._channel(parent).id, name), "CREATE")

    def archive_thread(self, thread: ChannelRef, *, locked: bool = False) -> Channel:
        """Close a thread: a message opens it again, unless it is `locked` too."""
        return self._set_thread(thread, archived=True, locked=locked)

    def lock_thread(self, thread: ChannelRef) -> Channel:
        """Lock a thread without closing it: only those who manage threads write in it."""
        place = self._channel(thread)
        return self._set_thread(thread, archived=place.archived, locked=True)

    def unarchive_thread(self, thread: ChannelRef) -> Channel:
        """Open a thread again, and unlock it."""
        return self._set_thread(thread, archived=False, locked=False)

    def permit(
        self, channel: ChannelRef, permission: str, allowed: bool | None, who: PersonRef | RoleRef | None = None
    ) -> None:
        """Allow or deny a permission (its name in Discord's documentation) in a channel; None lets the roles decide.

        `who` is a person or role, or the key of one (people first); without it, the bot.
        """
        place = self._channel(channel)
        self._world.overwrite(place, self._target(place, who), Permission[permission.upper()], allowed)
        self._announced(place, "UPDATE")

    def permissions(self, person: PersonRef | None, channel: ChannelRef) -> list[str]:
        """The names of what a person, or without one the bot, may do in a channel."""
        user_id = self._world.bot.id if person is None else self._person(person).id
        return permissions.names(self._world.permissions(user_id, self._channel(channel)))

    def _target(self, place: ChannelState, who: PersonRef | RoleRef | None) -> int:
        """The id of an overwrite's member or role. Raises: KeyError for a role of another guild."""
        if who is None:
            return self._world.bot.id
        if isinstance(who, Person):
            return who.id
        if isinstance(who, str) and who in self._world.people:
            return self._world.people[who].id
        guild, role = self._role(who)
        if guild.id != place.guild_id:
            raise KeyError(f"{role.name!r} is a role of another guild than {place.name}")
        return role.id

    def _set_thread(self, thread: ChannelRef, *, archived: bool, locked: bool) -> Channel:
        place = self._channel(thread)
        if place.type is not ChannelType.PUBLIC_THREAD:
            raise ClientRefusal(f"{place.name} is not a thread")
        sending_rules.set_archived(self._world, place, archived=archived, locked=locked)
        return view(self._world, place)

    def _announced(self, channel: ChannelState, what: str) -> Channel:
        sending_rules.announce_channel(self._world, what, channel)
        return view(self._world, channel)
