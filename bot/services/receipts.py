"""Writing down the task that a create was answered with: without list or key, nothing else ever names it."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from bot.clock import Clock
from bot.db import jobs, work
from bot.db.engine import Database
from bot.domain.errors import LeaseLost
from bot.domain.jobs import Job, JobState
from bot.ports import Receipt
from bot.services.callbacks import news_since
from bot.services.polling import PollTimes

T = TypeVar("T")

log = logging.getLogger(__name__)

#: How long is waited before each new try where the database is away: a restart of its server takes some seconds.
STORE_WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True, slots=True)
class FirstPoll:
    """What decides when a task is asked for first, read before its create leaves: nothing delays what comes after."""

    gap_s: float
    awaits_callback: bool


class Receipts:
    """Stores creates' answers."""

    def __init__(self, database: Database, clock: Clock, *, polls: PollTimes) -> None:
        self._database = database
        self._clock = clock
        self._polls = polls

    async def expect(self, held: Job) -> FirstPoll:
        """Look up what `store` needs. Two reads at most."""
        awaits_callback = await self._polls.awaits_callback(held)
        return FirstPoll(await self._polls.gap_s(held, awaits_callback=awaits_callback), awaits_callback)

    async def store(self, held: Job, receipt: Receipt, first: FirstPoll) -> Job:
        """Move a job to `running` with its task. One transaction, tried again while the database is away.

        Raises:
            IntegrityError: another job has that task.
            LeaseLost: another worker took the job over meanwhile; it has been told of the task.
        """
        return await self.keeping(held, receipt.task_id, lambda: self._move(held, receipt, first))

    async def keeping(self, held: Job, task_id: str | None, store: Callable[[], Awaitable[Job]]) -> Job:
        """Run a transaction that has to do with a create's answer, so that the task that it named is not forgotten.

        Raises:
            LeaseLost: as `store`.
        """
        try:
            return await self._patiently(held, task_id, store)
        except LeaseLost:
            if task_id is not None:
                await self._patiently(held, task_id, lambda: self._leave_word(held, task_id))
            raise

    async def _patiently(self, held: Job, task_id: str | None, store: Callable[[], Awaitable[T]]) -> T:
        for wait_s in STORE_WAITS_S:
            try:
                return await store()
            except OperationalError:
                log.error("submission.not_stored", extra={"job_id": held.id, "task_id": task_id})
                await self._clock.sleep(wait_s)
        return await store()

    async def _move(self, held: Job, receipt: Receipt, first: FirstPoll) -> Job:
        started_at = held.submitted_at or held.updated_at
        async with self._database.begin() as connection:
            now = self._clock.now()
            is_urgent = await work.cancel_requested(connection, held.id)
            is_urgent = is_urgent or await news_since(connection, held, started_at)
            later = self._polls.first_at(held, now, first.gap_s, awaits_callback=first.awaits_callback)
            return await jobs.move_fenced(
                connection,
                held,
                JobState.RUNNING,
                now=now,
                cause="create answered",
                run_at=now if is_urgent else later,
                task_id=receipt.task_id,
                unknown_since=None,
                expected_end_at=now + timedelta(seconds=held.expected_s),
            )

    async def _leave_word(self, held: Job, task_id: str) -> None:
        """Tell whoever has the job now, and thinks that the answer was lost, which task it named."""
        async with self._database.begin() as connection:
            now = self._clock.now()
            if await jobs.name_candidate(connection, held, task_id):
                await jobs.make_due(connection, held.id, now=now, states=(JobState.UNKNOWN,))
        log.warning("submission.answered_late", extra={"job_id": held.id, "task_id": task_id})
