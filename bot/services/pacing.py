"""One rate budget per provider account for all processes, and the breakers. The database is what they share."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

from bot.clock import Clock
from bot.db import slots
from bot.db.engine import Database
from bot.ports import Urgency
from bot.services.breaker import SharedBreaker

SLOTS_MAX = 300  # rows per key; larger limits are cut into shorter windows, which is stricter, never laxer
MARGIN_MAX_S = 1.0  # a request reaches the provider some time after its slot was taken
MARGIN_SHARE = 0.1  # of the window, where that is less
KEPT_FOR_URGENT = 5  # one slot in five is never used by polls
BATCH_MAX = 50  # slots per transaction
NAP_MIN_S = 0.005
NAP_MAX_S = 5.0  # pauses and slots may change under us


@dataclass(slots=True)
class _Waiter:
    urgency: int
    number: int
    called: asyncio.Event = field(default_factory=asyncio.Event)
    is_granted: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        return self.urgency, self.number


@dataclass(slots=True)
class _Lane:
    """One key's waiters in this process. One of them, the leader, asks the database for all."""

    key: str
    count: int
    window_s: float
    waiting: list[_Waiter] = field(default_factory=list)
    leader: _Waiter | None = None
    arrivals: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    is_prepared: bool = False

    @property
    def open_to_polls(self) -> int:
        return self.count - self.count // KEPT_FOR_URGENT

    def enter(self, urgency: int) -> _Waiter:
        self.arrivals += 1
        waiter = _Waiter(urgency, self.arrivals)
        self.waiting.append(waiter)
        self.waiting.sort(key=lambda w: w.rank)
        self.arrived.set()
        if self.leader is None:
            self._appoint(waiter)
        return waiter

    def leave(self, waiter: _Waiter) -> None:
        if waiter in self.waiting:
            self.waiting.remove(waiter)
        if self.leader is waiter:
            self.leader = None
            if self.waiting:
                self._appoint(self.waiting[0])

    def grant(self, waiter: _Waiter) -> None:
        self.waiting.remove(waiter)
        waiter.is_granted = True
        waiter.called.set()

    def _appoint(self, waiter: _Waiter) -> None:
        self.leader = waiter
        waiter.called.set()


class Pacing(SharedBreaker):
    """`RateBudget` and `Breaker` over the database. `limits`: requests and window in seconds, by key."""

    def __init__(self, database: Database, clock: Clock, *, limits: Mapping[str, tuple[int, float]]) -> None:
        super().__init__(database, clock)
        self._lanes = {key: _lane(key, requests, window_s) for key, (requests, window_s) in limits.items()}

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
        """
        lane = self._lanes[key]
        waiter = lane.enter(urgency)
        try:
            await waiter.called.wait()
            while not waiter.is_granted:
                await self._serve(lane)
        finally:
            lane.leave(waiter)

    async def pause(self, key: str, seconds: float) -> None:
        """Let nothing through for `seconds`, in any process; a longer pause under way stays. One transaction."""
        if seconds > 0:
            async with self._database.begin() as connection:
                await slots.pause(connection, key, self._clock.now() + timedelta(seconds=seconds))

    async def _prepare(self, lane: _Lane) -> None:
        async with self._database.begin() as connection:
            await slots.prepare(connection, lane.key, lane.count)
        lane.is_prepared = True

    async def _serve(self, lane: _Lane) -> None:
        """Ask once for everybody who waits; where nothing is free, wait until something may be."""
        if not lane.is_prepared:
            await self._prepare(lane)
        lane.arrived.clear()
        nap_s = await self._use_slots(lane)
        if nap_s is not None:
            await _nap(lane, nap_s)

    async def _use_slots(self, lane: _Lane) -> float | None:
        """Use slots for who waits, most urgent first. Returns the seconds to wait, None where somebody was served."""
        batch = lane.waiting[:BATCH_MAX]
        urgent = [waiter for waiter in batch if waiter.urgency < Urgency.POLL]
        wanted, below = (urgent, lane.count) if urgent else (batch, lane.open_to_polls)
        now = self._clock.now()
        async with self._database.begin() as connection:
            used = await slots.use(
                connection, lane.key, window_s=lane.window_s, below=below, wanted=len(wanted), now=now
            )
            wait_s = None
            if used == 0:
                free_s = await slots.next_free_s(connection, lane.key, window_s=lane.window_s, below=below)
                until = await slots.paused_until(connection, lane.key)
                wait_s = max(free_s, (until - now).total_seconds() if until else 0.0)
        for waiter in [w for w in wanted if w in lane.waiting][:used]:
            lane.grant(waiter)
        return wait_s


def _lane(key: str, requests: int, window_s: float) -> _Lane:
    """Cut a limit that has too many slots into `parts` windows, with the margin shared out over them."""
    parts = ceil(requests / SLOTS_MAX)
    margin_s = min(MARGIN_MAX_S, window_s * MARGIN_SHARE)
    return _Lane(key, requests // parts, (window_s + margin_s) / parts)


async def _nap(lane: _Lane, seconds: float) -> None:
    """Wait, but not past the arrival of somebody who may be let through where those before were not."""
    try:
        async with asyncio.timeout(min(max(seconds, NAP_MIN_S), NAP_MAX_S)):
            await lane.arrived.wait()
    except TimeoutError:
        return
