"""Discord as the services need it: what is shown, and who shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.jobs import CardTarget, Job
from bot.domain.rules import PublicPrompts


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """Everything a card shows of a job; the Messenger makes words and buttons of it.

    `note` names one more sentence of the catalogue (`card.note.<note>`), None for none. `prompt_shown` is what the
    server wants shown of prompts in public.
    """

    job: Job
    note: str | None = None
    note_params: Mapping[str, object] | None = None
    prompt_shown: PublicPrompts = PublicPrompts.YES


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFile:
    """A file to post. `filename` is what members see."""

    path: Path
    filename: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPost:
    """A finished job to put before people: a file, or a link where no file fits.

    A delivery of pictures may take several messages, numbered by `part` from 0; `numbers` are those of the pictures in
    this one (from 1), in the order of `pictures` or that of the link. `nonce` is at most 25 characters. `reply_to` is
    the card's message id, None where there is no card. `link_expires_at` goes with `link`. `preview` is a picture that
    goes with a link. `detour` names the sentence of the catalogue (`clip.detour.<detour>`) that says why the clip comes
    by direct message, None where it does not.
    """

    job: Job
    nonce: str
    file: ClipFile | None = None
    link: str | None = None
    link_expires_at: datetime | None = None
    preview: ClipFile | None = None
    reply_to: int | None = None
    mention: bool = True
    prompt_shown: PublicPrompts = PublicPrompts.YES
    detour: str | None = None
    part: int = 0
    pictures: tuple[ClipFile, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A ready text for a channel: lines of the log channel, an alert to the operator. Nobody is pinged by it.

    `text` is at most 2000 characters, what people wrote in it already harmless. `nonce` is at most 25 characters.
    """

    text: str
    nonce: str
    files: tuple[ClipFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """A job that waits for a moderator's decision, and later what was decided.

    `files` are the reference pictures; they are shown with the first posting only. `outcome` names the sentence of the
    catalogue (`approval.outcome.<outcome>`), None while it waits. `actor_id` is who decided, None where nobody did.
    """

    job: Job
    locale: str
    files: tuple[ClipFile, ...] = ()
    outcome: str | None = None
    actor_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """Discord's receipt for a message."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class MarkSearch:
    """Outcome of looking for a job's message mark. `is_certain` is False where history cannot be read."""

    found: Posted | None
    is_certain: bool


class Messenger(Protocol):
    """Discord, as the services need it. Raises the `DeliveryError` family and nothing else of its own."""

    async def show_card(self, target: CardTarget, view: CardView) -> CardTarget | None:
        """Edit the card to `view`; through the interaction while its token lives, else by bot token.

        Returns the target with its message id filled in, or None where the card is gone for good.
        """
        ...

    async def post_clip(self, channel_id: int, post: ClipPost) -> Posted:
        """Post a new message to a channel by bot token, with `enforce_nonce`."""
        ...

    async def follow_up(self, target: CardTarget, post: ClipPost) -> Posted:
        """Post through the interaction; private where the job is. At most once: it has no nonce."""
        ...

    async def open_direct(self, user_id: int) -> int:
        """Return the channel id of the member's direct messages; `post_clip` posts there."""
        ...

    async def tell(self, user_id: int, view: CardView) -> Posted:
        """Tell a job's outcome without a clip by direct message."""
        ...

    async def find_mark(
        self, channel_id: int, job: Job, delivery_number: int, *, after: datetime, part: int = 0
    ) -> MarkSearch:
        """Look through a channel's messages since `after` for the mark of one message of a delivery."""
        ...

    async def delete_message(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's own messages; one already gone is fine."""
        ...

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Tell whether somebody is in a guild that the bot is in."""
        ...

    async def post_notice(self, channel_id: int, notice: Notice) -> Posted:
        """Post a text, and files with it, that pings nobody."""
        ...

    async def show_approval(self, channel_id: int, view: ApprovalView, *, message_id: int | None) -> Posted:
        """Post the card that moderators decide on, or edit it where it has a `message_id`.

        Raises:
            DeliveryForbidden: the channel is closed to the bot, or the message is gone.
        """
        ...
