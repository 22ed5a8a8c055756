"""What the bot does not own, as Protocols: providers, Discord, object storage, the shared rate budget, the breaker."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.domain.budgets import Level
from bot.domain.catalog import Model
from bot.domain.jobs import CardTarget, Job, TaskStatus
from bot.domain.money import Credits
from bot.domain.requests import Attachment, MediaKind, Reference, Spec
from bot.domain.rules import PublicPrompts


class Urgency:
    """Who goes first when a provider account's requests are scarce."""

    SUBMIT = 0
    CANCEL = 1
    UPLOAD = 2
    POLL = 3


class RateBudget(Protocol):
    """One account's requests per window, shared by all processes."""

    async def take(self, key: str, *, urgency: int) -> None:
        """Wait until one request may be sent for `key` (`seedance2-movie`).

        Raises:
            ProviderBusy: there is no turn soon; `retry_after_s` says when there will be one.
        """
        ...

    async def pause(self, key: str, seconds: float) -> None:
        """Obey a `Retry-After`: let nothing through for `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class BreakerState:
    """Whether a provider takes submissions now. `reason`: `outage`, `credits`, `key`, `paused`; None when closed."""

    is_open: bool
    reason: str | None = None
    probe_at: datetime | None = None


class BreakerView(Protocol):
    """Tells whether a provider's breaker is open."""

    async def state(self, provider: str) -> BreakerState:
        """Return whether it is open, for those who only show it. One read."""
        ...


class Breaker(Protocol):
    """Stops new submissions to a provider that is down, empty or locked."""

    async def state(self, provider: str) -> BreakerState:
        """Return whether submissions must wait. One caller is told `is_open=False` with the reason still set when a
        probe is due: that one may send one submission."""
        ...

    async def succeeded(self, provider: str, *, took_task: bool = True) -> None:
        """Note that the provider works: closes after an outage or dead key; an empty account only if it `took_task`."""
        ...

    async def failed(self, provider: str, reason: str) -> None:
        """Note a failure: `outage` opens after a few in a row, `credits` and `key` at once."""
        ...

    async def crowded(self, provider: str) -> None:
        """Note that a create was answered that there is too much to do; repeated, fewer jobs run at once."""
        ...


@dataclass(frozen=True, slots=True)
class UploadedReference:
    """What the provider calls a reference that it has now (P1: its `file_path`), or an https link at which it may fetch
    it. `duration_s` is None for pictures."""

    role: str
    kind: MediaKind
    address: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A create's exact request body, stored before it is first sent, and its idempotency key where one exists."""

    body: bytes
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A create's answer. `cost` in the provider's credits, None where it does not say."""

    task_id: str
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ProviderTraits:
    """What a provider's API can do; the rules for unknown outcomes follow from it."""

    has_list: bool
    has_cancel: bool
    has_balance: bool
    has_callback: bool
    has_idempotency: bool
    charges_failures: bool = False
    takes_links: bool = False  # references reach it as links, not by upload


class Provider(Protocol):
    """One company's API. Every method may raise the `ProviderError` family and nothing else of its own."""

    name: str
    traits: ProviderTraits

    async def upload(self, reference: Reference, source: Path) -> UploadedReference:
        """Put one reference where the provider can read it. Safe to repeat."""
        ...

    def compose(self, spec: Spec, uploads: Sequence[UploadedReference], *, callback_url: str | None) -> Submission:
        """Make the create's exact body, with every option explicit. No I/O."""
        ...

    async def submit(self, submission: Submission) -> Receipt:
        """Send the create once.

        Raises:
            ProviderUnreachable: the body never left.
            ProviderBusy: not taken, send again later.
            ProviderRejected: refused for good.
            ProviderAccount: dead key or no credits; not taken.
            ProviderAmbiguous: it may have been taken.
        """
        ...

    async def status(self, task_id: str) -> TaskStatus:
        """Ask for one task.

        Raises:
            TaskNotFound: the provider does not know it.
            ProviderError: no usable answer this time.
        """
        ...

    def list_tasks(self, *, since: datetime) -> AsyncIterator[TaskStatus]:
        """Yield the account's tasks created at or after `since`, newest first, over as many pages as needed."""
        ...

    async def cancel(self, task_id: str) -> TaskStatus | None:
        """Ask the provider to cancel. Returns its answer, or None where it no longer can.

        Raises:
            ProviderError: no usable answer this time.
        """
        ...

    async def balance(self) -> Decimal | None:
        """Return the account's remaining credits, None where the provider has no such address."""
        ...

    async def check_key(self) -> None:
        """Prove that the provider takes the key, by a request that changes nothing.

        Raises:
            ProviderAccount: it does not.
            ProviderError: no usable answer this time.
        """
        ...

    async def styles(self) -> list[str]:
        """Return the visual styles that the provider lists, none where it has no such list.

        Raises:
            ProviderError: no usable answer this time.
        """
        ...


