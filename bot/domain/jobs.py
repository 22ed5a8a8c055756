"""Jobs: states, the allowed moves, and a provider's answer in our words."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from bot.domain.errors import InvariantBroken
from bot.domain.money import ZERO, Credits
from bot.domain.requests import Spec

JobId = NewType("JobId", str)

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
JOB_ID_LENGTH = 12


def new_job_id() -> JobId:
    """Make a random job id: 12 Crockford base32 characters, 60 bits."""
    return JobId("".join(secrets.choice(CROCKFORD) for _ in range(JOB_ID_LENGTH)))


class JobState(StrEnum):
    """Where a job stands. Stored by value."""

    QUOTED = "quoted"
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    PREPARING = "preparing"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    RUNNING = "running"
    FETCHING = "fetching"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = JobState

#: Every allowed move. Leaving `failed`, `cancelled` or `expired` is for a late success only.
MOVES: dict[JobState, frozenset[JobState]] = {
    S.QUOTED: frozenset({S.AWAITING_APPROVAL, S.QUEUED, S.EXPIRED, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.QUEUED, S.CANCELLED, S.EXPIRED}),
    S.QUEUED: frozenset({S.PREPARING, S.FAILED, S.CANCELLED}),
    S.PREPARING: frozenset({S.SUBMITTING, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.SUBMITTING: frozenset({S.RUNNING, S.UNKNOWN, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.UNKNOWN: frozenset({S.RUNNING, S.FETCHING, S.SUBMITTING, S.FAILED, S.EXPIRED, S.CANCELLED}),
    S.RUNNING: frozenset({S.FETCHING, S.UNKNOWN, S.FAILED, S.CANCELLED}),
    S.FETCHING: frozenset({S.DELIVERING, S.UNDELIVERED}),
    S.DELIVERING: frozenset({S.DELIVERED, S.UNDELIVERED}),
    S.DELIVERED: frozenset(),
    S.UNDELIVERED: frozenset({S.DELIVERING}),
    S.FAILED: frozenset({S.FETCHING}),
    S.CANCELLED: frozenset({S.FETCHING}),
    S.EXPIRED: frozenset({S.FETCHING}),
}

FINAL = frozenset({S.DELIVERED, S.UNDELIVERED, S.FAILED, S.CANCELLED, S.EXPIRED})
OPEN = frozenset(JobState) - FINAL
#: States that occupy one of a provider's and of a member's running places.
RUNNING_PLACES = frozenset({S.PREPARING, S.SUBMITTING, S.RUNNING, S.UNKNOWN})
#: States that count as waiting, for a member's cap on queued jobs.
WAITING_PLACES = frozenset({S.AWAITING_APPROVAL, S.QUEUED})
ENDED_UNPAID = frozenset({S.FAILED, S.CANCELLED, S.EXPIRED})
#: States in which the quote is held on the budgets.
HOLDING = frozenset({S.AWAITING_APPROVAL, S.QUEUED, S.PREPARING, S.SUBMITTING, S.UNKNOWN, S.RUNNING})


def check_move(before: JobState, after: JobState) -> None:
    """Refuse a move that the table does not have.

    Raises:
        InvariantBroken: the move is not allowed.
    """
    if after not in MOVES[before]:
        raise InvariantBroken(f"a job cannot move from {before} to {after}")


class TaskState(StrEnum):
    """A provider's status in our words. A word that we do not know means running."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """What a provider says of one task.

    `cost` is in the provider's own credits, what it gave back taken off, None where it did not say. `error_code` is the
    provider's. `result_urls` has every picture, in order; `result_url` is the clip or the first of them.
    The matching fields (`seed`, `model_name`, …) are None where the answer lacks them.
    """

    task_id: str
    state: TaskState
    cost: Decimal | None = None
    result_url: str | None = None
    result_urls: tuple[str, ...] = ()
    last_frame_url: str | None = None
    error_code: str | None = None
    seed: int | None = None
    model_name: str | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    duration_s: int | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardTarget:
    """Where a job's card is and by what it may be edited. Tokens are deleted at `token_expires_at`."""

    application_id: int
    interaction_token: str | None
    token_expires_at: datetime | None
    channel_id: int
    message_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request carried to one end, as read from the database.

    `run_at` is when a worker may next take it, and while one has it, when its lease ends; `token` fences that lease.
    `attempt` counts tries of the present step, `submit_attempt` creates sent to the provider (1 is the first).
    `quote` is the price held; `actual` what the task cost, None until settled.
    `channel_id` is where it was asked for, a thread where it was one; `parent_channel_id` is what rules and caps mean.
    `result_urls` has the address of each picture, empty for one that can never be fetched; `clip_key` names the kept
    clip, or what the kept pictures' keys begin with (`pictures/<job>`, then a dot and the picture's number).
    `decided_by` and `decision_reason` are a moderator's approval or denial. `source_job_id` is the job that this one
    repeats, changes or continues.
    """

    id: JobId
    guild_id: int
    channel_id: int
    user_id: int
    locale: str
    public_locale: str
    spec: Spec
    is_private: bool
    state: JobState
    created_at: datetime
    updated_at: datetime
    run_at: datetime
    token: int = 0
    attempt: int = 0
    quote: Credits
    actual: Credits | None = None
    size_limit_bytes: int = 10 * 1024 * 1024
    task_id: str | None = None
    submit_attempt: int = 0
    submit_body: bytes | None = None
    submitted_at: datetime | None = None
    checked_at: datetime | None = None
    expected_s: int = 120
    fetch_failures: int = 0
    unknown_since: datetime | None = None
    search_misses: int = 0
    missing_count: int = 0
    missing_since: datetime | None = None
    candidate_task_id: str | None = None
    cancel_requested_at: datetime | None = None
    cancel_sent_at: datetime | None = None
    parked_reason: str | None = None
    error_code: str | None = None
    result_url: str | None = None
    result_urls: tuple[str, ...] = ()
    last_frame_url: str | None = None
    clip_key: str | None = None
    expected_end_at: datetime | None = None
    finished_at: datetime | None = None
    delivery_number: int = 0
    delivery_rung: str | None = None
    message_channel_id: int | None = None
    message_id: int | None = None
    told_at: datetime | None = None
    is_late: bool = False
    watch_until: datetime | None = None
    parent_channel_id: int = 0
    is_age_restricted: bool = False
    approval_channel_id: int | None = None
    approval_message_id: int | None = None
    decided_by: int | None = None
    decision_reason: str | None = None
    refunded_at: datetime | None = None
    source_job_id: str | None = None
    card: CardTarget | None = None

    @property
    def cost(self) -> Credits:
        """What it has cost, else what it holds or would cost; nothing where it ended without either."""
        if self.actual is not None:
            return self.actual
        return ZERO if self.state in ENDED_UNPAID else self.quote

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.spec.provider

    @property
    def is_final(self) -> bool:
        """Whether the job has come to an end."""
        return self.state in FINAL

    @property
    def is_parked(self) -> bool:
        """Whether the job waits for the operator after failing in our own code."""
        return self.parked_reason is not None
