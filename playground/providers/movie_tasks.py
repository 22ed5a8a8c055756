"""The seedance2-movie emulator's own state: accounts, tasks, what the next task will do, and the knobs."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from playground.providers.clips import Clip
from playground.providers.movie_rules import TERMINAL, Order

STORED_FILES_KEPT = 500

CancelMode = Literal["at_once", "later", "refused", "ignored"]


@dataclass(slots=True)
class Outcome:
    """What becomes of one task, where that is not plain success."""

    error_code: str | None = None  # ends as failed, with this code
    error_message: str | None = None
    expire: bool = False  # ends as expired
    hang: bool = False  # stays in processing until `finish` or cancelled
    status_word: str | None = None  # told instead of "processing"; the task goes on as usual
    vanish_queries: int = 0  # that many status queries answer TASK_NOT_FOUND, then it is back
    list_lag_s: float = 0.0  # missing from the task list for that long after submission
    completes_after_s: float | None = None  # after ending as failed or expired, it becomes completed after all
    render_s: float | None = None
    credit_cost: Decimal | None = None  # taken at the end, instead of the quote
    charge_on_failure: bool = False
    url_expired: bool = False  # the result's address is refused with 403 from the start
    video_url: str | None = None  # told instead of the real address
    clip: bytes | None = None  # served instead of a rendered clip; need not be a video
    size_bytes: int = 0  # grow the clip to at least this
    noise: bool = False  # ... by pictures that are hard to compress, instead of by an ignored box
    cancel: CancelMode | None = None  # overrides the knob


@dataclass(slots=True)
class Callbacks:
    """How the emulator announces the end of a task. The document leaves the body open; it is the task object."""

    enabled: bool = True
    delay_s: float = 0.0
    repeat: int = 1  # how often each notice is sent, all at once
    before_answer: bool = False  # the task runs through and the notice goes out before submit is answered
    retries: int = 0  # more tries when the answer is not 2xx
    retry_delay_s: float = 1.0
    body: bytes | None = None  # sent instead of the task object


@dataclass(slots=True)
class Knobs:
    """Everything that can be turned while the emulator runs."""

    render_s: float = 6.0  # from submission to the end; the document speaks of 1-5 minutes
    speed: float = 1.0  # divides render_s
    errors_as_http_200: bool = False  # all errors in HTTP 200; otherwise as in "HTTP Status Mapping"
    concurrency_limit: int | None = None
    takes_over_limit: bool = True  # over the limit: the task exists and is queued, or it does not exist
    rate_limit_per_minute: int | None = None
    tells_retry_after: bool = True
    cancel: CancelMode = "at_once"  # for queued and processing tasks; pending ones are always cancelled at once
    cancel_delay_s: float = 0.5
    presign_expires_s: int = 3600
    video_url_lifetime_s: float = 7 * 86400.0
    renews_urls: bool = False  # a status query signs an expired result address anew
    clock_skew_s: float = 0.0  # added to the times that are told
    fixed_clip: bytes | None = None  # served for every task instead of rendering
    callbacks: Callbacks = field(default_factory=Callbacks)


@dataclass(slots=True)
class StoredFile:
    """An uploaded reference, or the promise of one (`data` None until the PUT)."""

    content_type: str
    data: bytes | None = None


@dataclass(slots=True)
class Account:
    """One API key with its credits and files."""

    api_key: str
    number: int
    total: Decimal
    used: Decimal = Decimal(0)
    enabled: bool = True
    files: dict[str, StoredFile] = field(default_factory=dict)
    calls: list[float] = field(default_factory=list)  # monotonic times of the last minute

    @property
    def remain(self) -> Decimal:
        """Credits left; running tasks are not deducted from it (post-pay)."""
        return self.total - self.used

    def uploaded(self) -> dict[str, str]:
        """The MIME types of the files that really arrived, by path."""
        return {path: file.content_type for path, file in self.files.items() if file.data is not None}

    def promise(self, path: str, content_type: str) -> None:
        """Make room for an upload; the oldest files are forgotten."""
        self.files[path] = StoredFile(content_type)
        while len(self.files) > STORED_FILES_KEPT:
            del self.files[next(iter(self.files))]


@dataclass(slots=True)
class CallbackRecord:
    """One notice that was sent."""

    at: float  # time.monotonic()
    task_id: str
    url: str
    status: int | None  # None: no answer
    error: str = ""


@dataclass(slots=True, eq=False)
class Task:
    """The provider's record of one generation."""

    id: str
    account: Account
    order: Order
    body: bytes  # exactly as it was submitted
    outcome: Outcome
    created_at: datetime
    updated_at: datetime
    status: str = "pending"
    error_code: str | None = None
    error_message: str | None = None
    charged: Decimal = Decimal(0)
    clip: Clip | None = None
    video_url: str | None = None
    last_frame_url: str | None = None
    urls_expire_at: float = 0.0  # time.time()
    status_history: list[tuple[str, float]] = field(default_factory=list)  # with time.monotonic()
    status_queries: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    born: float = field(default_factory=time.monotonic)

    @property
    def is_terminal(self) -> bool:
        """Whether the document calls the status terminal."""
        return self.status in TERMINAL

    @property
    def callback_url(self) -> str | None:
        """Where the end is announced."""
        return self.order.callback_url

    @property
    def credit_cost(self) -> Decimal:
        """The quote while running, what was really taken at the end (nothing for a failed task)."""
        return self.charged if self.is_terminal else self.order.cost

    def move(self, status: str) -> None:
        """Change the status and its time."""
        self.status = status
        self.updated_at = datetime.now(UTC)
        self.status_history.append((status, time.monotonic()))
        if self.is_terminal:
            self.ended.set()

    def token(self, expires_at: float) -> str:
        """The signature in the result's addresses."""
        return hashlib.sha256(f"{self.account.api_key}:{self.id}:{expires_at:.3f}".encode()).hexdigest()[:40]

    def answer(self, skew_s: float = 0.0) -> dict[str, Any]:
        """The task object, field by field as in the document's status answer."""
        order = self.order
        word = self.outcome.status_word if self.status == "processing" else None
        return {
            "task_id": self.id,
            "model": order.model,
            "status": word or self.status,
            "resolution": order.resolution,
            "ratio": order.ratio,
            "duration": order.duration,
            "generate_audio": order.generate_audio,
            "seed": order.seed,
            "video_url": self.video_url,
            "last_frame_url": self.last_frame_url,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "credit_cost": self.credit_cost,
            "created_at": _iso(self.created_at, skew_s),
            "updated_at": _iso(self.updated_at, skew_s),
        }


def _iso(moment: datetime, skew_s: float) -> str:
    return datetime.fromtimestamp(moment.timestamp() + skew_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
