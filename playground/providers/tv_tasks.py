"""The seedance-tv emulator's own state: accounts, tasks, what the next task will do, and the knobs."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from typing import Any, Literal

from playground.providers.clips import Clip
from playground.providers.tv_rules import Limits, Order

ErrorShape = Literal["flat", "object", "errors", "detail", "text"]
StylesShape = Literal["names", "objects", "array", "data"]
BalanceShape = Literal["balance", "credits", "nested", "text"]


@dataclass(slots=True)
class Outcome:
    """What becomes of one task, where that is not plain success."""

    error_code: str | None = None  # ends as failed; the document names no codes
    error_message: str | None = None
    hang: bool = False  # stays in processing until `finish`
    status_word: str | None = None  # told instead of "processing"; the task goes on as usual
    vanish_queries: int = 0  # that many status queries answer 404, then it is back
    completes_after_s: float | None = None  # after ending as failed, it becomes succeeded after all
    render_s: float | None = None
    credit_cost: Decimal | None = None  # taken at submission, instead of the price
    charge_on_failure: bool = False  # a failure gives nothing back
    no_id: bool = False  # the answer to the submission names no id
    no_url: bool = False  # succeeded without a url
    url_expired: bool = False  # the result's address is refused with 403 from the start
    video_url: str | None = None  # told instead of the real address
    clip: bytes | None = None  # served instead of a rendered clip; need not be a video
    size_bytes: int = 0  # grow the clip to at least this
    noise: bool = False  # ... by pictures that are hard to compress, instead of by an ignored box


@dataclass(slots=True)
class Knobs:
    """Everything that can be turned while the emulator runs."""

    render_s: float = 6.0  # from submission to the end; the document speaks of 1-3 minutes
    speed: float = 1.0  # divides render_s
    rate_limit_per_minute: int | None = 60  # per account and window; the document names no number
    rate_window_s: float = 60.0
    block_s: float = 0.0  # going over the limit moves the reset at least that far away
    tells_rate_headers: bool = True
    tells_retry_after: bool = True
    concurrency_limit: int | None = None  # tasks under way; more are 429, without effect
    concurrency_retry_after_s: int = 5
    credits_per_s: Decimal = Decimal(1)  # the document names no price
    no_credits_status: int = 402  # ... and no error for an empty account
    create_status: int = 202  # ... and no HTTP status of a successful submission
    video_url_lifetime_s: float = 86_400.0
    renews_urls: bool = False  # a status query signs an expired result address anew
    refuses_key_at_results: bool = True  # a result address takes its own signature only, as object stores do
    error_shape: ErrorShape = "flat"
    styles_shape: StylesShape = "names"
    balance_shape: BalanceShape = "balance"
    errors_as_objects: bool = False  # a failed task's error is code and message, not a sentence
    clock_skew_s: float = 0.0  # added to all times that are told
    fixed_clip: bytes | None = None  # served for every task instead of rendering
    limits: Limits = field(default_factory=Limits)


@dataclass(slots=True)
class Quota:
    """Requests of an account in the current window; a window begins with its first request."""

    used: int = 0
    resets_at: int = 0  # time.time(), whole seconds, as X-RateLimit-Reset tells it
    is_blocked: bool = False

    def renew(self, window_s: float) -> None:
        """Begin a new window if the last one is over."""
        now = time.time()
        if now >= self.resets_at:
            self.used, self.resets_at, self.is_blocked = 0, ceil(now + window_s), False

    def block(self, seconds: float) -> None:
        """Move the reset at least `seconds` away, once per window."""
        if not self.is_blocked:
            self.is_blocked = True
            self.resets_at = max(self.resets_at, ceil(time.time() + seconds))

    def retry_after_s(self) -> int:
        """Whole seconds after which the window is over for sure."""
        return max(1, ceil(self.resets_at - time.time()))


@dataclass(slots=True)
class Account:
    """One API key with its credits."""

    api_key: str
    number: int
    total: Decimal
    used: Decimal = Decimal(0)
    enabled: bool = True  # False: the key expired
    quota: Quota = field(default_factory=Quota)

    @property
    def remain(self) -> Decimal:
        """Credits left; running tasks are paid already."""
        return self.total - self.used


@dataclass(slots=True, eq=False)
class Task:
    """The provider's record of one generation."""

    id: str
    account: Account
    order: Order
    body: bytes  # exactly as it was submitted
    outcome: Outcome
    created_at: datetime
    charged: Decimal = Decimal(0)
    status: str = "processing"
    error_code: str | None = None
    error_message: str | None = None
    clip: Clip | None = None
    video_url: str | None = None
    urls_expire_at: float = 0.0  # time.time()
    status_history: list[tuple[str, float]] = field(default_factory=list)  # with time.monotonic()
    status_queries: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_terminal(self) -> bool:
        """Whether the task succeeded or failed."""
        return self.status != "processing"

    @property
    def credit_cost(self) -> Decimal:
        """What the account paid for it, as of now. The provider never tells it."""
        return self.charged

    def charge(self, credits: Decimal) -> None:
        """Bring what the account paid for the task to `credits`."""
        self.account.used += credits - self.charged
        self.charged = credits

    def move(self, status: str) -> None:
        """Change the status."""
        self.status = status
        self.status_history.append((status, time.monotonic()))
        if self.is_terminal:
            self.ended.set()

    def token(self, expires_at: float) -> str:
        """The signature in the result's address."""
        return hashlib.sha256(f"{self.account.api_key}:{self.id}:{expires_at:.3f}".encode()).hexdigest()[:40]

    def submit_answer(self, knobs: Knobs) -> dict[str, Any]:
        """The "Example Response Schema" of POST /videos."""
        created_at = datetime.fromtimestamp(self.created_at.timestamp() + knobs.clock_skew_s, UTC)
        told = {"id": self.id, "status": "processing", "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        if self.outcome.no_id:
            del told["id"]
        return told

    def answer(self, knobs: Knobs) -> dict[str, Any]:
        """The same with today's status; `url` and `error` only once there is one."""
        word = self.outcome.status_word if self.status == "processing" else None
        told = {**self.submit_answer(knobs), "id": self.id, "status": word or self.status}
        if self.status == "succeeded" and not self.outcome.no_url:
            told["url"] = self.video_url
        if self.status == "failed":
            as_object = {"code": self.error_code, "message": self.error_message}
            told["error"] = as_object if knobs.errors_as_objects else self.error_message
        return told
