"""Duties by the clock: each runs at its interval, and a failure of one is logged and tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to do every `every_s` seconds."""

    name: str
    every_s: float
    do: Callable[[], Awaitable[None]]


class Duties:
    """Runs the timed duties of a process until stopped."""

    def __init__(self, clock: Clock, duties: list[Duty]) -> None:
        self._clock = clock
        self._duties = duties
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin every duty."""
        self._tasks = [asyncio.create_task(self._repeat(duty), name=f"duty {duty.name}") for duty in self._duties]

    async def stop(self) -> None:
        """End every duty."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, duty: Duty) -> None:
        while True:
            try:
                await duty.do()
            except Exception:
                log.exception("duty.failed", extra={"duty": duty.name})
            await self._clock.sleep(duty.every_s)
