"""Discord's global limit: 50 requests a second per bot, interactions and webhooks aside (topics/rate-limits).

The gate sits in the HTTP session's trace, so that every request of discord.py passes it, repeats included.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
from discord.http import json_or_text

GLOBAL_REQUESTS = 50
GLOBAL_WINDOW_S = 1.0
#: Margin for the difference between when we send and when Discord counts.
MARGIN_S = 0.05
TOO_MANY_REQUESTS = 429
#: How long requests stand still at most after a global 429; the next one finds out whether it is over.
LONGEST_PAUSE_S = 20.0

Take = Callable[[], Awaitable[None]]
Observe = Callable[[str, str, int], None]
IsUp = Callable[[], bool]

_NUMBERS = re.compile(r"/\d{15,20}(?=/|$)")
_TOKENS = re.compile(r"/(webhooks|interactions)/[^/]+/[^/]+")

#: Statuses of the answers to one call, for callers that must know why discord.py would repeat it.
answers: ContextVar[list[int] | None] = ContextVar("discord_answers", default=None)


class Window:
    """Lets at most `requests` through in any `window_s` seconds, in the order asked; for one process."""

    def __init__(self, requests: int = GLOBAL_REQUESTS, window_s: float = GLOBAL_WINDOW_S + MARGIN_S) -> None:
        self._sent: deque[float] = deque(maxlen=requests)
        self._window_s = window_s
        self._turn = asyncio.Lock()

    async def __call__(self) -> None:
        """Wait until one request may be sent."""
        clock = asyncio.get_running_loop().time
        async with self._turn:
            if len(self._sent) == self._sent.maxlen:
                wait_s = self._sent[0] + self._window_s - clock()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
            self._sent.append(clock())


def is_limited(path: str) -> bool:
    """Tell whether an address counts against the global limit."""
    return "/interactions/" not in path and "/webhooks/" not in path


def route_name(path: str) -> str:
    """Return an address without ids and tokens, for metrics and logs."""
    return _NUMBERS.sub("/:id", _TOKENS.sub(r"/\1/:id/:token", path))


class Pause:
    """Holds requests back for as long as Discord named in a global 429; for one process."""

    def __init__(self) -> None:
        self._ends_at = 0.0

    def begin(self, seconds: float) -> None:
        """Hold back what is asked for from now on."""
        self._ends_at = asyncio.get_running_loop().time() + min(seconds, LONGEST_PAUSE_S)

    async def __call__(self) -> None:
        """Wait until it is over."""
        left_s = self._ends_at - asyncio.get_running_loop().time()
        if left_s > 0:
            await asyncio.sleep(left_s)


def trace(take: Take, observe: Observe, is_up: IsUp = lambda: True) -> aiohttp.TraceConfig:
    """Make the trace for discord.py's session: `take` before each limited request, `observe` after each answer.

    It also raises what discord.py would stumble over, see `_stumble`. Until the bot `is_up`, discord.py waits for the
    global limit itself: nobody gives up meanwhile, and a start that is refused ends.
    """
    pause = Pause()

    async def start(_session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams) -> None:
        if _is_api(str(params.url)) and is_limited(params.url.path):
            await pause()
            await take()

    async def end(_session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        if not _is_api(str(params.url)):
            return
        status = params.response.status
        observe(params.method, route_name(params.url.path), status)
        if (seen := answers.get()) is not None:
            seen.append(status)
        if status == TOO_MANY_REQUESTS:
            await _stumble(params.response, pause if is_limited(params.url.path) and is_up() else None)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(start)
    config.on_request_end.append(end)
    return config


async def _stumble(response: aiohttp.ClientResponse, pause: Pause | None) -> None:
    """Raise a 429 that discord.py cannot deal with; it waits for the others itself. `pause` is for the limited ones.

    Without a `retry_after` (an answer of the network between) it fails with a KeyError or TypeError. At the global
    limit it shuts a lock that nothing opens again where the caller gives up meanwhile: no request would ever be sent.

    Raises:
        discord.HTTPException: as discord.py raises other refusals.
    """
    try:
        answer: Any = await json_or_text(response)
    except ValueError:
        answer = ""
    seconds = answer.get("retry_after") if isinstance(answer, dict) else None
    if isinstance(seconds, int | float) and seconds >= 0:
        if pause is None or not answer.get("global"):
            return
        pause.begin(seconds)
    raise discord.HTTPException(response, answer if isinstance(answer, dict) else None)


def _is_api(url: str) -> bool:
    return url.startswith(discord.http.Route.BASE)