# --------------------------------------------------------------------------------------------------------- Discord


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


# ----------------------------------------------------------------------------------------------------------- media


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What probing a clip found."""

    size_bytes: int
    duration_s: float
    width: int
    height: int
    has_audio: bool


class MediaStore(Protocol):
    """Where references and kept clips are. Keys are ours, never a member's file name."""

    async def put(self, key: str, source: Path) -> None:
        """Move a finished local file under `key`, durably."""
        ...

    async def local(self, key: str) -> Path:
        """Return a readable local path of `key`.

        Raises:
            MediaRejected: it is gone.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove `key`; one already gone is fine."""
        ...

    async def keys(self, older_than_s: float) -> list[str]:
        """Return the keys of everything stored for longer than `older_than_s`: what no row names any more may go."""
        ...


class ReferenceIntake(Protocol):
    """Takes in what members attach: fetched at once, checked by content, stripped, stored."""

    async def store(self, attachments: Sequence[Attachment], model: Model) -> tuple[Reference, ...]:
        """Fetch, check and store attachments, in their order.

        Raises:
            MediaRejected: a file is not what the model takes; nothing of them is kept.
        """
        ...

    async def discard(self, references: Sequence[Reference]) -> None:
        """Remove stored references that no job came of."""
        ...

    async def has_room(self) -> bool:
        """Whether the data folder and the disk have room for another job."""
        ...


class MediaWorkshop(Protocol):
    """Work on files, all of it in bounded child processes."""

    async def fetch_clip(self, url: str, key: str) -> ClipInfo:
        """Download a clip under `key`, resuming what an earlier try left, and prove that it plays.

        Raises:
            DownloadFailed: not this time, or (`is_gone`) never.
            MediaRejected: what came is no playable video.
        """
        ...

    async def fit_clip(self, key: str, limit_bytes: int) -> Path | None:
        """Return the clip or a copy of at most `limit_bytes`, None where the quality would suffer too much."""
        ...

    async def fetch_picture(self, url: str, stem: str) -> str:
        """Download a picture under `stem`, a dot and its type's ending, and prove that it decodes. Returns its key.

        One that is already there is not fetched again.

        Raises:
            DownloadFailed: not this time, or (`is_gone`) never.
            MediaRejected: what came is no sound PNG, JPEG or WebP of at most 50 megapixels.
        """
        ...

    async def fit_picture(self, key: str, limit_bytes: int) -> Path | None:
        """Return the picture or a copy of at most `limit_bytes`, None where the quality would suffer too much.

        Raises:
            MediaRejected: the kept picture is gone.
        """
        ...

    async def preview(self, key: str) -> Path | None:
        """Return a JPEG of the clip's first frame, None where it cannot be made."""
        ...

    async def last_frame(self, key: str) -> Path | None:
        """Return a JPEG of the clip's last frame in the clip's own size, None where it cannot be made.

        Raises:
            MediaRejected: the kept clip is gone.
        """
        ...


class Links(Protocol):
    """Addresses on our own public listener."""

    def callback_url(self, provider: str, job_id: str, attempt: int) -> str | None:
        """Return the job's own unguessable callback address, None where callbacks are off. At most 512 characters."""
        ...

    def media_url(self, key: str, filename: str, *, expires_at: datetime) -> str | None:
        """Return a signed expiring link to a kept file, None without a public address."""
        ...


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One level as people see it. `available` None is unlimited."""

    level: Level
    limit: Credits | None
    settled: Credits
    held: Credits
    ends_at: datetime | None
