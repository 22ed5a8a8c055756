"""What a provider says of a task, applied to its job: callback and poll both end here."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs, journal, work
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import ProviderAmbiguous, ProviderBusy, ProviderError, TaskNotFound
from bot.domain.jobs import Job, JobState, TaskState, TaskStatus
from bot.domain.money import ZERO, Credits
from bot.ports import Breaker, Provider
from bot.services import settlement
from bot.services.breaker import note_failure
from bot.services.callbacks import MIN_CHECK_GAP, news_since
from bot.services.config import Timings, patience_s
from bot.services.pacing import PACED
from bot.services.submission import Submitter

log = logging.getLogger(__name__)

STRIKES = 3
STRIKES_SPAN = timedelta(minutes=10)
SLOW_POLL_FACTOR = 5
#: For how long a failed task is looked at again for a refund that comes later, each time after twice as long.
REFUND_WATCH = timedelta(hours=6)
REFUND_LOOK_MAX_S = 3600.0


class StatusCheck:
    """Asks for a task and moves its job. One request, then one transaction."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        providers: Mapping[str, Provider],
        breaker: Breaker,
        catalog: Catalog,
        submitter: Submitter,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._providers = providers
        self._breaker = breaker
        self._catalog = catalog
        self._submitter = submitter
        self._timings = timings

    async def check(self, held: Job) -> Job | None:
        """Ask the provider about a job's task and apply the answer. For `running`, and `unknown` with a task."""
        started_at = self._clock.now()
        provider = self._providers[held.provider]
        try:
            status = await self._ask(held, provider)
        except TaskNotFound:
            return await self._missing(held)
        except ProviderError as error:
            await self._note_failure(held, error)
            if held.state is JobState.RUNNING and self._is_overdue(held):
                return await self._to_unknown(held, cause="no answer about it at the deadline")
            return await self._look_again(held, started_at, retry_after_s=error.retry_after_s)
        await self._breaker.succeeded(held.provider, took_task=False)
        return await self.apply_status(held, status, started_at)

    async def _ask(self, held: Job, provider: Provider) -> TaskStatus:
        """Ask for the status; a cancel that was asked for and not yet sent goes first."""
        if held.cancel_requested_at and not held.cancel_sent_at and provider.traits.has_cancel:
            answer = await self._cancel(held, provider)
            if answer is not None:
                return answer
        return await provider.status(held.task_id or "")

    async def _cancel(self, held: Job, provider: Provider) -> TaskStatus | None:
        """Ask to cancel. None where only the status tells what became of the task.

        A cancel that fails at the provider is asked for again with the next check; it must not hide the clip till then.
        """
        try:
            answer = await provider.cancel(held.task_id or "")
        except (ProviderBusy, ProviderAmbiguous) as error:
            if error.code == PACED:
                raise
            await self._note_failure(held, error)
            return None
        async with self._database.begin() as connection:
            await jobs.update_fenced(connection, held, cancel_sent_at=self._clock.now())
        return answer

    async def apply_status(self, held: Job, status: TaskStatus, started_at: datetime) -> Job | None:
        """Move a job by what the provider says of its task, money included, in one transaction."""
        match status.state:
            case TaskState.SUCCEEDED if status.result_url or status.result_urls:
                return await self._succeed(held, status)
            case TaskState.SUCCEEDED | TaskState.RUNNING:
                return await self._still_running(held, started_at)
            case TaskState.FAILED | TaskState.EXPIRED | TaskState.CANCELLED:
                return await self._fail(held, status)

    async def _succeed(self, held: Job, status: TaskStatus) -> Job:
        actual = held.quote if status.cost is None else self._catalog.convert(held.provider, status.cost)
        async with self._database.begin() as connection:
            now = self._clock.now()
            moved = await jobs.move_fenced(
                connection,
                held,
                JobState.FETCHING,
                now=now,
                cause=f"the provider made it for {actual}",
                actual_milli=actual.milli,
                checked_at=now,
                result_url=status.result_url or status.result_urls[0],
                result_urls=status.result_urls,
                last_frame_url=status.last_frame_url,
                unknown_since=None,
                missing_count=0,
                missing_since=None,
                run_at=now + timedelta(seconds=self._timings.lease_s),
            )
            settled = await self._charge(connection, held, actual, now)
            if settled.overrun >= settlement.NOTABLE_OVERRUN:
                amount = str(settled.overrun)
                await journal.note(connection, held.guild_id, "overrun", now=now, job_id=held.id, credits=amount)
            if self._submitter.polls.expects_callback(held):
                await work.note_finding(connection, held.provider, job_id=held.id)
        if settled.overrun >= settlement.NOTABLE_OVERRUN:
            log.warning("ledger.overrun", extra={"job_id": held.id, "credits": str(settled.overrun)})
        return moved

    async def _charge(
        self, connection: AsyncConnection, held: Job, actual: Credits, now: datetime
    ) -> settlement.Settled:
        if held.is_final:
            await settlement.correct_loss(connection, job_id=held.id, loss=ZERO, now=now)
            return await settlement.book_late(connection, job_id=held.id, actual=actual, now=now)
        return await settlement.settle(connection, finished=held, actual=actual, now=now)

    async def _fail(self, held: Job, status: TaskStatus) -> Job | None:
        provider = self._providers[held.provider]
        keeps = provider.traits.charges_failures and status.cost is not None
        loss = self._catalog.convert(held.provider, status.cost) if keeps and status.cost is not None else ZERO
        if held.is_final:
            return await self._failed_before(held, loss)
        is_cancelled = status.state is TaskState.CANCELLED and held.cancel_requested_at is not None
        after = JobState.CANCELLED if is_cancelled else JobState.FAILED
        code = status.error_code or status.state.value
        async with self._database.begin() as connection:
            now = self._clock.now()
            watch = self._watch_until(now) if is_cancelled else now + REFUND_WATCH if loss else None
            moved = await jobs.move_fenced(
                connection,
                held,
                after,
                now=now,
                cause=f"the provider: {code}",
                error_code=None if is_cancelled else code,
                checked_at=now,
                watch_until=watch,
                run_at=now + MIN_CHECK_GAP,
            )
            await settlement.release(connection, job_id=held.id, now=now, reason=f"{after.value}: {code}", loss=loss)
        return moved

    async def _failed_before(self, held: Job, loss: Credits) -> Job | None:
        """End the watch of a job whose task has failed, unless a refund may still come. One transaction."""
        now = self._clock.now()
        until = min(held.watch_until or now, now + REFUND_WATCH)
        if loss and now < until:
            return await self._look_again(held, now, watch_until=until)
        async with self._database.begin() as connection:
            await settlement.correct_loss(connection, job_id=held.id, loss=loss, now=now)
            return await jobs.update_fenced(connection, held, watch_until=None, checked_at=now, attempt=0)

    def _watch_until(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._timings.unknown_deadline_s)

    async def _still_running(self, held: Job, started_at: datetime) -> Job | None:
        if held.state is JobState.RUNNING and self._is_overdue(held):
            return await self._to_unknown(held, cause="still not done at the deadline")
        if held.state is JobState.UNKNOWN:
            return await self._back_from_unknown(held)
        return await self._look_again(held, started_at, missing_count=0, missing_since=None)

    def _is_overdue(self, held: Job) -> bool:
        since = held.submitted_at or held.created_at
        return self._clock.now() - since > timedelta(seconds=self._timings.job_deadline_s)

    async def _back_from_unknown(self, held: Job) -> Job | None:
        """The task answers again: running, unless its deadline is behind it."""
        if self._is_overdue(held):
            return await self._look_again(held, self._clock.now())
        async with self._database.begin() as connection:
            now = self._clock.now()
            return await jobs.move_fenced(
                connection,
                held,
                JobState.RUNNING,
                now=now,
                cause="the task answers again",
                run_at=now + timedelta(seconds=self._timings.poll_interval_s),
                checked_at=now,
                unknown_since=None,
                missing_count=0,
                missing_since=None,
            )

    async def _to_unknown(self, held: Job, *, cause: str) -> Job | None:
        async with self._database.begin() as connection:
            now = self._clock.now()
            moved = await jobs.move_fenced(
                connection,
                held,
                JobState.UNKNOWN,
                now=now,
                cause=cause,
                unknown_since=now,
                checked_at=now,
                run_at=now + timedelta(seconds=self._timings.poll_interval_s),
            )
        log.warning("job.unknown", extra={"job_id": held.id, "cause": cause})
        return moved

    async def _missing(self, held: Job) -> Job | None:
        """A known task is not found: `unknown` after three times over ten minutes or at the deadline, never failed."""
        now = self._clock.now()
        since, count = held.missing_since or now, held.missing_count + 1
        if held.is_final:
            return await self._look_again(held, now)
        is_gone = count >= STRIKES and now - since >= STRIKES_SPAN
        if held.state is JobState.RUNNING and (is_gone or self._is_overdue(held)):
            return await self._to_unknown(held, cause="the provider no longer knows the task")
        return await self._look_again(held, now, missing_count=count, missing_since=since)

    async def _look_again(
        self, held: Job, started_at: datetime, *, retry_after_s: float | None = None, **values: object
    ) -> Job | None:
        """Wait until the next look; end an unknown job or a watch whose deadline is behind it."""
        now = self._clock.now()
        deadline = timedelta(seconds=self._timings.unknown_deadline_s)
        if held.state is JobState.UNKNOWN and now - (held.unknown_since or now) >= deadline:
            return await self._submitter.expire(held)
        if held.is_final and held.watch_until is not None and now >= held.watch_until:
            values["watch_until"] = None
        wait_s = max(await self._wait_s(held, now), retry_after_s or 0.0)
        async with self._database.begin() as connection:
            await work.cancel_requested(connection, held.id)  # locks: a callback waits for this, or is seen here
            has_news = await news_since(connection, held, started_at)
            run_at = now + (MIN_CHECK_GAP if has_news else timedelta(seconds=wait_s))
            await jobs.update_fenced(connection, held, run_at=run_at, attempt=0, checked_at=now, **values)
        return None

    async def _wait_s(self, held: Job, now: datetime) -> float:
        if held.state is JobState.RUNNING:
            return await self._submitter.polls.next_gap_s(held)
        interval = self._timings.poll_interval_s
        since = held.unknown_since or held.finished_at or now
        if held.state is JobState.FAILED:
            age_s = (now - since).total_seconds()
            return max(interval * SLOW_POLL_FACTOR, min(age_s, REFUND_LOOK_MAX_S))
        return patience_s(interval * SLOW_POLL_FACTOR, now - since)

    async def watch(self, held: Job) -> Job | None:
        """Look after a finished job whose task may still come to something: a cancelled or an expired one."""
        if held.task_id is not None:
            return await self.check(held)
        provider = self._providers[held.provider]
        now = self._clock.now()
        try:
            found = (await self._submitter.search(held, provider)).task if provider.traits.has_list else None
        except ProviderError as error:
            await self._note_failure(held, error)
            found = None
        if found is None:
            return await self._look_again(held, now)
        async with self._database.begin() as connection:
            held = await jobs.update_fenced(connection, held, task_id=found.task_id)
        return await self.apply_status(held, found, now)

    async def _note_failure(self, held: Job, error: ProviderError) -> None:
        if error.code == PACED:
            return
        log.warning("provider.failed", extra={"job_id": held.id, "provider": held.provider, "code": error.code})
        await note_failure(self._breaker, held.provider, error)
