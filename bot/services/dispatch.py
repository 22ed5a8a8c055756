"""Giving running places to queued jobs, fairly."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import breakers, guilds, jobs, work
from bot.db.engine import Database
from bot.db.tables import job
from bot.domain.fairness import Waiting, choose_next
from bot.domain.jobs import JobState
from bot.domain.rules import GuildRules
from bot.ports import Breaker
from bot.services.breaker import places_now
from bot.services.cards import Cards
from bot.services.pacing import RateView

#: The row that all dispatchers lock.
ALL_PROVIDERS = "*"
DEFAULT_RUNNING_CAP = GuildRules().running_cap
#: Places given at one moment are told apart by this, or the first guild would seem served no later than the last.
TURN = timedelta(microseconds=1)
IN_ORDER = timedelta(milliseconds=1)


class Dispatch:
    """Moves queued jobs to `preparing` while there are places, least recently served guild and member first."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        breaker: Breaker,
        places: Mapping[str, int],
        cards: Cards,
        rate: RateView | None = None,
    ) -> None:
        """`places` are the running places of each provider account; those of a member are the server's to say.

        With `rate`, no more jobs get a place than can send their creates now, so that where requests are scarce it is
        fairness that chooses who sends next.
        """
        self._database = database
        self._clock = clock
        self._breaker = breaker
        self._places = places
        self._cards = cards
        self._rate = rate

    async def run(self) -> int:
        """Hand out every free place. Returns how many. One read; for each provider with work and places, one more read
        and, where somebody may have a place, one transaction.
        """
        async with self._database.read() as connection:
            queued = await work.queued_providers(connection, now=self._clock.now())
            free = {p: await self._free(connection, p) for p in queued if p in self._places}
        given = 0
        for provider, most in free.items():
            if most <= 0 or not await self._is_wanted(provider):
                continue
            breaker = await self._breaker.state(provider)
            if not breaker.is_open:
                given += await self._serve(provider, 1 if breaker.reason else most)  # a probe is one job
        return given

    async def _is_wanted(self, provider: str) -> bool:
        """Look first: members at their caps cost no write at each wake, and use up no probe of the breaker's."""
        async with self._database.read() as connection:
            return bool(await self._choose(connection, provider, 1))

    async def _free(self, connection: AsyncConnection, provider: str) -> int:
        """Count the places to give out now: those configured or learned, and no more than can send."""
        now = self._clock.now()
        learned = await breakers.read_crowd(connection, provider)
        running = await work.count_running(connection, provider, now=now)
        free = places_now(self._places[provider], learned, now) - running
        if free > 0 and self._rate is not None:
            free = min(free, await self._rate.room(connection, provider))
        return free

    async def _serve(self, provider: str, most: int) -> int:
        """Give out places of one provider."""
        chosen: list[Waiting] = []
        async with self._database.begin() as connection:
            await work.lock_provider(connection, ALL_PROVIDERS)  # a member's places are counted over all of them
            now = self._clock.now()
            free = min(most, await self._free(connection, provider))
            if free > 0:
                chosen = await self._choose(connection, provider, free)
            for number, waiting in enumerate(chosen):
                await self._promote(connection, provider, waiting, now + TURN * number)
        for waiting in chosen:
            self._cards.touch(waiting.job_id, JobState.PREPARING)
        return len(chosen)

    async def _choose(self, connection: AsyncConnection, provider: str, free: int) -> list[Waiting]:
        now = self._clock.now()
        running = await work.running_by_member(connection, now=now)
        by_guild, by_member = await work.served_at(connection, provider)
        caps = await guilds.running_caps(connection)
        deep = min(free, max(caps.values(), default=DEFAULT_RUNNING_CAP))
        heads = await work.waiting_heads(connection, provider, now=now, deep=max(deep, DEFAULT_RUNNING_CAP))
        chosen: list[Waiting] = []
        while len(chosen) < free:
            able = [
                w for w in heads if running.get((w.guild_id, w.user_id), 0) < caps.get(w.guild_id, DEFAULT_RUNNING_CAP)
            ]
            following = choose_next(able, by_guild, by_member)
            if following is None:
                break
            heads.remove(following)
            member = (following.guild_id, following.user_id)
            running[member] = running.get(member, 0) + 1
            by_guild[following.guild_id] = by_member[member] = now + TURN * len(chosen)
            chosen.append(following)
        return chosen

    async def _promote(self, connection: AsyncConnection, provider: str, waiting: Waiting, at: datetime) -> None:
        """Give a place at `at`; the job is due a little before, so that those given one together go in their order."""
        given = await connection.execute(
            sa.update(job)
            .where(job.c.id == waiting.job_id, job.c.state == JobState.QUEUED.value)
            .values(
                state=JobState.PREPARING.value, run_at=at - IN_ORDER, updated_at=at, attempt=0, token=job.c.token + 1
            )
        )
        if not given.rowcount:
            return  # cancelled a moment ago
        await jobs.record(
            connection, waiting.job_id, at=at, before=JobState.QUEUED, after=JobState.PREPARING, cause="place given"
        )
        await work.mark_served(connection, provider, guild_id=waiting.guild_id, user_id=waiting.user_id, at=at)
