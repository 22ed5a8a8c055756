"""Panels that redraw themselves while their interaction's token lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import aiohttp
import discord

from bot.clock import Clock
from cogs._replies import Interaction

log = logging.getLogger(__name__)

EVERY_S = 10.0
#: A little less than a token lives: the last redraw says that there will be no more.
LIVES_FOR = timedelta(minutes=14)
MOST_PANELS = 20

S = TypeVar("S")


@dataclass(slots=True)
class Panel(Generic[S]):
    """A message that shows `sight`. `interaction` is the newest one on it: its token is the one that lives longest."""

    interaction: Interaction
    sight: S
    text: str
    until: datetime


Redraw = Callable[[Panel[S], bool], Awaitable[str]]


class LivePanels(Generic[S]):
    """Redraws panels every ten seconds where something changed; the oldest makes room where there are too many.

    `redraw(panel, is_last)` draws a panel anew if it would look different, and returns the text of what it shows.
    """

    def __init__(self, clock: Clock, redraw: Redraw[S], *, is_over: Callable[[], bool] = lambda: False) -> None:
        self._clock = clock
        self._redraw = redraw
        self._is_over = is_over
        self._panels: dict[int, Panel[S]] = {}
        self._task: asyncio.Task[None] | None = None

    def ends_at(self) -> datetime:
        """Return until when a panel that is shown now redraws itself."""
        return self._clock.now() + LIVES_FOR

    def keep(self, message_id: int, panel: Panel[S]) -> None:
        """Redraw this message from now on, in place of what it showed before."""
        self._panels.pop(message_id, None)
        while len(self._panels) >= MOST_PANELS:
            del self._panels[next(iter(self._panels))]
        self._panels[message_id] = panel
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="live panels")

    def forget(self, message_id: int) -> None:
        """Leave a message alone."""
        self._panels.pop(message_id, None)

    async def stop(self) -> None:
        """Leave every panel as it is."""
        self._panels.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> None:
        """Redraw every panel once; one that can no longer be drawn is left alone from then on."""
        for message_id, panel in list(self._panels.items()):
            is_last = self._clock.now() >= panel.until
            try:
                panel.text = await self._redraw(panel, is_last)
            except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("panel.gone", extra={"error": type(error).__name__})
                is_last = True
            newer = self._panels.get(message_id)
            if newer is not panel and newer is not None:
                newer.text = ""  # what it showed may have been drawn over just now
            elif is_last:
                self._panels.pop(message_id, None)

    async def _work(self) -> None:
        while self._panels and not self._is_over():
            await self._clock.sleep(EVERY_S)
            await self.turn()
