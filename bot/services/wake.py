"""Waking the workers of this process when there is something to do."""

import asyncio


class Wake:
    """A flag that any part of the process may raise and the worker loop waits for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def up(self) -> None:
        """Wake the loop; calls before it looks again count as one."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until woken or for `timeout_s`, then lower the flag."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()
