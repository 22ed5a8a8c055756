"""Callbacks: stored once, then the job's next check is brought forward. The body is only a hint."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs, work
from bot.db.engine import Database
from bot.domain.jobs import Job, JobState
from bot.services.wake import Wake

MIN_CHECK_GAP = timedelta(seconds=5)
TASK_ID_MAX_CHARS = 200
WAITING_FOR_NEWS = (JobState.RUNNING, JobState.UNKNOWN)


class Callbacks:
    """Takes callbacks whose signature the web layer has verified."""

    def __init__(self, database: Database, clock: Clock, *, wake: Wake) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake

    async def received(self, provider: str, job_id: str, attempt: int, body: bytes) -> None:
        """Store the hint and make the job due, in one transaction. A callback for a job that is not ours is dropped."""
        now = self._clock.now()
        async with self._database.begin() as connection:
            known = await jobs.lock(connection, job_id)
            if known is None or known.provider != provider:
                return
            await work.note_callback(
                connection,
                job_id=job_id,
                attempt=attempt,
                provider=provider,
                task_id=named_task(body),
                now=now,
            )
            if known.state in WAITING_FOR_NEWS and known.attempt == 0:
                await jobs.make_due(connection, job_id, now=earliest_check(known, now), states=WAITING_FOR_NEWS)
        self._wake.up()


def earliest_check(known: Job, now: datetime) -> datetime:
    """Return when the provider may next be asked: at most once per job per 5 seconds on a callback's word."""
    return now if known.checked_at is None else max(now, known.checked_at + MIN_CHECK_GAP)


def named_task(body: bytes) -> str | None:
    """Return the task id that a callback's body names, in whatever shape; None for anything else."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for _ in range(3):
        if not isinstance(found, dict):
            return None
        task_id = found.get("task_id")
        if isinstance(task_id, str) and 0 < len(task_id) <= TASK_ID_MAX_CHARS:
            return task_id
        found = next((found[key] for key in ("result", "data", "task") if key in found), None)
    return None


async def news_since(connection: AsyncConnection, known: Job, started_at: datetime) -> bool:
    """Whether a callback came since a check began: its answer may be older than the news."""
    last_at = await work.last_callback_at(connection, known.id)
    return last_at is not None and last_at >= started_at
