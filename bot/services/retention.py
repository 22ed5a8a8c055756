"""Timed duties: dying and dead card tokens, files kept past their time, parked jobs past their deadline."""

import logging
from datetime import timedelta

from bot.clock import Clock
from bot.db import jobs, reports
from bot.db.engine import Database
from bot.domain.errors import Refused
from bot.ports import MediaStore
from bot.services import settlement
from bot.services.cards import STILL_WORKING_MARGIN, Cards
from bot.services.config import Timings
from bot.services.operator import fail_job

log = logging.getLogger(__name__)

MAX_REDRAWN = 200


class Retention:
    """Keeps no more than it must, for no longer than it may."""

    def __init__(self, database: Database, clock: Clock, *, store: MediaStore, cards: Cards, timings: Timings) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._cards = cards
        self._timings = timings

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
        now = self._clock.now()
        async with self._database.read() as connection:
            clips = await reports.stale_clips(
                connection,
                delivered_before=now - self._timings.clip_retention,
                undelivered_before=now - self._timings.undelivered_retention,
            )
            references = await reports.stale_references(connection, before=now - self._timings.reference_retention)
        for job_id, key in clips:
            async with self._database.begin() as connection:
                await jobs.update_any(connection, job_id, clip_key=None)
            await self._store.delete(key)
        for key in references:
            await self._store.delete(key)

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
