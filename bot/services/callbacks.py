"""Callbacks: stored once, then the job's next check is brought forward. The body is only a hint."""

import asyncio
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import work
from bot.db.engine import Database
from bot.db.notices import Notice, Noticed, bring_forward, lock, store, watch_again
from bot.domain.jobs import Job, JobState
from bot.services.wake import Wake

MAX_AT_ONCE = 200  # callbacks in one transaction
MIN_CHECK_GAP = timedelta(seconds=5)
TASK_ID_MAX_CHARS = 200
WAITING_FOR_NEWS = (JobState.RUNNING, JobState.UNKNOWN)
#: Ends that a late success undoes, and for how long a callback has the task looked after once more.
UNDONE_BY_SUCCESS = (JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)
LATE_LOOK = timedelta(minutes=10)


class _Batch:
    """Callbacks that share a transaction, and its outcome."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.stored: asyncio.Task[None]


class Callbacks:
    """Takes callbacks whose signature the web layer has verified.

    Those that arrive while others are being stored are stored together in the next transaction: a commit takes the same
    time for one as for a hundred, and a provider that ends many tasks at once calls back for all of them at once.
    """

    def __init__(self, database: Database, clock: Clock, *, wake: Wake) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._turn = asyncio.Lock()
        self._open: _Batch | None = None

    async def received(self, provider: str, job_id: str, attempt: int, body: bytes) -> None:
        """Store the hint and make the job due; both are committed when this returns, in one transaction.

        A callback for a job that is not ours is dropped.
        """
        batch = self._open
        if batch is None or len(batch.notices) >= MAX_AT_ONCE:
            batch = self._open = _Batch()
            batch.stored = asyncio.create_task(self._store_in_turn(batch), name="callbacks")
        batch.notices.append(Notice(provider, job_id, attempt, named_task(body)))
        await asyncio.shield(batch.stored)

    async def _store_in_turn(self, batch: _Batch) -> None:
        """Store a batch once the one before is stored; until then it takes more."""
        async with self._turn:
            if self._open is batch:
                self._open = None
            await self._store(batch.notices)

    async def _store(self, notices: list[Notice]) -> None:
        now = self._clock.now()
        async with self._database.begin() as connection:
            known = await lock(connection, {notice.job_id for notice in notices})
            ours = [notice for notice in notices if _is_of(notice, known.get(notice.job_id))]
            if not ours:
                return
            await store(connection, ours, now=now)
            due = {notice.job_id: earliest_check(known[notice.job_id], now) for notice in ours}
            sooner = {job_id: moment for job_id, moment in due.items() if _waits_beyond(known[job_id], moment)}
            await bring_forward(connection, sooner)
            again = {job_id: moment for job_id, moment in due.items() if _may_have_changed(known[job_id], now)}
            await watch_again(connection, again, until=now + LATE_LOOK)
        if sooner or again:
            self._wake.up()


def _is_of(notice: Notice, known: Noticed | None) -> bool:
    return known is not None and known.provider == notice.provider


def _waits_beyond(known: Noticed, moment: datetime) -> bool:
    """Whether a job waits for news until later than that; one that a worker has at the moment is left to it."""
    is_waiting = known.state in WAITING_FOR_NEWS or known.is_watched
    return is_waiting and known.attempt == 0 and known.run_at > moment


def _may_have_changed(known: Noticed, now: datetime) -> bool:
    """Whether a task that was thought to have come to nothing is worth a look: a repeat of the notice that the last
    look answered is not."""
    is_news = known.checked_at is None or now - known.checked_at >= MIN_CHECK_GAP
    has_task = known.is_sent and known.is_anyones and not known.is_watched
    return known.state in UNDONE_BY_SUCCESS and has_task and is_news


def earliest_check(known: Noticed, now: datetime) -> datetime:
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
        if isinstance(task_id, str) and 0 < len(task_id) <= TASK_ID_MAX_CHARS and task_id.isprintable():
            return task_id
        found = next((found[key] for key in ("result", "data", "task") if key in found), None)
    return None


async def news_since(connection: AsyncConnection, known: Job, started_at: datetime) -> bool:
    """Whether a callback came since a check began: its answer may be older than the news."""
    last_at = await work.last_callback_at(connection, known.id)
    return last_at is not None and last_at >= started_at
