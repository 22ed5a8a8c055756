"""Waiting for what other processes, sockets and threads do in real time: as long as a stalled machine may need."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 90.0


async def until(predicate: Callable[[], Any], what: str = "") -> Any:
    """Wait until the predicate gives something true, and return it; the last resort where nothing can be awaited.

    The predicate may be a coroutine function.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        found = predicate()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what or predicate}")
        await asyncio.sleep(0.005)
