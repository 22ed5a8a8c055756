"""A clock that tests move by hand."""

import asyncio
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Time that passes only when a test says so, or when somebody sleeps on it.

    `sleep` moves the clock by itself and lets the loop turn once, so that code which waits needs no real time. Set
    `is_frozen` to make sleepers wait for `advance` instead.
    """

    def __init__(self, start: datetime = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.is_frozen = False
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return this clock's present moment, UTC-aware."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Return the seconds that have passed since the start."""
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        """Pass `seconds` at once, or wait until a test has advanced the clock that far."""
        self.slept.append(seconds)
        if self.is_frozen and seconds > 0:
            waiter = asyncio.get_running_loop().create_future()
            self._sleepers.append((self._passed_s + seconds, waiter))
            await waiter
        else:
            self.advance(max(0.0, seconds))
            await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` and wake everybody whose time has come."""
        self._passed_s += seconds
        due = [s for s in self._sleepers if s[0] <= self._passed_s]
        self._sleepers = [s for s in self._sleepers if s[0] > self._passed_s]
        for _, waiter in sorted(due, key=lambda s: s[0]):
            if not waiter.done():
                waiter.set_result(None)
