"""The seedance2ai emulator's own state: accounts, tasks, what the next task will do, and the knobs."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from playground.providers.ai_rules import Order
from playground.providers.clips import Clip

PictureOutput = Literal["image_urls", "image_url", "images"]
PictureFormat = Literal["png", "jpeg", "webp"]


@dataclass(slots=True)
class Outcome:
    """What becomes of one task, where that is not plain success."""

    error_code: str | None = None  # ends as failed, with this code
    error_message: str | None = None
    reference_fails: bool = False  # ends as failed as if a reference could not be fetched
    hang: bool = False  # stays in processing until `finish`
    status_word: str | None = None  # told instead of "processing"; the task goes on as usual
    vanish_queries: int = 0  # that many status queries answer not_found, then it is back
    completes_after_s: float | None = None  # after ending as failed, it becomes completed after all
    render_s: float | None = None
    credits_used: Decimal | None = None  # taken at submission, instead of the price
    credits_refunded: Decimal | None = None  # given back on failure, instead of everything
    refund_after_s: float = 0.0  # the refund comes that much later than the failure
    missing_pictures: int = 0  # completed with fewer pictures; their share is refunded
    no_output: bool = False  # completed without an output
    url_expired: bool = False  # the result's addresses are refused with 403 from the start
    video_url: str | None = None  # told instead of the real address
    clip: bytes | None = None  # served instead of a rendered clip; need not be a video
    size_bytes: int = 0  # grow the clip to at least this
    noise: bool = False  # pictures that are hard to compress, in clips and in picture files


@dataclass(slots=True)
class Knobs:
    """Everything that can be turned while the emulator runs."""

    render_s: float = 6.0  # from submission to the end; the documents' example took 3 minutes
    speed: float = 1.0  # divides render_s
    submit_s: float = 0.0  # a submission takes that long, during which its key is "still running"
    rate_limit_per_minute: int | None = 30  # per account, as documented
    tells_retry_after: bool = True  # the older document names no header
    concurrency_limit: int | None = None  # tasks under way; more are service_busy, without effect
    idempotency_lifetime_s: float = 86_400.0
    conflict_while_rendering: bool = False  # "still running" means the task, not the request
    video_url_lifetime_s: float = 86_400.0
    renews_urls: bool = False  # a status query signs expired result addresses anew
    charges_reference_seconds: bool = True
    allows_loopback: bool = True  # references on this machine count as public
    pictures_fetched_at_submit: bool = False  # start and end frames, and references of pictures
    references_unreachable: bool = False
    fetch_timeout_s: float = 30.0
    picture_output: PictureOutput = "image_urls"  # the documents do not show a picture's output
    picture_format: PictureFormat = "png"  # of models that let nobody choose
    pictures_at_once: bool = False  # gpt-image-2's standard channel answers the submission with the pictures
    short_answers: bool = False  # only the five fields of the older document
    errors_as_text: bool = False  # a failed task's error is a sentence, not code and message
    clock_skew_s: float = 0.0  # added to the times that are told
    fixed_clip: bytes | None = None  # served for every video task instead of rendering


@dataclass(slots=True)
class Account:
    """The owner of one or more API keys."""

    number: int
    total: Decimal
    used: Decimal = Decimal(0)
    calls: list[float] = field(default_factory=list)  # monotonic times of the last minute

    @property
    def remain(self) -> Decimal:
        """Credits left; running tasks are paid already."""
        return self.total - self.used


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as it was fetched."""

    url: str
    kind: Literal["image", "video"]
    content_type: str
    width: int
    height: int
    duration_s: float = 0.0  # of a video
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture file."""

    content_type: str
    data: bytes = field(repr=False)


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
    credits_used: Decimal
    seed: int | None
    references: list[Reference] = field(default_factory=list)
    status: str = "processing"
    error_code: str | None = None
    error_message: str | None = None
    credits_refunded: Decimal = Decimal(0)
    clip: Clip | None = None
    pictures: list[Picture] = field(default_factory=list)
    output: dict[str, Any] | None = None
    urls_expire_at: float = 0.0  # time.time()
    status_history: list[tuple[str, float]] = field(default_factory=list)  # with time.monotonic()
    status_queries: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_terminal(self) -> bool:
        """Whether the task completed or failed."""
        return self.status != "processing"

    @property
    def credit_cost(self) -> Decimal:
        """What the account really paid so far."""
        return self.credits_used - self.credits_refunded

    def move(self, status: str) -> None:
        """Change the status and its time."""
        self.status = status
        self.touch()
        self.status_history.append((status, time.monotonic()))
        if self.is_terminal:
            self.ended.set()

    def touch(self) -> None:
        """Note that something changed."""
        self.updated_at = datetime.now(UTC)

    def refund(self, credits: Decimal) -> None:
        """Bring what was given back to `credits`, at most everything; less than before takes credits again."""
        credits = min(credits, self.credits_used)
        self.account.used -= credits - self.credits_refunded
        self.credits_refunded = credits
        self.touch()

    def token(self, expires_at: float) -> str:
        """The signature in the result's addresses."""
        return hashlib.sha256(f"{self.account.number}:{self.id}:{expires_at:.3f}".encode()).hexdigest()[:40]

    def submit_answer(self) -> dict[str, Any]:
        """The body of the answer to the submission."""
        answer: dict[str, Any] = {"id": self.id, "status": self.status, "model": self.order.model}
        answer |= {**self.order.labels, "credits_used": self.credits_used}
        return answer if self.output is None else {**answer, "output": self.output}

    def answer(self, knobs: Knobs) -> dict[str, Any]:
        """The task, field by field as in the documents' status answer."""
        status = (self.outcome.status_word if self.status == "processing" else None) or self.status
        told: dict[str, Any] = {"id": self.id, "status": status, "model": self.order.model}
        if knobs.short_answers:
            told |= {"output": self.output, "credits_used": self.credits_used}
            return told if self.error_code is None else told | {"error": self._error(knobs)}
        return {
            **told,
            **self.order.labels,
            "credits_used": self.credits_used,
            "credits_refunded": self.credits_refunded,
            "output": self.output,
            "error": self._error(knobs),
            "created_at": _iso(self.created_at, knobs.clock_skew_s),
            "updated_at": _iso(self.updated_at, knobs.clock_skew_s),
        }

    def _error(self, knobs: Knobs) -> dict[str, str | None] | str | None:
        if self.error_code is None:
            return None
        return self.error_message if knobs.errors_as_text else {"code": self.error_code, "message": self.error_message}


def _iso(moment: datetime, skew_s: float) -> str:
    shifted = datetime.fromtimestamp(moment.timestamp() + skew_s, UTC)
    return shifted.isoformat(timespec="milliseconds").replace("+00:00", "Z")
