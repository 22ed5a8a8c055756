"""Guilds that the bot joins and leaves."""

from bot.clock import Clock
from bot.db import board, guilds, reports
from bot.db import jobs as job_rows
from bot.db.engine import Database
from bot.domain.jobs import JobState
from bot.services import settlement
from bot.services.cancellation import AT_ONCE

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
        async with self._database.read() as connection:
            waiting = await reports.jobs(
                connection, user_id=None, guild_id=guild_id, state=None, only_open=True, limit=10_000
            )
        for one in waiting:
            if one.state in WAITING:
                await self._cancel(one.id)

    async def _cancel(self, job_id: str) -> None:
        async with self._database.begin() as connection:
            found = await job_rows.lock(connection, job_id)
            if found is None or found.state not in WAITING:
                return
            now = self._clock.now()
            await settlement.release(connection, job_id=job_id, now=now, reason="the bot was removed from the guild")
            await job_rows.move_locked(connection, found, JobState.CANCELLED, now=now, cause="bot removed")
