"""Panels that are redrawn by themselves while their interaction's token lives."""

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
    """Knows which panels are live; `turn` redraws them, and the oldest makes room where there are too many.

    `redraw(panel, is_last)` draws a panel anew if it would look different, and returns the text of what it shows.
    """

    def __init__(self, clock: Clock, redraw: Redraw[S]) -> None:
        self._clock = clock
        self._redraw = redraw
        self._panels: dict[int, Panel[S]] = {}

    def ends_at(self) -> datetime:
        """Return until when a panel that is shown now redraws itself."""
        return self._clock.now() + LIVES_FOR

    def keep(self, message_id: int, panel: Panel[S]) -> None:
        """Redraw this message from now on, in place of what it showed before."""
        self._panels.pop(message_id, None)
        while len(self._panels) >= MOST_PANELS:
            del self._panels[next(iter(self._panels))]
        self._panels[message_id] = panel

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
