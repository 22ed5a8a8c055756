"""The state of the simulated Discord, its look-ups, permissions, and the notice of every change."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime

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
    Member,
    Message,
    Overwrite,
    Person,
    Role,
    Snowflakes,
    User,
)
from playground.discord.permissions import Permission
from playground.discord.settings import DiscordSettings

APPLICATION_ID = 1455000000000000001
GUILD_ID = 1455000000000000100
BOT_ROLE_ID = 1455000000000000110
MODERATOR_ROLE_ID = 1455000000000000111
CHANNEL_IDS = {"video-lab": 1455000000000000200, "general": 1455000000000000201}
PEOPLE = {
    "ann": Person(1455000000000000301, "ann", "Ann"),
    "ben": Person(1455000000000000302, "ben", "Ben"),
    "mo": Person(1455000000000000303, "mo", "Mo"),
    "owner": Person(1455000000000000304, "owner", "Olive"),
}
"""Fixed ids: a bot's database from an earlier start keeps fitting the same people and places."""

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
        self.guild = self._make_guild()
        self.channels = {
            channel_id: ChannelState(channel_id, key, key, ChannelType.TEXT, GUILD_ID)
            for key, channel_id in CHANNEL_IDS.items()
        }
        self.interactions: dict[int, Interaction] = {}
        self.tokens: dict[str, Interaction] = {}
        self.nonces: dict[tuple[int, str], tuple[float, Message]] = {}
        self.commands = CommandRegistry(self.application_id, self.ids)
        self.listeners: list[Listener] = []
        self.version = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def _make_guild(self) -> Guild:
        guild = Guild(GUILD_ID, "Playground", self.owner.id)
        guild.roles[GUILD_ID] = Role(GUILD_ID, "@everyone", permissions.EVERYONE)
        guild.roles[BOT_ROLE_ID] = Role(BOT_ROLE_ID, self.bot.username, permissions.BOT, 2, managed=True)
        guild.roles[MODERATOR_ROLE_ID] = Role(MODERATOR_ROLE_ID, "Moderators", permissions.MODERATOR, 1)
        for user_id in self.users:
            guild.members[user_id] = Member(user_id, joined_at=now_text())
        guild.members[self.bot.id].role_ids.append(BOT_ROLE_ID)
        guild.members[self.people["mo"].id].role_ids.append(MODERATOR_ROLE_ID)
        return guild

    def add_person(self, key: str, name: str) -> Person:
        """One more member of the guild, without roles."""
        if key in self.people:
            raise ValueError(f"there is a person {key!r} already")
        person = Person(self.ids.next(), key, name)
        self.people[key] = person
        self.users[person.id] = User(person.id, key, name)
        self.guild.members[person.id] = Member(person.id, joined_at=now_text())
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
        """Send an event to the gateway's sessions and count the change."""
        for listener in list(self.listeners):
            listener(event, payload, guild_id)
        self.touch()

    # -- look-ups -------------------------------------------------------------

    def channel(self, channel_id: int) -> ChannelState:
        """The channel, or 10003."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise errors.unknown_channel()
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
        thread = ChannelState(
            self.ids.next(), name, name, ChannelType.PUBLIC_THREAD, self.guild.id, parent_id=parent_id
        )
        self.channels[thread.id] = thread
        return thread

    # -- permissions ----------------------------------------------------------

    def permissions(self, user_id: int, channel: ChannelState | None) -> int:
        """Effective bits in a guild channel (a thread's parent decides) or, for None, in the guild."""
        if channel is not None and channel.parent_id is not None:
            channel = self.channels.get(channel.parent_id, channel)
        return permissions.compute(self.guild, user_id, channel)

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
            raise errors.missing_permissions()

    def overwrite(self, channel: ChannelState, target_id: int, permission: Permission, allowed: bool) -> None:
        """Allow or deny a permission to a member or role in one channel."""
        kind = 0 if target_id in self.guild.roles else 1
        entry = channel.overwrites.setdefault(target_id, Overwrite(target_id, kind))
        entry.allow = entry.allow | permission if allowed else entry.allow & ~permission
        entry.deny = entry.deny & ~permission if allowed else entry.deny | permission


def view(channel: ChannelState) -> Channel:
    """The channel as people name it."""
    kinds = {ChannelType.TEXT: "text", ChannelType.DM: "dm", ChannelType.PUBLIC_THREAD: "thread"}
    return Channel(channel.id, channel.key, channel.name, kinds[channel.type])


def now_text() -> str:
    """This moment in the form of Discord's timestamps."""
    return datetime.now(UTC).isoformat()
