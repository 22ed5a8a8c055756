"""Whether the process is ready, with reasons, and the figures of each metrics scrape."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from bot.db import reports
from bot.db.engine import Database
from bot.domain.jobs import JobState
from bot.domain.money import Credits
from bot.web.metrics import Figures


@dataclass(frozen=True, slots=True)
class Readiness:
    """Checks what the process needs to serve. `is_connected` speaks for the gateway, `is_working` for the loop."""

    database: Database
    is_connected: Callable[[], bool]
    is_working: Callable[[], bool]

    async def reasons(self) -> dict[str, str]:
        """Return what is not ready, by name, with the reason. Empty: all is."""
        reasons = {}
        try:
            async with self.database.read() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            reasons["database"] = f"does not answer: {type(error).__name__}"
        if not self.is_connected():
            reasons["discord"] = "not connected to the gateway"
        if not self.is_working():
            reasons["worker"] = "the worker loop does not run"
        return reasons


async def figures(database: Database) -> Figures:
    """Read the gauges of one scrape."""
    async with database.read() as connection:
        counts = await reports.count_by_state(connection)
        holds = await reports.open_holds(connection)
    waiting = {provider: count for state, provider, count in counts if state == JobState.QUEUED.value}
    by_job: dict[str, int] = {}
    for job_id, _, _, amount in holds:
        by_job[job_id] = max(by_job.get(job_id, 0), amount)
    return Figures(
        jobs={(state, provider): count for state, provider, count in counts},
        queue_depth=waiting,
        holds=len(by_job),
        held=Credits(sum(by_job.values())),
    )
