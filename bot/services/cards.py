"""Cards: the message that shows a job's state, edited on changes only and coalesced."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.db import breakers, jobs, queue
from bot.db.engine import Database
from bot.domain.errors import DeliveryError, DeliveryRetry
from bot.domain.jobs import CardTarget, Job, JobState
from bot.domain.rules import PublicPrompts
from bot.ports import BreakerView, CardView, Messenger
from bot.services.breaker import places_now
from bot.services.config import Timings

log = logging.getLogger(__name__)

MAX_EDITS_AT_ONCE = 16
STILL_WORKING_MARGIN = timedelta(seconds=45)
#: A card that could not be shown is tried again after so long, each time after as long again, and for half an hour.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=2)
TRIED_FOR = timedelta(minutes=30)
MOST_LATE = 10_000
#: States that a card still shows once its token is dead: each costs an edit within Discord's global limit.
WORTH_A_BOT_EDIT = frozenset(
    {JobState.DELIVERED, JobState.UNDELIVERED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED, JobState.UNKNOWN}
)
#: States that are on the way to the next one.
PASSING = frozenset({JobState.PREPARING, JobState.SUBMITTING, JobState.FETCHING, JobState.DELIVERING})


@dataclass(slots=True)
class _Turn:
    """One job's lock, kept while anybody holds it or waits for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """A job with what its card needs to know beside it. `starts_at` is None where it will not wait for a place."""

    job: Job
    prompts: PublicPrompts
    starts_at: datetime | None


@dataclass(slots=True)
class _Late:
    """A card that could not be shown since then, and when it is tried again; None while it is."""

    since: datetime
    due_at: datetime | None


