"""The state of the simulated Discord, its look-ups, permissions, and the notice of every change."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

from playground.discord import errors, permissions
from playground.discord.cdn import Cdn
from playground.discord.commands import CommandRegistry
from playground.discord.model import (
    Channel,
    ChannelState,
    ChannelType,
    Guild,
    Interaction,
    Json,
    Message,
    Overwrite,
    Person,
    Snowflakes,
    User,
)
from playground.discord.permissions import Permission
from playground.discord.seed import APPLICATION_ID, PEOPLE, make_channels, make_guild, now_text
from playground.discord.settings import DiscordSettings

Listener = Callable[[str, Json, int | None], None]
"""Takes a gateway event's name, its payload, and the guild (None: direct messages)."""


def bot_token() -> str:
    """The token that the wire accepts, in the shape of a real one (id, time, signature)."""
    account = base64.b64encode(str(APPLICATION_ID).encode()).decode().rstrip("=")
    return f"{account}.PlayGd.{'simulated-discord-of-the-playground-00'}"


class World:
    """Everything that exists, and nothing about how it is reached."""

    def __init__(self, settings: DiscordSettings, cdn: Cdn) -> None:
        self.settings = settings
        self.cdn = cdn
        self.ids = Snowflakes()
        self.application_id = APPLICATION_ID
        self.people = dict(PEOPLE)
        self.owner = self.people["owner"]
        self.bot = User(APPLICATION_ID, "Seedance", None, bot=True)
        self.users = {person.id: User(person.id, person.key, person.name) for person in self.people.values()}
        self.users[self.bot.id] = self.bot
        self.guild = make_guild(self.users)
        self.guilds = {self.guild.id: self.guild}
        self.channels = make_channels()
        self.interactions: dict[int, Interaction] = {}
        self.tokens: dict[str, Interaction] = {}
        self.nonces: dict[tuple[int, str], tuple[float, Message]] = {}
        self.commands = CommandRegistry(self.application_id, self.ids)
        self.listeners: list[Listener] = []
        self.version = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def add_person(self, key: str, name: str) -> Person:
        """One more account, in no guild yet."""
        if key in self.people:
            raise ValueError(f"there is a person {key!r} already")
        person = Person(self.ids.next(), key, name)
        self.people[key] = person
        self.users[person.id] = User(person.id, key, name)
        self.touch()
        return person

    # -- change ---------------------------------------------------------------

    def touch(self) -> None:
        """Count a change and wake whoever waits for one."""
        self.version += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def changed(self, after: int) -> int:
        """Return the version once it is greater than `after`."""
        while self.version <= after:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)
        return self.version

    def emit(self, event: str, payload: Json, guild_id: int | None) -> None:
        """Send an event to the gateway's sessions and count the change; nothing of a guild that the bot is not in."""
        if guild_id is None or self.is_joined(guild_id):
            for listener in list(self.listeners):
                listener(event, payload, guild_id)
        self.touch()

    # -- look-ups -------------------------------------------------------------

    def is_joined(self, guild_id: int) -> bool:
        """Whether the bot is a member of this guild."""
        guild = self.guilds.get(guild_id)
        return guild is not None and self.bot.id in guild.members

    @property
    def joined(self) -> list[Guild]:
        """The guilds that the bot is in."""
        return [guild for guild in self.guilds.values() if self.bot.id in guild.members]

    def guild_of(self, channel: ChannelState) -> Guild | None:
        """The guild of a channel or thread; None for direct messages."""
        return None if channel.guild_id is None else self.guilds[channel.guild_id]

    def locale_of(self, guild: Guild) -> str:
        """The guild's preferred locale."""
        return guild.locale or self.settings.guild_locale

    def shares_guild(self, user_id: int) -> bool:
        """Whether the bot and an account have a guild in common."""
        return any(user_id in guild.members for guild in self.joined)

    def parent(self, channel: ChannelState) -> ChannelState:
        """The channel whose settings rule: a thread's parent, else the channel itself."""
        return channel if channel.parent_id is None else self.channels.get(channel.parent_id, channel)

    def channel(self, channel_id: int) -> ChannelState:
        """The channel, or 10003."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise errors.known(10003)
        return channel

    def message(self, channel_id: int, message_id: int) -> Message:
        """The message, ephemeral or not, or 10008."""
        message = self.channel(channel_id).messages.get(message_id)
        if message is None:
            raise errors.unknown_message()
        return message

    def find_message(self, message_id: int) -> Message | None:
        """The message in whatever channel, or None when it is gone."""
        for channel in self.channels.values():
            if message_id in channel.messages:
                return channel.messages[message_id]
        return None

    def direct_channel(self, user_id: int) -> ChannelState:
        """The direct-message channel between the bot and an account, opened if need be."""
        for channel in self.channels.values():
            if channel.type is ChannelType.DM and channel.recipient_id == user_id:
                return channel
        name = self.users[user_id].username
        channel = ChannelState(self.ids.next(), f"dm-{name}", name, ChannelType.DM, recipient_id=user_id)
        self.channels[channel.id] = channel
        self.touch()
        return channel

    def open_thread(self, parent_id: int, name: str) -> ChannelState:
        """A new public thread under a text channel."""
        parent = self.channel(parent_id)
        thread = ChannelState(
            self.ids.next(), name, name, ChannelType.PUBLIC_THREAD, parent.guild_id, parent_id=parent_id
        )
        thread.archive_changed_at = now_text()
        self.channels[thread.id] = thread
        return thread

    # -- permissions ----------------------------------------------------------

    def permissions(self, user_id: int, channel: ChannelState) -> int:
        """Effective bits in a channel; a thread's parent decides."""
        guild = self.guild_of(channel)
        if guild is None:
            return permissions.DIRECT
        return permissions.compute(guild, user_id, self.parent(channel))

    def can_view(self, user_id: int, channel: ChannelState) -> bool:
        """Whether the account sees the channel at all."""
        if channel.guild_id is None:
            return user_id in (channel.recipient_id, self.bot.id)
        return bool(self.permissions(user_id, channel) & Permission.VIEW_CHANNEL)

    def require(self, channel: ChannelState, needed: int) -> None:
        """Raise 50001 when the bot cannot see the channel, 50013 when it lacks `needed` there."""
        if not self.can_view(self.bot.id, channel):
            raise errors.missing_access()
        if channel.guild_id is not None and needed & ~self.permissions(self.bot.id, channel):
            raise errors.known(50013)

    def overwrite(self, channel: ChannelState, target_id: int, permission: Permission, allowed: bool | None) -> None:
        """Allow or deny a permission to a member or role in one channel; None leaves it to the roles again."""
        guild = self.guild_of(channel)
        kind = 0 if guild is not None and target_id in guild.roles else 1
        entry = channel.overwrites.setdefault(target_id, Overwrite(target_id, kind))
        entry.allow = entry.allow | permission if allowed is True else entry.allow & ~permission
        entry.deny = entry.deny | permission if allowed is False else entry.deny & ~permission
        if not entry.allow and not entry.deny:
            del channel.overwrites[target_id]


def view(world: World, channel: ChannelState) -> Channel:
    """The channel as people name it; a thread is as age-restricted as its parent."""
    kinds = {ChannelType.TEXT: "text", ChannelType.DM: "dm", ChannelType.PUBLIC_THREAD: "thread"}
    return Channel(
        channel.id,
        channel.key,
        channel.name,
        kinds[channel.type],
        channel.guild_id,
        world.parent(channel).nsfw,
        channel.parent_id,
        channel.archived,
        channel.locked,
    )
