"""What is asked at every request, or every few seconds, is found by an index however many jobs have ended."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import board, jobs, migrate, reports, work
from bot.db.engine import Database
from bot.db.tables import job
from tests.postgres import run_apart

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Ask = Callable[[AsyncConnection], Awaitable[Any]]

QUESTIONS: dict[str, tuple[str, Ask]] = {
    "next due": ("ix_job_due", jobs.next_due_at),
    "claim": ("ix_job_due", lambda c: jobs.claim(c, now=NOW, lease_s=1, most=5)),
    "past durations": ("ix_job_past", lambda c: work.expected_s(c, model="a/b")),
    "a member's open jobs": ("ix_job_open", lambda c: reports.count_open(c, guild_id=1, user_id=2)),
    "a server's open jobs": ("ix_job_open", lambda c: board.count_open(c, 1)),
    "dying tokens": ("ix_job_token", lambda c: reports.dying_tokens(c, before=NOW, now=NOW)),
    "dead tokens": ("ix_job_token", lambda c: reports.has_dead_tokens(c, now=NOW)),
    "living cards": ("ix_job_token", lambda c: reports.living_cards(c, now=NOW, limit=9)),
    "parked jobs": ("ix_job_parked", lambda c: board.parked(c, limit=9)),
    "open holds": ("ix_hold_open", reports.open_holds),
}
PARTIAL = {index for index, _ in QUESTIONS.values()}


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate.upgrade(database)
    await database.dispose()


@pytest.fixture(scope="module")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as an installation has it: between indexes that seem equally good, SQLite takes the youngest."""
    path = tmp_path_factory.mktemp("migrated") / "template.db"
    run_apart(lambda: _migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.mark.parametrize("question", QUESTIONS)
async def test_what_is_asked_often_is_found_by_an_index(database: Database, question: str) -> None:
    """A partial index serves only queries that say what it says: another wording would read every job."""
    index, ask = QUESTIONS[question]
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    async with database.begin() as connection, connection.begin_nested() as trial:
        if not database.is_sqlite:  # it reads small tables whole, and takes any of indexes that seem equally good
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            for other in job.indexes:
                if other.name not in PARTIAL:
                    await connection.run_sync(other.drop)
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await ask(connection)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        plan = await _plan(connection, *asked[-1], is_sqlite=database.is_sqlite)
        await trial.rollback()

    partial = {index} if database.is_sqlite else PARTIAL
    assert any(name in plan for name in partial)  # of empty tables PostgreSQL may read any that it can


async def _plan(connection: AsyncConnection, statement: str, parameters: Any, *, is_sqlite: bool) -> str:
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    rows: list[sa.Row[Any]] = list(await connection.exec_driver_sql(f"{explain} {statement}", parameters))
    return "\n".join(str(row) for row in rows)
