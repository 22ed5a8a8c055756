"""Timed duties: dying and dead card tokens, files kept past their time, parked jobs past their deadline, old rows."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.db import files, privacy, reports
from bot.db.engine import Database
from bot.domain.errors import Refused
from bot.ports import MediaStore
from bot.services import settlement
from bot.services.cards import STILL_WORKING_MARGIN, Cards
from bot.services.config import Timings
from bot.services.erasure import Erasure
from bot.services.operator import fail_job

log = logging.getLogger(__name__)

MAX_REDRAWN = 200
BATCH = 200
MAX_BATCHES = 50  # in one turn of a duty
#: For how long a finished job's callbacks and unreceipted messages are kept, and turns count.
TRACES_KEPT = timedelta(days=30)
#: Lines that a log channel could not be given for so long are of no use any more.
LINES_KEPT = timedelta(days=7)
#: A file that nothing names is removed when it is older: a command or a download under way is never so old.
ORPHAN_AGE_S = 86_400.0
SWEEP_EVERY = timedelta(days=1)
SWEPT = ("references/", "clips/", "pictures/")


class Retention:
    """Keeps no more than it must, for no longer than it may."""

    def __init__(self, database: Database, clock: Clock, *, store: MediaStore, cards: Cards, timings: Timings) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._cards = cards
        self._timings = timings
        self._erasure = Erasure(database, clock, store=store)
        self._swept_at: datetime | None = None

    async def redraw(self) -> None:
        """Draw living cards anew after a start: a kill may have come between a job's move and its card's edit."""
        async with self._database.read() as connection:
            living = await reports.living_cards(connection, now=self._clock.now(), limit=MAX_REDRAWN)
        for job_id in living:
            self._cards.touch(job_id)

    async def tokens(self) -> None:
        """Show `still working` on private cards whose token dies soon, and delete dead tokens."""
        now = self._clock.now()
        async with self._database.read() as connection:
            dying = await reports.dying_tokens(connection, before=now + STILL_WORKING_MARGIN, now=now)
            has_dead = await reports.has_dead_tokens(connection, now=now)
        for job_id in dying:
            self._cards.touch(job_id)
        if has_dead:
            async with self._database.begin() as connection:
                await reports.delete_dead_tokens(connection, now=now)

    async def media(self) -> None:
        """Delete kept clips and references whose time is over. The rows forget a file before it is deleted."""
        await self._clips()
        for _ in range(MAX_BATCHES):
            if not await self._references():
                return

    async def _clips(self) -> None:
        now = self._clock.now()
        for _ in range(MAX_BATCHES):
            async with self._database.read() as connection:
                clips = await files.stale_clips(
                    connection,
                    delivered_before=now - self._timings.clip_retention,
                    undelivered_before=now - self._timings.undelivered_retention,
                    limit=BATCH,
                )
            for job_id, key in clips:
                async with self._database.begin() as connection:
                    is_stale = await files.forget_clip(connection, job_id)
                if is_stale:
                    await self._store.delete(key)
            if len(clips) < BATCH:
                return

    async def _references(self) -> bool:
        """Put away the references of some jobs that ended long ago; one that a younger job uses stays until that one's
        turn. Returns whether there may be more."""
        async with self._database.begin() as connection:
            now = self._clock.now()
            before = now - self._timings.reference_retention
            ended = await files.untidied(connection, before=before, limit=BATCH)
            if not ended:
                return False
            await files.mark_tidied(connection, [job_id for job_id, _, _ in ended], now=now)
            found = [(guild_id, key) for _, guild_id, keys in ended for key in keys]
            gone = await files.unused(connection, found)
        await self._erasure.delete_files(gone)
        return len(ended) == BATCH

    async def housekeeping(self) -> None:
        """Delete rows that help nobody any more, the data of servers left long ago, and once a day orphan files."""
        now = self._clock.now()
        await self._parts(now - TRACES_KEPT)
        async with self._database.begin() as connection:
            await files.delete_old(connection, ended_before=now - TRACES_KEPT, now=now)
            await files.delete_old_lines(connection, before=now - LINES_KEPT)
            await privacy.forget_stand_ins(connection, now=now)
        await self._erasure.left_guilds()
        if self._swept_at is None or now - self._swept_at >= SWEEP_EVERY:
            self._swept_at = now
            await self._sweep()

    async def _parts(self, ended_before: datetime) -> None:
        """Delete the messages of old jobs that nobody needs any more; looked for without keeping writers waiting."""
        for _ in range(MAX_BATCHES):
            async with self._database.read() as connection:
                parts = await files.old_parts(connection, ended_before=ended_before, limit=BATCH)
            if parts:
                async with self._database.begin() as connection:
                    await files.delete_parts(connection, parts)
            if len(parts) < BATCH:
                return

    async def _sweep(self) -> None:
        """Delete stored files that no row names: a kill came between a commit and a deletion, or before a commit."""
        found = [key for key in await self._store.keys(ORPHAN_AGE_S) if key.startswith(SWEPT)]
        if not found:
            return
        async with self._database.read() as connection:
            in_use = await files.references_in_use(connection) | await files.clips_in_use(connection)
        orphans = [key for key in found if not _belongs(key, in_use.__contains__)]
        if orphans:
            log.info("files.orphans_removed", extra={"count": len(orphans)})
        await self._erasure.delete_files(orphans)

    async def parked(self) -> None:
        """Give up on parked jobs whose hold has stood for the whole unknown deadline; their tasks stay watched."""
        before = self._clock.now() - timedelta(seconds=self._timings.unknown_deadline_s)
        async with self._database.read() as connection:
            overdue = await reports.parked_since(connection, before=before)
        for job_id in overdue:
            try:
                await fail_job(self._database, self._clock, job_id, actor=settlement.BOT)
            except Refused:
                continue  # its clip is paid for, or it moved on meanwhile
            log.error("job.given_up", extra={"job_id": job_id})
            self._cards.touch(job_id)


def _belongs(key: str, is_in_use: Callable[[str], bool]) -> bool:
    """Whether a file or the one that it was derived from (the same key, before a dot) is in use."""
    while not is_in_use(key):
        key, dot, _ = key.rpartition(".")
        if not dot:
            return False
    return True
