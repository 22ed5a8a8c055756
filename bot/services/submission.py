"""Handing a job to a provider, and the rule for creates that may have happened.

A create is never repeated blindly: `submitting` is committed before the request leaves, so whoever finds a job in that
state knows only that it may have been sent, and asks the provider's own record.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs, work
from bot.db.engine import Database
from bot.domain.errors import (
    MediaRejected,
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderConflict,
    ProviderError,
    ProviderRejected,
    ProviderTurnedAway,
    ProviderUnreachable,
    TaskNotFound,
)
from bot.domain.jobs import Job, JobState, TaskStatus
from bot.ports import Breaker, Links, MediaStore, Provider, Receipt
from bot.services import settlement
from bot.services.breaker import ask_first, is_crowded, note_failure
from bot.services.composing import Composer, submission_of
from bot.services.config import Timings, patience_s
from bot.services.matching import CREATED_TOLERANCE, Search, could_be, is_surely
from bot.services.pacing import PACED, RateView
from bot.services.polling import PollTimes
from bot.services.receipts import FirstPoll, Receipts
from bot.services.reference_links import NO_LINK

log = logging.getLogger(__name__)

MAX_CREATES = 3
MISSES_TO_PROVE_ABSENCE = 2
TIMES_TURNED_AWAY = 3
RETRY_S = 15.0
MAX_RETRY_S = 300.0
#: For how long a task that was proven absent is looked for all the same; a callback has it looked for at any time.
ABSENT_WATCH_S = 1800.0
#: For how long a create is repeated under its idempotency key: no document says how long keys are known.
KEY_KNOWN_FOR = timedelta(hours=12)


class Submitter:
    """Prepares, creates and, where a create's outcome is not known, finds out."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        providers: Mapping[str, Provider],
        breaker: Breaker,
        store: MediaStore,
        links: Links,
        timings: Timings,
        rate: RateView | None = None,
    ) -> None:
        """`rate` says how often running tasks can be asked for."""
        self.polls = PollTimes(database, providers=providers, links=links, timings=timings, rate=rate)
        self._receipts = Receipts(database, clock, polls=self.polls)
        self._database = database
        self._clock = clock
        self._providers = providers
        self._breaker = breaker
        self._timings = timings
        self._composer = Composer(clock, store=store, links=links, timings=timings)

    async def prepare(self, held: Job) -> Job | None:
        """Upload the references, store the create's exact body, commit `submitting`, then send it.

        Transactions: one before the request leaves, one with its outcome.
        """
        if held.cancel_requested_at:
            return await self._end(held, JobState.CANCELLED, cause="cancelled by the member")
        provider = self._providers[held.provider]
        try:
            await ask_first(self._breaker, provider)
            body, attempt = await self._composer.create(held, provider)
        except MediaRejected as error:
            code = error.code if error.code == NO_LINK else "reference_gone"
            return await self._end(held, JobState.FAILED, cause="a reference cannot be handed over", error_code=code)
        except ProviderRejected as error:
            return await self._end(held, JobState.FAILED, cause="references refused", error_code=error.code)
        except ProviderError as error:
            await self._note_failure(held, error)
            return await self._requeue(held, error)
        return await self._commit_and_send(held, body, attempt, cause="create sent")

    async def _commit_and_send(self, held: Job, body: bytes, attempt: int, *, cause: str) -> Job | None:
        async with self._database.begin() as connection:
            now = self._clock.now()
            if await work.cancel_requested(connection, held.id):
                return await self._end_in(connection, held, JobState.CANCELLED, cause="cancelled by the member")
            sent = await jobs.move_fenced(
                connection,
                held,
                JobState.SUBMITTING,
                now=now,
                cause=cause,
                submit_body=body,
                submit_attempt=attempt,
                submitted_at=now,
                search_misses=0,
            )
        return await self._send(sent, body)

    async def _send(self, held: Job, body: bytes) -> Job | None:
        provider = self._providers[held.provider]
        first = await self._receipts.expect(held)
        try:
            receipt = await provider.submit(submission_of(held, provider, body))
        except ProviderTurnedAway as error:
            await self._note_failure(held, error)
            return await self.doubt(held, cause=f"create: {error.code}", turned_away=1)
        except ProviderRejected as error:
            return await self._end(held, JobState.FAILED, cause="create refused", error_code=error.code)
        except ProviderAmbiguous as error:
            named, cause = error.task_id, f"create: {error.code}"
            moved = await self._receipts.keeping(held, named, lambda: self.doubt(held, cause=cause, candidate=named))
            await self._note_failure(held, error)
            return moved
        except ProviderConflict as error:
            return await self.doubt(held, cause=f"create: {error.code}")
        except (ProviderBusy, ProviderUnreachable, ProviderAccount) as error:
            await self._note_failure(held, error)
            return await self._requeue(held, error)
        return await self._taken(held, receipt, first)

    async def _taken(self, held: Job, receipt: Receipt, first: FirstPoll) -> Job | None:
        """Write the task down before anything else is done with the answer."""
        try:
            moved = await self._receipts.store(held, receipt, first)
        except IntegrityError:
            log.error("submission.task_taken", extra={"job_id": held.id})
            moved = await self.doubt(held, cause="the provider named a task of another job")
        await self._breaker.succeeded(held.provider)
        return moved

    async def recover(self, held: Job) -> Job | None:
        """A job found in `submitting`: its create may have left. Its record decides."""
        return await self.doubt(held, cause="stopped while a create was under way")

    async def doubt(self, held: Job, *, cause: str, candidate: str | None = None, turned_away: int = 0) -> Job:
        """Move to `unknown`: the hold stays, and the provider's record is searched at once, after an interval where the
        create was `turned_away`.
        """
        async with self._database.begin() as connection:
            now = self._clock.now()
            named = candidate or await work.callback_task(connection, held.id)
            return await jobs.move_fenced(
                connection,
                held,
                JobState.UNKNOWN,
                now=now,
                cause=cause,
                run_at=now + timedelta(seconds=self._timings.search_interval_s if turned_away else 0),
                unknown_since=now,
                search_misses=turned_away,
                missing_since=None,
                candidate_task_id=named or held.candidate_task_id,
            )

    async def resolve(self, held: Job) -> Job | None:
        """Look for an unknown job's task: adopt it, prove it absent and send again, or wait.

        Transactions: one, with what was found.
        """
        provider = self._providers[held.provider]
        if provider.traits.has_idempotency:
            return await self._repeat(held, provider)
        if not provider.traits.has_list:
            return await self._look_at_named(held, provider)
        try:
            search = await self.search(held, provider)
        except ProviderError as error:
            await self._note_failure(held, error)
            return await self._wait(held, retry_after_s=error.retry_after_s)
        if search.task is not None:
            return await self._adopt(held, search.task)
        if search.is_absent:
            return await self._missed(held)
        return await self._wait(held, search_misses=0, missing_since=None)

    async def _look_at_named(self, held: Job, provider: Provider) -> Job | None:
        """Without a list only a task that the create's own answer named, although it was no success, can be ours."""
        if held.candidate_task_id is None:
            return await self._wait(held)
        try:
            task = await provider.status(held.candidate_task_id)
        except TaskNotFound:
            return await self._wait(held)
        except ProviderError as error:
            await self._note_failure(held, error)
            return await self._wait(held, retry_after_s=error.retry_after_s)
        return await self._adopt(held, task)

    async def _repeat(self, held: Job, provider: Provider) -> Job | None:
        """Send the same bytes under the same key again: the provider answers as it did, or takes it now.

        Only while it surely still knows the key; after that the job waits for its deadline.
        """
        sent_at = held.submitted_at or held.created_at
        if held.submit_body is None or self._clock.now() - sent_at >= KEY_KNOWN_FOR:
            return await self._wait(held)
        first = await self._receipts.expect(held)
        try:
            receipt = await provider.submit(submission_of(held, provider, held.submit_body))
        except ProviderTurnedAway as error:
            await self._note_failure(held, error)
            return await self._turned_away(held, error)
        except ProviderRejected as error:
            return await self._end(held, JobState.FAILED, cause="create refused", error_code=error.code)
        except ProviderError as error:
            await self._note_failure(held, error)
            return await self._wait(held, retry_after_s=error.retry_after_s)
        return await self._taken(held, receipt, first)

    async def _turned_away(self, held: Job, error: ProviderError) -> Job | None:
        """Believe refusals that may be a proxy's only where every try met one, an interval apart each."""
        if not held.search_misses:
            return await self._wait(held, retry_after_s=error.retry_after_s)
        if held.search_misses + 1 >= TIMES_TURNED_AWAY:
            return await self._end(held, JobState.FAILED, cause="create refused", error_code=error.code)
        return await self._wait(held, search_misses=held.search_misses + 1)

    async def search(self, held: Job, provider: Provider) -> Search:
        """Search the provider's list, and the task that a callback named, for this job's seed mark."""
        since = (held.submitted_at or held.created_at) - CREATED_TOLERANCE
        tasks = {task.task_id: task async for task in provider.list_tasks(since=since)}
        async with self._database.read() as connection:
            named = held.candidate_task_id or await work.callback_task(connection, held.id)
        if named and named not in tasks:
            try:
                tasks[named] = await provider.status(named)
            except TaskNotFound:
                log.info("submission.candidate_missing", extra={"job_id": held.id})
        async with self._database.read() as connection:
            taken = await work.owners(connection, held.provider, list(tasks))
            rivals = await work.unresolved(connection, held.provider, but=held.id)
        possible = [task for task in tasks.values() if task.task_id not in taken and could_be(held, task)]
        sure = [task for task in possible if is_surely(held, task) and not any(could_be(r, task) for r in rivals)]
        if len(possible) == len(sure) == 1 and not held.spec.is_seed_chosen:
            return Search(sure[0], is_absent=False)
        return Search(None, is_absent=not possible)

    async def _adopt(self, held: Job, task: TaskStatus) -> Job | None:
        try:
            async with self._database.begin() as connection:
                now = self._clock.now()
                return await jobs.move_fenced(
                    connection,
                    held,
                    JobState.RUNNING,
                    now=now,
                    cause="task found in the provider's record",
                    run_at=now,
                    task_id=task.task_id,
                    unknown_since=None,
                    missing_since=None,
                )
        except IntegrityError:
            return await self._wait(held)

    async def _missed(self, held: Job) -> Job | None:
        """A search that found nothing counts if it comes a whole interval after the one that counted before it.

        A callback or a cancel may bring a search forward: it finds, but proves nothing.
        """
        now = self._clock.now()
        since = held.missing_since or now
        if now - since < timedelta(seconds=self._timings.search_interval_s * held.search_misses):
            return await self._wait(held)
        misses = held.search_misses + 1
        if misses < MISSES_TO_PROVE_ABSENCE:
            return await self._wait(held, search_misses=misses, missing_since=since)
        if held.cancel_requested_at:
            return await self._give_up(held, JobState.CANCELLED, cause="cancelled; the provider never had it")
        if held.submit_attempt >= MAX_CREATES or held.submit_body is None:
            cause = "the provider never had it"
            return await self._give_up(held, JobState.FAILED, cause=cause, error_code="submit_failed")
        attempt = held.submit_attempt + 1
        return await self._commit_and_send(held, held.submit_body, attempt, cause="proven absent; create sent again")

    async def _wait(self, held: Job, *, retry_after_s: float | None = None, **values: Any) -> Job | None:
        now = self._clock.now()
        since = held.unknown_since or now
        if now - since >= timedelta(seconds=self._timings.unknown_deadline_s):
            return await self.expire(held)
        wait_s = max(patience_s(self._timings.search_interval_s, now - since), retry_after_s or 0)
        async with self._database.begin() as connection:
            await jobs.update_fenced(
                connection,
                held,
                run_at=now + timedelta(seconds=wait_s),
                attempt=0,
                checked_at=now,
                **values,
            )
        return None

    async def expire(self, held: Job) -> Job | None:
        """Give up on an unknown job: release its hold, and watch the provider's record for some days more."""
        log.error("job.unknown_expired", extra={"job_id": held.id, "provider": held.provider})
        watch_s, code = self._timings.late_watch_s, "unknown_expired"
        return await self._give_up(held, JobState.EXPIRED, cause="never resolved", watch_s=watch_s, error_code=code)

    async def _give_up(
        self, held: Job, state: JobState, *, cause: str, watch_s: float = ABSENT_WATCH_S, **values: Any
    ) -> Job:
        """End a job whose create may have been taken all the same: the provider's record is watched for it."""
        now = self._clock.now()
        return await self._end(
            held,
            state,
            cause=cause,
            watch_until=now + timedelta(seconds=watch_s),
            run_at=now + timedelta(seconds=self._timings.search_interval_s),
            **values,
        )

    async def _end(self, held: Job, state: JobState, *, cause: str, **values: Any) -> Job:
        async with self._database.begin() as connection:
            return await self._end_in(connection, held, state, cause=cause, **values)

    async def _end_in(
        self, connection: AsyncConnection, held: Job, state: JobState, *, cause: str, **values: Any
    ) -> Job:
        now = self._clock.now()
        moved = await jobs.move_fenced(connection, held, state, now=now, cause=cause, **values)
        await settlement.release(connection, job_id=held.id, now=now, reason=cause)
        return moved

    async def _requeue(self, held: Job, error: ProviderError) -> Job | None:
        """Wait for another turn: nothing was taken, so this create does not count. The place is given up meanwhile."""
        async with self._database.begin() as connection:
            now = self._clock.now()
            if await work.cancel_requested(connection, held.id):
                return await self._end_in(connection, held, JobState.CANCELLED, cause="cancelled by the member")
            wait_s = RETRY_S if error.retry_after_s is None else max(1.0, error.retry_after_s)
            return await jobs.move_fenced(
                connection,
                held,
                JobState.QUEUED,
                now=now,
                cause=f"not taken: {error.code}",
                submit_attempt=max(0, held.submit_attempt - (held.state is JobState.SUBMITTING)),
                run_at=now + timedelta(seconds=min(wait_s, MAX_RETRY_S)),
            )

    async def _note_failure(self, held: Job, error: ProviderError) -> None:
        if error.code == PACED:
            return
        if held.state is JobState.SUBMITTING and is_crowded(error.code):
            await self._breaker.crowded(held.provider)
        log.warning("provider.failed", extra={"job_id": held.id, "provider": held.provider, "code": error.code})
        traits = self._providers[held.provider].traits
        is_create = held.state is not JobState.UNKNOWN or traits.has_idempotency
        is_lost = held.state is JobState.SUBMITTING and isinstance(error, ProviderAmbiguous) and not traits.can_clear_up
        await note_failure(self._breaker, held.provider, error, is_create=is_create, is_lost=is_lost)
