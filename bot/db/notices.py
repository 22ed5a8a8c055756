"""Callbacks of many jobs at once, in as few statements as one needs."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import callback, job
from bot.domain.jobs import JobState


@dataclass(frozen=True, slots=True)
class Notice:
    """One callback; `task_id` is what its body names, a hint only."""

    provider: str
    job_id: str
    attempt: int
    task_id: str | None


@dataclass(frozen=True, slots=True)
class Noticed:
    """What a callback needs to know of its job. `attempt` above 0: a worker has it now.

    `is_watched`: it has ended, and its task is looked after. `is_anyones`: its member has not had their data deleted.
    """

    id: str
    provider: str
    state: JobState
    attempt: int
    run_at: datetime
    checked_at: datetime | None
    is_sent: bool
    is_watched: bool
    is_anyones: bool


async def lock(connection: AsyncConnection, job_ids: Collection[str]) -> dict[str, Noticed]:
    """Read jobs by id, always in one order, and keep others from moving them until the transaction ends."""
    j = job.c
    query = (
        sa.select(
            j.id,
            j.provider,
            j.state,
            j.attempt,
            j.run_at,
            j.checked_at,
            j.submitted_at.is_not(None).label("is_sent"),
            j.watch_until.is_not(None).label("is_watched"),
            (j.user_id > 0).label("is_anyones"),
        )
        .where(j.id.in_(job_ids))
        .order_by(j.id)
        .with_for_update()
    )
    rows = await connection.execute(query)
    return {row.id: Noticed(**{**row._mapping, "state": JobState(row.state)}) for row in rows}


async def store(connection: AsyncConnection, notices: Sequence[Notice], *, now: datetime) -> None:
    """Store the hints; repeats only count, and the newest that names a task wins."""
    counts = Counter((notice.job_id, notice.attempt) for notice in notices)
    named = sorted(notices, key=lambda notice: notice.task_id is not None)  # the last one stays
    newest = {(notice.job_id, notice.attempt): notice for notice in named}
    rows = [
        {
            "job_id": notice.job_id,
            "attempt": notice.attempt,
            "provider": notice.provider,
            "task_id": notice.task_id,
            "first_at": now,
            "last_at": now,
            "count": counts[key],
        }
        for key, notice in sorted(newest.items())
    ]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(callback)
    new = statement.excluded
    changes = {
        "provider": new.provider,
        "task_id": sa.func.coalesce(new.task_id, callback.c.task_id),
        "last_at": new.last_at,
        "count": callback.c.count + new.count,
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=["job_id", "attempt"], set_=changes), rows)


async def bring_forward(connection: AsyncConnection, run_at: Mapping[str, datetime]) -> None:
    """Bring the next step of locked jobs forward."""
    if run_at:
        statement = sa.update(job).where(job.c.id == sa.bindparam("job_id")).values(run_at=sa.bindparam("moment"))
        await connection.execute(statement, [{"job_id": key, "moment": moment} for key, moment in run_at.items()])


async def watch_again(connection: AsyncConnection, run_at: Mapping[str, datetime], *, until: datetime) -> None:
    """Have the tasks of locked, finished jobs looked after until then, from these moments on."""
    if run_at:
        j = job.c
        statement = sa.update(job).where(j.id == sa.bindparam("job_id"), j.watch_until.is_(None))
        changes = [{"job_id": key, "moment": moment} for key, moment in run_at.items()]
        await connection.execute(statement.values(watch_until=until, run_at=sa.bindparam("moment")), changes)
