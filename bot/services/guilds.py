"""Guilds that the bot joins and leaves."""

import logging
from collections.abc import Callable

from bot.clock import Clock
from bot.db import board, guilds
from bot.db import jobs as job_rows
from bot.db.engine import Database
from bot.domain.jobs import JobState
from bot.services import settlement
from bot.services.cancellation import AT_ONCE

log = logging.getLogger(__name__)

#: What ends when the bot is removed; everything else has been handed to a provider and runs on.
WAITING = AT_ONCE | {JobState.QUOTED}


class Guilds:
    """Keeps the guild rows true."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def seen(self, *, guild_id: int, owner_id: int, locale: str) -> None:
        """Note that the bot is in a guild. One transaction."""
        async with self._database.begin() as connection:
            await guilds.save(connection, guild_id, owner_id=owner_id, locale=locale, removed_at=None)

    async def claim_welcome(self, guild_id: int) -> bool:
        """Note that a guild is greeted now; False where it was before. One read; one transaction where it is news."""
        async with self._database.read() as connection:
            row = await guilds.find(connection, guild_id)
        if row is None or row.welcomed_at is not None:
            return False
        async with self._database.begin() as connection:
            return await board.claim_welcome(connection, guild_id, now=self._clock.now())

    async def removed(self, guild_id: int) -> None:
        """The bot was removed: waiting jobs are cancelled and released, running ones finish. One transaction each."""
        async with self._database.begin() as connection:
            await guilds.save(connection, guild_id, removed_at=self._clock.now())
        await self._cancel_waiting()

    async def compare(self, is_gone: Callable[[int], bool]) -> None:
        """Note removals that nobody told of because the bot was away, and finish those that a kill cut short.

        `is_gone` tells of a guild in the database whether this process would be in it and is not. One read where
        nothing changed.
        """
        async with self._database.read() as connection:
            rows = await guilds.every(connection)
        for row in rows:
            if is_gone(row.guild_id):
                log.info("guild.gone", extra={"guild_id": row.guild_id})
                await self.removed(row.guild_id)
        await self._cancel_waiting()

    async def _cancel_waiting(self) -> None:
        """Cancel what waits in guilds that the bot has left."""
        async with self._database.read() as connection:
            waiting = await board.waiting_in_left_guilds(connection, [state.value for state in WAITING])
        for job_id in waiting:
            await self._cancel(job_id)

    async def _cancel(self, job_id: str) -> None:
        async with self._database.begin() as connection:
            found = await job_rows.lock(connection, job_id)
            if found is None or found.state not in WAITING:
                return
            now = self._clock.now()
            await settlement.release(connection, job_id=job_id, now=now, reason="the bot was removed from the guild")
            await job_rows.move_locked(connection, found, JobState.CANCELLED, now=now, cause="bot removed")
