"""How a task of the seedance-tv emulator lives: processing, then its clip, or its failure and the credits back."""

import asyncio
import logging
import subprocess
import time
from decimal import Decimal

from playground.providers.base import happened_within
from playground.providers.clips import Clip, ClipStudio
from playground.providers.mp4 import pad
from playground.providers.tv_clips import render_order
from playground.providers.tv_results import sign
from playground.providers.tv_tasks import Knobs, Task

log = logging.getLogger("playground.providers")

FAILURE = "generation_failed"


class TaskLife:
    """Moves tasks from processing to their end."""

    def __init__(self, knobs: Knobs, origin: str) -> None:
        self.knobs = knobs
        self._origin = origin
        self._studio = ClipStudio()

    async def run(self, task: Task) -> None:
        """Live through the whole task."""
        own = task.outcome.render_s
        render_s = (self.knobs.render_s if own is None else own) / self.knobs.speed
        making = asyncio.create_task(self._make(task))
        try:
            if not await happened_within(task.ended, None if task.outcome.hang else render_s):
                await self._end(task, making)
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    async def finish(self, task: Task, status: str, error_code: str | None) -> None:
        """End the task now, whatever its outcome said."""
        if status == "succeeded":
            self._succeed(task, await self._make(task))
        else:
            self._fail(task, error_code)

    def sign_url(self, task: Task, expires_at: float) -> None:
        """Give the result an address that works until `expires_at` (time.time())."""
        task.urls_expire_at = expires_at
        task.video_url = task.outcome.video_url or sign(self._origin, task)

    async def _end(self, task: Task, making: "asyncio.Task[Clip]") -> None:
        outcome = task.outcome
        price = task.charged
        if outcome.error_code:
            self._fail(task, outcome.error_code)
            if outcome.completes_after_s is None:
                return
            await asyncio.sleep(outcome.completes_after_s)
        try:
            clip = await making
        except (subprocess.SubprocessError, OSError):
            log.exception("emulator.render_failed")
            self._fail(task, None)
            return
        if task.status == "processing" or outcome.completes_after_s is not None:
            task.charge(price)
            self._succeed(task, clip)

    def _fail(self, task: Task, code: str | None) -> None:
        if task.is_terminal:
            return
        task.error_code = code or FAILURE
        task.error_message = task.outcome.error_message or f"The video could not be generated: {task.error_code}"
        if not task.outcome.charge_on_failure:
            task.charge(Decimal(0))
        task.move("failed")

    def _succeed(self, task: Task, clip: Clip) -> None:
        task.error_code = task.error_message = None
        task.clip = clip
        self.sign_url(task, time.time() + (-1 if task.outcome.url_expired else self.knobs.video_url_lifetime_s))
        task.move("succeeded")

    async def _make(self, task: Task) -> Clip:
        outcome = task.outcome
        ready = outcome.clip if outcome.clip is not None else self.knobs.fixed_clip
        if ready is not None:
            return Clip(pad(ready, outcome.size_bytes), b"")
        return await render_order(self._studio, task.order, outcome)
