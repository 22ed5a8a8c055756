"""What the simulated Discord keeps: people, guild, channels, messages, interactions."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]
"""A JSON object of Discord's API."""

DISCORD_EPOCH_MS = 1420070400000


class ChannelType(IntEnum):
    """Kinds of channel, by Discord's number."""

    TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11


class MessageFlag(IntFlag):
    """Message flags that the simulation uses."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


class InteractionType(IntEnum):
    """Kinds of interaction, by Discord's number."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Snowflakes:
    """Hands out ids that grow and carry their time, as Discord's do."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """A new id, greater than all before it."""
        now = (int(time.time() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last = max(now, self._last + 1)
        return self._last


@dataclass(frozen=True)
class Person:
    """A member whom one can act as; `key` is the name in `VirtualDiscord.people`."""

    id: int
    key: str
    name: str


@dataclass(frozen=True)
class Channel:
    """A place for messages as it was when asked for; `kind` is text, thread or dm."""

    id: int
    key: str
    name: str
    kind: str = "text"
    guild_id: int | None = None
    nsfw: bool = False
    parent_id: int | None = None
    archived: bool = False
    locked: bool = False


@dataclass(frozen=True)
class RoleInfo:
    """A role as people name it; `key` is the name in `VirtualDiscord.roles`."""

    id: int
    key: str
    name: str
    guild_id: int


@dataclass(frozen=True)
class GuildInfo:
    """A server as people name it; `key` is the name in `VirtualDiscord.guilds`."""

    id: int
    key: str
    name: str


@dataclass
class User:
    """An account, a person's or the bot's."""

    id: int
    username: str
    global_name: str | None
    bot: bool = False


@dataclass
class Role:
    """A role of the guild; `position` 0 is @everyone, whose id is the guild's."""

    id: int
    name: str
    permissions: int
    position: int = 0
    managed: bool = False
    key: str = ""


@dataclass
class Member:
    """An account's membership in the guild."""

    user_id: int
    role_ids: list[int] = field(default_factory=list)
    joined_at: str = ""


@dataclass
class Guild:
    """A server. `locale` None means the settings' one.

    `command_overrides` holds what its administrators set per command (or, under the application's id, for all
    commands): by kind (1 role, 2 user, 3 channel) and id, whether it is allowed.
    """

    id: int
    name: str
    owner_id: int
    key: str = "home"
    locale: str | None = None
    system_channel_id: int | None = None
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    command_overrides: dict[int, dict[tuple[int, int], bool]] = field(default_factory=dict)
    blocked_words: list[str] = field(default_factory=list)


@dataclass
class Overwrite:
    """A channel's own permissions for a role (type 0) or a member (type 1)."""

    target_id: int
    type: int
    allow: int = 0
    deny: int = 0


@dataclass
class ChannelState:
    """A channel with its messages, oldest first, deleted ones gone."""

    id: int
    key: str
    name: str
    type: ChannelType
    guild_id: int | None = None
    parent_id: int | None = None
    recipient_id: int | None = None
    nsfw: bool = False
    archived: bool = False
    locked: bool = False
    archive_changed_at: str = ""
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)


@dataclass
class Attachment:
    """A stored file; `ephemeral` ones were given with a command or a modal."""

    id: int
    channel_id: int
    filename: str
    size: int
    content_type: str
    description: str | None = None
    ephemeral: bool = False
    width: int | None = None
    height: int | None = None
    is_spoiler: bool = False


@dataclass
class Message:
    """A message; `reader_id` is set on ephemeral ones: who alone sees it."""

    id: int
    channel_id: int
    author_id: int
    content: str = ""
    created_at: str = ""
    edited_at: str | None = None
    type: int = 0
    flags: int = 0
    tts: bool = False
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mention_ids: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    reference: Json | None = None
    nonce: str | int | None = None
    interaction: Json | None = None
    reader_id: int | None = None

    @property
    def is_loading(self) -> bool:
        """Whether it shows "is thinking…"."""
        return bool(self.flags & MessageFlag.LOADING)


@dataclass
class Interaction:
    """One act of a person and how the bot answered it (`done` is set then); times are monotonic seconds.

    `details` is what the metadata of its messages says beyond who and what; `opener` is the interaction whose modal
    this one submits.
    """

    id: int
    token: str
    type: InteractionType
    channel_id: int
    user_id: int
    created: float
    details: Json = field(default_factory=dict)
    opener: Interaction | None = None
    source_message_id: int | None = None
    answered: float | None = None
    kind: str = ""
    message_id: int | None = None
    follow_up_ids: list[int] = field(default_factory=list)
    modal: Json | None = None
    choices: list[Json] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart request; `slot` is n of `files[n]`."""

    slot: str
    filename: str
    data: bytes
