"""Many open jobs at once: one real one is copied in the database and at the provider, money included."""

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.db.engine import Database
from bot.db.tables import budget, hold, job, job_event, ledger_entry
from bot.domain.jobs import JobId, new_job_id
from playground.providers.movie_tasks import Task
from playground.rig import Rig

FAR = timedelta(hours=2)
ROWS_AT_ONCE = 1000


async def copy_job(database_url: str, rig: Rig, *, copies: int, due: int) -> list[str]:
    """Copy the only job there is, which must be running. `due` of the copies are due now, the rest in two hours.

    Every copy has its own task at the provider, its own history, hold and ledger entries; the budgets hold the sum.
    Returns the task ids of the due ones. The bot must not run meanwhile.
    """
    original = next(iter(rig.movie.tasks.values()))
    made = [(new_job_id(), uuid.uuid4().hex) for _ in range(copies)]
    for job_id, task_id in made:
        rig.movie.tasks[task_id] = _copy_task(original, job_id, task_id)
    database = Database(database_url)
    try:
        async with database.begin() as connection:
            template = (await connection.execute(sa.select(job))).mappings().one()
            rows = [
                dict(template) | {"id": job_id, "task_id": task_id, "run_at": _run_at(number < due)}
                for number, (job_id, task_id) in enumerate(made)
            ]
            await _insert(connection, job, rows)
            for table in (job_event, hold, ledger_entry):
                await _copy_rows(connection, table, [job_id for job_id, _ in made])
            await connection.execute(sa.update(budget).values(held_milli=budget.c.held_milli * (copies + 1)))
    finally:
        await database.dispose()
    return [task_id for _, task_id in made[:due]]


def _run_at(is_due: bool) -> datetime:
    now = datetime.now(UTC)
    return now if is_due else now + FAR


def _copy_task(original: Task, job_id: JobId, task_id: str) -> Task:
    """A task that stays as it is: nothing moves it on."""
    return dataclasses.replace(original, id=task_id, order=dataclasses.replace(original.order))


async def _copy_rows(connection: Any, table: sa.Table, job_ids: list[JobId]) -> None:
    """Copy the original job's rows of a table for every new job; ids of their own are given anew."""
    found = (await connection.execute(sa.select(table))).mappings().all()
    originals = [{name: value for name, value in row.items() if name != "id"} for row in found]
    await _insert(connection, table, [row | {"job_id": job_id} for job_id in job_ids for row in originals])


async def _insert(connection: Any, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        await connection.execute(sa.insert(table), rows[start : start + ROWS_AT_ONCE])
