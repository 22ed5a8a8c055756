"""Leases on jobs: claiming, renewing, giving back, parking. One short transaction each."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.clock import Clock
from bot.db import jobs
from bot.db.engine import Database
from bot.db.tables import job
from bot.domain.errors import LeaseLost
from bot.domain.jobs import Job, JobState

#: States that jobs enter under the lease of the step before.
UNDER_A_LEASE = (JobState.SUBMITTING, JobState.FETCHING, JobState.DELIVERING)


class Leases:
    """The worker's hold on jobs, fenced by a token that every claim and move raises or keeps."""

    def __init__(self, database: Database, clock: Clock, *, lease_s: float) -> None:
        self._database = database
        self._clock = clock
        self._lease_s = lease_s

    async def claim(self, *, most: int) -> tuple[list[Job], datetime | None]:
        """Take up to `most` due jobs. Also returns when the next one will be due, None where none will.

        Looks before it writes, so that an idle worker costs no write.
        """
        async with self._database.read() as connection:
            next_at = await jobs.next_due_at(connection)
        now = self._clock.now()
        if next_at is None or next_at > now:
            return [], next_at
        async with self._database.begin() as connection:
            claimed = await jobs.claim(connection, now=now, lease_s=self._lease_s, most=most)
            next_at = await jobs.next_due_at(connection)
        return claimed, next_at

    async def renew(self, held: Job) -> bool:
        """Prolong a lease; False where it is lost."""
        async with self._database.begin() as connection:
            return await jobs.renew(connection, held, run_at=self._clock.now() + timedelta(seconds=self._lease_s))

    async def retry_later(self, held: Job, *, delay_s: float, attempt: int | None = None) -> None:
        """Let the step be tried again after `delay_s`, as the attempt after this or after `attempt`.

        A lost lease is nothing to retry.
        """
        counted = {} if attempt is None else {"attempt": attempt}
        try:
            async with self._database.begin() as connection:
                run_at = self._clock.now() + timedelta(seconds=delay_s)
                await jobs.update_fenced(connection, held, run_at=run_at, **counted)
        except LeaseLost:
            return

    async def park(self, held: Job, *, reason: str) -> None:
        """Set a job aside for the operator; its hold stays."""
        try:
            async with self._database.begin() as connection:
                now = self._clock.now()
                await jobs.update_fenced(connection, held, parked_reason=reason[:200], updated_at=now)
        except LeaseLost:
            return

    async def take_over(self) -> int:
        """Free every lease of an earlier process: only where no other process can be running (SQLite).

        A job that was claimed has tries counted; one that moved on under its lease has none yet.
        """
        now = self._clock.now()
        has_moved_on = sa.and_(
            job.c.state.in_([state.value for state in UNDER_A_LEASE]),
            job.c.run_at <= now + timedelta(seconds=self._lease_s),
        )
        async with self._database.begin() as connection:
            freed = await connection.execute(
                sa.update(job)
                .where(job.c.run_at > now, job.c.parked_reason.is_(None), sa.or_(job.c.attempt > 0, has_moved_on))
                .values(run_at=now)
            )
        return freed.rowcount
