"""Providers as Protocols: their API, the shared rate budget, the breaker."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.domain.jobs import TaskStatus
from bot.domain.requests import MediaKind, Reference, Spec


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
    """Whether a provider takes submissions now. `reason`: `outage`, `credits`, `key`, `paused`; None when closed.

    `has_failed`: no create has been taken since one failed.
    """

    is_open: bool
    reason: str | None = None
    probe_at: datetime | None = None
    has_failed: bool = False


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
        """Note that the provider works: closes after an outage or dead key. Where it is creates that fail, and for an
        empty account, only if it `took_task`."""
        ...

    async def failed(self, provider: str, reason: str, *, is_create: bool = False, is_lost: bool = False) -> None:
        """Note a failure: `outage` opens after a few in a row, `credits` and `key` at once.

        Creates that fail count until one succeeds, whatever polls are answered between them. A create that `is_lost`,
        because nothing can tell whether it was taken, counts for two."""
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

    @property
    def can_clear_up(self) -> bool:
        """Whether a create whose answer was lost can be found or repeated."""
        return self.has_list or self.has_idempotency


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
            ProviderBusy: it works, but has no time to say so.
            ProviderError: no usable answer this time.
        """
        ...

    async def styles(self) -> list[str]:
        """Return the visual styles that the provider lists, none where it has no such list.

        Raises:
            ProviderError: no usable answer this time.
        """
        ...
