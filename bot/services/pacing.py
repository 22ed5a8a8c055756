"""One rate budget per provider account for all processes, and the breakers. The database is what they share.

Turns: submits before cancels before uploads before polls. Nobody waits long for one under a job's lease: who would is
sent away with the time to come again, polls with a turn of their own each, so that they spread.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import slots
from bot.db.engine import Database
from bot.domain.errors import ProviderBusy
from bot.services.breaker import SharedBreaker
from bot.services.lanes import Lane, Waiter, make_lane

log = logging.getLogger(__name__)

BATCH_MAX = 50  # slots per transaction
NAP_MIN_S = 0.005
NAP_MAX_S = 5.0  # pauses and slots may change under us
COUNT_KEPT_S = 5.0

#: The code of the refusal that says: not the provider, our own budget has no turn for this soon.
PACED = "paced"


class RateView(Protocol):
    """What a provider account's rate budget means for those who plan requests."""

    async def room(self, connection: AsyncConnection, provider: str) -> int:
        """Return how many more submits can be sent now. One read, or inside a transaction of the caller's."""
        ...

    async def poll_gap_s(self, provider: str) -> float:
        """Return how far apart one task's polls must be for the polls of all running jobs to fit the budget."""
        ...


class Pacing(SharedBreaker):
    """`RateBudget` and `Breaker` over the database. `limits`: requests and window in seconds, by key."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        limits: Mapping[str, tuple[int, float]],
        is_clock_shared: bool = False,
    ) -> None:
        """Count by the database's time, or by `clock` where that `is_clock_shared` by all processes."""
        super().__init__(database, clock)
        self._is_clock_shared = is_clock_shared
        self._lanes = {key: make_lane(key, requests, window_s) for key, (requests, window_s) in limits.items()}
        self._gaps: dict[str, tuple[float, float]] = {}

    async def setup(self) -> None:
        """Have the slots of every limit. One transaction per key; `take` does it too where this was left out."""
        for lane in self._lanes.values():
            await self._prepare(lane)

    async def take(self, key: str, *, urgency: int) -> None:
        """Wait until one request may be sent. At most `limit` are let through in any window, over all processes.

        Lower urgencies go first within this process, and polls never use the last fifth of the slots. Transactions:
        at most one short one for each request, fewer where several wait at once.

        Raises:
            KeyError: no limit was named for `key`.
            ProviderBusy: `paced`, there is no turn soon; `retry_after_s` says when there will be one.
        """
        lane = self._lanes[key]
        waiter = lane.enter(urgency, self._clock.monotonic())
        try:
            await waiter.called.wait()
            while waiter.is_waiting:
                await self._serve(lane, waiter)
        finally:
            lane.leave(waiter)
        if waiter.refused_for_s is not None:
            raise ProviderBusy(PACED, retry_after_s=waiter.refused_for_s)

    async def pause(self, key: str, seconds: float) -> None:
        """Let nothing through for `seconds`, in any process; a longer pause under way stays. One transaction.

        Where the database is away it is logged alone: it comes with an answer, which must not be lost for it.
        """
        if seconds <= 0:
            return
        try:
            async with self._database.begin() as connection:
                await slots.pause(connection, key, self._clock.now() + timedelta(seconds=seconds))
        except OperationalError:
            log.warning("pacing.pause_lost", extra={"provider": key, "seconds": seconds}, exc_info=True)

    async def room(self, connection: AsyncConnection, provider: str) -> int:
        """Return how many more submits can be sent now: a fifth of the slots is left to polls."""
        lane = self._lanes.get(provider)
        if lane is None:
            return 0
        if not lane.is_prepared:
            return lane.count - lane.kept
        supply = await self._look(connection, lane)
        return 0 if self._pause_s(supply) > 0 else lane.room(supply)

    async def poll_gap_s(self, provider: str) -> float:
        """Return how far apart one task's polls must be to fit. One read, at most every five seconds."""
        lane = self._lanes.get(provider)
        if lane is None:
            return 0.0
        now_s = self._clock.monotonic()
        seen_s, gap_s = self._gaps.get(provider, (-COUNT_KEPT_S, 0.0))
        if now_s - seen_s >= COUNT_KEPT_S:
            async with self._database.read() as connection:
                count = await slots.count_polled(connection, provider)
            gap_s = count * lane.between_polls.total_seconds()
            self._gaps[provider] = now_s, gap_s
        return gap_s

    async def _prepare(self, lane: Lane) -> None:
        async with self._database.begin() as connection:
            await slots.prepare(connection, lane.key, lane.count)
        lane.is_prepared = True

    async def _serve(self, lane: Lane, leader: Waiter) -> None:
        """Ask once for everybody who waits; where nothing is free, wait until something may be."""
        if not lane.is_prepared:
            await self._prepare(lane)
        lane.arrived.clear()
        urgent = [waiter for waiter in lane.waiting if not waiter.is_poll][:BATCH_MAX]
        nap_s = await _unbroken(self._let_go(lane, urgent) if urgent else self._let_poll(lane))
        if nap_s is not None and leader.is_waiting:
            await self._nap(lane, nap_s)

    async def _let_go(self, lane: Lane, urgent: Sequence[Waiter]) -> float | None:
        """Use slots for the urgent. Returns the seconds to wait, None where somebody was served."""
        polls = [waiter for waiter in lane.waiting if waiter.is_poll][:BATCH_MAX]
        began_s = self._clock.monotonic()
        async with self._database.begin() as connection:
            used = await self._use(connection, lane, below=lane.count, wanted=len(urgent), from_the_top=True)
            if not used:
                supply = await self._look(connection, lane)
                waits_s = await self._waits_s(connection, lane)
                wait_s = max(min(waits_s, default=0.0), self._pause_s(supply))
                poll_wait_s = max(lane.poll_wait_s(waits_s, supply), wait_s)
                turns = await self._book(connection, lane, self._impatient(polls, lane.window_s), poll_wait_s)
        if used:
            await self._renew(lane, used, began_s)
            self._grant(lane, urgent, len(used))
            return None
        for waiter in self._impatient(urgent, wait_s):
            lane.refuse(waiter, wait_s)
        self._send_away(lane, turns)
        return wait_s

    async def _let_poll(self, lane: Lane) -> float | None:
        """Use slots for polls, which leave their turns to submits on their way. Returns as `_let_go` does."""
        polls = lane.waiting[:BATCH_MAX]
        began_s = self._clock.monotonic()
        async with self._database.begin() as connection:
            supply = await self._look(connection, lane)
            wanted = min(len(polls), lane.polls_now(supply))
            pause_s = self._pause_s(supply)
            used: list[int] = []
            if wanted and pause_s == 0:
                below = lane.open_to_polls
                used = await self._use(connection, lane, below=below, wanted=wanted, from_the_top=False)
            if not used:
                wait_s = max(lane.poll_wait_s(await self._waits_s(connection, lane), supply), pause_s)
                turns = await self._book(connection, lane, self._impatient(polls, wait_s), wait_s)
        if used:
            await self._renew(lane, used, began_s)
            self._grant(lane, polls, len(used))
            return None
        self._send_away(lane, turns)
        return wait_s

    async def _use(
        self, connection: AsyncConnection, lane: Lane, *, below: int, wanted: int, from_the_top: bool
    ) -> list[int]:
        return await slots.use(
            connection,
            lane.key,
            at=self._moment(connection),
            window_s=lane.window_s,
            below=below,
            wanted=wanted,
            from_the_top=from_the_top,
            now=self._clock.now(),
        )

    async def _renew(self, lane: Lane, used: Sequence[int], began_s: float) -> None:
        """Where a slow disk held the transaction up, let the window begin with the requests, which go only now."""
        if self._clock.monotonic() - began_s > lane.late_s:
            async with self._database.begin() as connection:
                await slots.renew(connection, lane.key, used, at=self._moment(connection))

    async def _look(self, connection: AsyncConnection, lane: Lane) -> slots.Supply:
        return await slots.look(
            connection,
            lane.key,
            at=self._moment(connection),
            window_s=lane.window_s,
            kept=lane.kept,
            open_to_polls=lane.open_to_polls,
        )

    async def _waits_s(self, connection: AsyncConnection, lane: Lane) -> list[float]:
        return await slots.waits_s(connection, lane.key, at=self._moment(connection), window_s=lane.window_s)

    def _pause_s(self, supply: slots.Supply) -> float:
        until = supply.paused_until
        return max(0.0, (until - self._clock.now()).total_seconds()) if until else 0.0

    def _moment(self, connection: AsyncConnection) -> sa.ColumnElement[float]:
        if self._is_clock_shared:
            return sa.literal(self._clock.now().timestamp(), sa.Double)
        return slots.database_now(connection)

    def _grant(self, lane: Lane, waiters: Sequence[Waiter], used: int) -> None:
        for waiter in [w for w in waiters if w in lane.waiting][:used]:
            lane.grant(waiter)

    def _impatient(self, waiters: Sequence[Waiter], wait_s: float) -> list[Waiter]:
        return [waiter for waiter in waiters if self._clock.monotonic() + wait_s > waiter.until_s]

    async def _book(
        self, connection: AsyncConnection, lane: Lane, polls: Sequence[Waiter], wait_s: float
    ) -> list[tuple[Waiter, datetime]]:
        """Find a later turn for each poll that cannot wait for one here; the next one comes in `wait_s`."""
        if not polls:
            return []
        first_at = self._clock.now() + timedelta(seconds=wait_s)
        moments = await slots.book_polls(
            connection, lane.key, count=len(polls), first_at=first_at, apart=lane.between_polls
        )
        return list(zip(polls, moments, strict=True))

    def _send_away(self, lane: Lane, turns: Sequence[tuple[Waiter, datetime]]) -> None:
        now = self._clock.now()
        for waiter, at in turns:
            lane.refuse(waiter, max(0.0, (at - now).total_seconds()))

    async def _nap(self, lane: Lane, seconds: float) -> None:
        """Wait, but not past the arrival of somebody who may be let through where those before were not."""
        sleeping = asyncio.ensure_future(self._clock.sleep(min(max(seconds, NAP_MIN_S), NAP_MAX_S)))
        arriving = asyncio.ensure_future(lane.arrived.wait())
        try:
            await asyncio.wait((sleeping, arriving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            arriving.cancel()
            await asyncio.gather(sleeping, arriving, return_exceptions=True)


async def _unbroken(asking: Coroutine[Any, Any, float | None]) -> float | None:
    """Finish a short transaction that serves others too, even where who began it is cancelled meanwhile."""
    task = asyncio.create_task(asking)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()  # whoever leads next meets it too
        raise