class Cards:
    """Shows jobs on their cards. Edits of one job never overtake each other: each reads the job when its turn comes.

    What Discord or the database did not take at the moment is shown later (`show_again`), by this process or after its
    next start.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        messenger: Messenger,
        breaker: BreakerView,
        places: Mapping[str, int],
        cancellable: Collection[str],
        timings: Timings,
        rest_s: float = 0.0,
        passing_s: float = 0.0,
    ) -> None:
        """`places` are the running places of each provider account, from which a waiting job's start is expected.
        `cancellable` are the providers that can cancel a task.

        `rest_s` is the time between two edits of one card, in which its changes gather into the next edit.
        `passing_s` is how long a job must stay in a state that soon passes for its card to show it.
        """
        self._passing_s = passing_s
        self._passing: dict[str, asyncio.Task[None]] = {}
        self._places = places
        self._cancellable = cancellable
        self._approval_ttl = timedelta(seconds=timings.approval_ttl_s)
        self._unknown_deadline = timedelta(seconds=timings.unknown_deadline_s)
        self._rest_s = rest_s
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._breaker = breaker
        self._turns: dict[str, _Turn] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._dirty: set[str] = set()
        self._late: dict[str, _Late] = {}
        self._is_stopping = False
        self._slots = asyncio.Semaphore(MAX_EDITS_AT_ONCE)

    async def refresh(self, job_id: str) -> None:
        """Show a job's present state now. A card that Discord does not take is logged, never an error."""
        turn = self._turns.setdefault(job_id, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                seen = await self._look(job_id)
                if seen is not None and seen.job.card is not None:
                    error = await self._show_or_tell(seen, seen.job.card)
                    if isinstance(error, DeliveryRetry):
                        return self._try_later(job_id, error.retry_after_s)
            self._late.pop(job_id, None)
        finally:
            turn.users -= 1
            if turn.users == 0:
                del self._turns[job_id]

    def touch(self, job_id: str, state: JobState | None = None) -> None:
        """Show a job's state soon; touches while one is under way become one more edit after it.

        A `state` that soon passes is shown only where it lasts: nobody reads what stands there for half a second.
        """
        if state in PASSING and self._passing_s and not self._is_stopping:
            if job_id not in self._passing:
                self._passing[job_id] = asyncio.create_task(
                    self._show_if_it_lasts(job_id), name=f"card {job_id} if it lasts"
                )
            return
        later = self._passing.pop(job_id, None)
        if later is not None:
            later.cancel()
        self._dirty.add(job_id)
        if job_id not in self._tasks:
            self._tasks[job_id] = asyncio.create_task(self._work(job_id), name=f"card {job_id}")

    def show_again(self) -> None:
        """Show those cards soon whose next try is due."""
        now = self._clock.now()
        for job_id, late in self._late.items():
            if late.due_at is not None and late.due_at <= now:
                late.due_at = None
                self.touch(job_id)

    async def _show_if_it_lasts(self, job_id: str) -> None:
        await self._clock.sleep(self._passing_s)
        del self._passing[job_id]
        self.touch(job_id)

    async def stop(self) -> None:
        """Finish what is under way."""
        self._is_stopping = True
        for job_id in list(self._passing):
            self.touch(job_id)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _work(self, job_id: str) -> None:
        try:
            while job_id in self._dirty:
                self._dirty.discard(job_id)
                try:
                    async with self._slots:
                        await self.refresh(job_id)
                except SQLAlchemyError as error:
                    log.warning("card.not_read", extra={"job_id": job_id, "error": type(error).__name__})
                    self._try_later(job_id)
                if self._rest_s and not self._is_stopping:
                    await self._clock.sleep(self._rest_s)
        finally:
            self._tasks.pop(job_id, None)
            if job_id in self._dirty:
                self.touch(job_id)

    def _try_later(self, job_id: str, retry_after_s: float | None = None) -> None:
        """Try a card again after as long as it has been tried for, or when Discord says; not for ever."""
        now = self._clock.now()
        known = self._late.pop(job_id, None)
        since = now if known is None else known.since
        if now - since < TRIED_FOR and len(self._late) < MOST_LATE:
            wait = max(FIRST_WAIT, min(now - since, LONGEST_WAIT), timedelta(seconds=retry_after_s or 0))
            self._late[job_id] = _Late(since, now + wait)

    async def _look(self, job_id: str) -> _Seen | None:
        async with self._database.read() as connection:
            found = await jobs.get_with_rules(connection, job_id)
            if found is None:
                return None
            current, rules = found
            starts_at = None
            if current.state is JobState.QUEUED:
                now = self._clock.now()
                learned = await breakers.read_crowd(connection, current.provider)
                places = max(1, places_now(self._places.get(current.provider, 1), learned, now))
                starts_at = await queue.expected_start(
                    connection, current, places=places, running_cap=rules.running_cap, now=now
                )
        return _Seen(current, rules.public_prompts, starts_at)

    async def _show_or_tell(self, seen: _Seen, card: CardTarget) -> DeliveryError | None:
        """Show a card where that is worth it, or tell the outcome. Returns what Discord refused it with."""
        current = seen.job
        if self._is_worth(current, card):
            return await self._show(seen, card)
        if current.is_private and current.is_final and current.told_at is None:
            return await self._tell(current)
        return None

    async def _tell(self, current: Job) -> DeliveryError | None:
        """Tell a private job's outcome by direct message; where those are closed, the member's next command does."""
        try:
            await self._messenger.tell(current.user_id, CardView(job=current))
        except DeliveryError as error:
            log.info("card.not_told", extra={"job_id": current.id, "status": error.status, "code": error.code})
            return error
        async with self._database.begin() as connection:
            await jobs.update_any(connection, current.id, told_at=self._clock.now())
        return None

    def _is_worth(self, current: Job, card: CardTarget) -> bool:
        if card.interaction_token and card.token_expires_at and card.token_expires_at > self._clock.now():
            return True
        return not current.is_private and current.state in WORTH_A_BOT_EDIT

    async def _show(self, seen: _Seen, card: CardTarget) -> DeliveryError | None:
        current = seen.job
        note = await self._note(seen, card)
        moments = {
            "starts": seen.starts_at,
            "lapses": current.updated_at + self._approval_ttl,
            "held_until": (current.unknown_since or current.updated_at) + self._unknown_deadline,
        }
        view = CardView(job=current, note=note, note_params={"at": moments.get(note or "")}, prompt_shown=seen.prompts)
        try:
            shown = await self._messenger.show_card(card, view)
        except DeliveryError as error:
            log.warning("card.not_shown", extra={"job_id": current.id, "status": error.status, "code": error.code})
            return error
        values: dict[str, object] = {}
        if shown is not None and shown.message_id != card.message_id:
            values["card_message_id"] = shown.message_id
        if current.is_private and current.is_final and current.told_at is None and shown is not None:
            values["told_at"] = self._clock.now()
        if values:
            async with self._database.begin() as connection:
                await jobs.update_any(connection, current.id, **values)
        return None

    async def _note(self, seen: _Seen, card: CardTarget) -> str | None:
        """Name the one more sentence that the card needs, None for none."""
        current = seen.job
        if current.is_parked:
            return "parked"
        if current.cancel_requested_at and not current.is_final:
            is_too_late = current.state is JobState.RUNNING and current.provider not in self._cancellable
            return "cannot_cancel" if is_too_late else "cancelling"
        if current.state is JobState.AWAITING_APPROVAL:
            return "lapses"
        if current.state is JobState.QUEUED:
            breaker = await self._breaker.state(current.provider)
            if breaker.is_open:
                return f"waiting_{breaker.reason}"
            return None if seen.starts_at is None else "starts"
        if current.is_private and not current.is_final and card.token_expires_at:
            dies_soon = card.token_expires_at - self._clock.now() < STILL_WORKING_MARGIN
            if dies_soon:
                return "still_working"
        return "held_until" if current.state is JobState.UNKNOWN else None
