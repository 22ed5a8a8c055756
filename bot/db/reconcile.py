"""What the providers' own records are compared with: jobs by task, jobs in doubt, what an account's jobs cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import values
from bot.db.jobs import to_job
from bot.db.tables import job
from bot.domain.jobs import RUNNING_PLACES, Job, JobState
from bot.domain.money import Credits

PREFIX = "reconciled:"
_CHUNK = 500  # ids in one query
_AT_WORK = [state.value for state in RUNNING_PLACES]


async def by_task(connection: AsyncConnection, provider: str, task_ids: Sequence[str]) -> dict[str, Job]:
    """Return the jobs that have these tasks, by task."""
    found: dict[str, Job] = {}
    for start in range(0, len(task_ids), _CHUNK):
        query = sa.select(job).where(job.c.provider == provider, job.c.task_id.in_(task_ids[start : start + _CHUNK]))
        found |= {row.task_id: to_job(row) for row in await connection.execute(query)}
    return found


async def with_task(connection: AsyncConnection, provider: str, *, since: datetime, limit: int) -> list[Job]:
    """Return the jobs that have a task and were submitted since then, the newest first."""
    rows = await connection.execute(
        sa.select(job)
        .where(job.c.provider == provider, job.c.task_id.is_not(None), job.c.submitted_at >= since)
        .order_by(job.c.submitted_at.desc(), job.c.id)
        .limit(limit)
    )
    return [to_job(row) for row in rows]


async def in_doubt(connection: AsyncConnection, provider: str) -> list[Job]:
    """Return the jobs whose create or task has come to no known end, the oldest first: `unknown`, or given up and
    still watched."""
    expired = sa.and_(job.c.state == JobState.EXPIRED.value, job.c.watch_until.is_not(None))
    rows = await connection.execute(
        sa.select(job)
        .where(
            job.c.provider == provider,
            sa.or_(job.c.state.in_([JobState.UNKNOWN.value, JobState.SUBMITTING.value]), expired),
        )
        .order_by(job.c.submitted_at, job.c.id)
    )
    return [to_job(row) for row in rows]


async def spent(connection: AsyncConnection, provider: str, *, since: datetime) -> Credits:
    """Return what jobs submitted since then have been settled for."""
    query = sa.select(sa.func.sum(job.c.actual_milli)).where(
        job.c.provider == provider, job.c.submitted_at >= since, job.c.actual_milli.is_not(None)
    )
    return Credits(int((await connection.execute(query)).scalar() or 0))


async def at_work(connection: AsyncConnection, provider: str) -> Credits:
    """Return what the jobs under way are held for."""
    query = sa.select(sa.func.sum(job.c.quote_milli)).where(job.c.provider == provider, job.c.state.in_(_AT_WORK))
    return Credits(int((await connection.execute(query)).scalar() or 0))


async def last_balance(connection: AsyncConnection, provider: str) -> dict[str, Any] | None:
    """Return the account's balance as it was noted last, None where it never was."""
    return await values.read(connection, f"{PREFIX}{provider}")


async def note_balance(
    connection: AsyncConnection, provider: str, before: dict[str, Any] | None, after: dict[str, Any]
) -> bool:
    """Note an account's balance. False where another process was faster."""
    return await values.swap(connection, f"{PREFIX}{provider}", before, after)
