"""How a task of the seedance2-movie emulator lives: its statuses over time, its clip, its price, its notice."""

import asyncio
import io
import logging
import subprocess
import time
from functools import lru_cache

import aiohttp
from PIL import Image

from playground.providers.base import dump_json, happened_within
from playground.providers.clips import Clip, ClipSpec, ClipStudio
from playground.providers.movie_rules import MESSAGES
from playground.providers.movie_tasks import CallbackRecord, Knobs, Outcome, Task
from playground.providers.mp4 import pad

log = logging.getLogger("playground.providers")

QUEUED_AT, PROCESSING_AT = 0.1, 0.25  # shares of the render time
CALLBACK_TIMEOUT_S = 10.0
CALLBACKS_KEPT = 5000


class TaskLife:
    """Moves tasks through pending, queued and processing to their end, and announces it."""

    def __init__(self, knobs: Knobs, session: aiohttp.ClientSession, origin: str) -> None:
        self.knobs = knobs
        self.callbacks: list[CallbackRecord] = []
        self._session = session
        self._origin = origin
        self._studio = ClipStudio()
        self._admitted: set[Task] = set()
        self._slot_freed = asyncio.Condition()
        self._announcements: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether one more task would be over the concurrency limit."""
        limit = self.knobs.concurrency_limit
        return limit is not None and len(self._admitted) >= limit

    async def run(self, task: Task, *, rush: bool = False) -> None:
        """Live through the whole task; `rush` leaves the waiting out and returns after the announcement."""
        own = task.outcome.render_s
        render_s = 0.0 if rush else (self.knobs.render_s if own is None else own) / self.knobs.speed
        if not self.is_full:
            self._admitted.add(task)
        if await happened_within(task.ended, render_s * QUEUED_AT):
            return
        task.move("queued")
        if not await self._admit(task) or await happened_within(task.ended, render_s * (PROCESSING_AT - QUEUED_AT)):
            return
        task.move("processing")
        rendering = asyncio.create_task(self._render(task))
        try:
            if not await happened_within(task.ended, None if task.outcome.hang else render_s * (1 - PROCESSING_AT)):
                await self._end_by_outcome(task, rendering, rush=rush)
        finally:
            rendering.cancel()
            await asyncio.gather(rendering, return_exceptions=True)

    async def finish(self, task: Task, status: str, error_code: str | None = None, *, wait: bool = False) -> None:
        """End the task now, whatever its outcome said; `wait` returns only after the announcement."""
        if status == "completed":
            await self._complete(task, await self._render(task))
        else:
            task.error_code = error_code
            task.error_message = task.outcome.error_message or (MESSAGES.get(error_code) if error_code else None)
            if task.outcome.charge_on_failure and status == "failed":
                self._charge(task)
            task.move(status)
        await self._free_slot(task)
        await self._announce(task, wait=wait)

    async def cancel_later(self, task: Task, delay_s: float) -> None:
        """Cancel the task after a while, unless it ends by itself before."""
        if not await happened_within(task.ended, delay_s):
            await self.finish(task, "cancelled")

    def sign_urls(self, task: Task, expires_at: float) -> None:
        """Give the task result addresses that work until `expires_at` (time.time())."""
        task.urls_expire_at = expires_at
        query = f"token={task.token(expires_at)}&expires={expires_at:.3f}"
        task.video_url = task.outcome.video_url or f"{self._origin}/cdn/{task.id}.mp4?{query}"
        if task.order.return_last_frame:
            task.last_frame_url = f"{self._origin}/cdn/{task.id}.png?{query}"

    async def stop(self) -> None:
        """Give up the announcements under way."""
        for announcement in self._announcements:
            announcement.cancel()
        await asyncio.gather(*self._announcements, return_exceptions=True)

    async def _admit(self, task: Task) -> bool:
        """Wait for a slot under the concurrency limit. False: the task ended meanwhile."""
        if task not in self._admitted:
            async with self._slot_freed:
                await self._slot_freed.wait_for(lambda: task.is_terminal or not self.is_full)
            if not task.is_terminal:
                self._admitted.add(task)
        return not task.is_terminal

    async def _free_slot(self, task: Task) -> None:
        self._admitted.discard(task)
        async with self._slot_freed:
            self._slot_freed.notify_all()

    async def _end_by_outcome(self, task: Task, rendering: "asyncio.Task[Clip]", *, rush: bool) -> None:
        outcome = task.outcome
        if outcome.error_code or outcome.expire:
            await self.finish(task, "failed" if outcome.error_code else "expired", outcome.error_code, wait=rush)
            if outcome.completes_after_s is None:
                return
            await asyncio.sleep(outcome.completes_after_s)
            task.error_code = task.error_message = None
        try:
            clip = await rendering
        except (subprocess.SubprocessError, OSError):
            log.exception("emulator.render_failed")
            await self.finish(task, "failed", "VIDEO_DOWNLOAD_FAILED", wait=rush)
            return
        if task.status in ("processing", "failed", "expired"):
            await self._complete(task, clip)
            await self._free_slot(task)
            await self._announce(task, wait=rush)

    async def _complete(self, task: Task, clip: Clip) -> None:
        if not self._charge(task):
            task.error_code, task.error_message = "CREDIT_DEDUCT_FAILED", MESSAGES["CREDIT_DEDUCT_FAILED"]
            task.move("failed")
            return
        task.clip = clip
        self.sign_urls(task, time.time() + (-1 if task.outcome.url_expired else self.knobs.video_url_lifetime_s))
        task.move("completed")

    def _charge(self, task: Task) -> bool:
        """Deduct the cost once. False: the account has not enough left."""
        cost = task.order.cost if task.outcome.credit_cost is None else task.outcome.credit_cost
        if task.account.remain < cost - task.charged:
            return False
        task.account.used += cost - task.charged
        task.charged = cost
        return True

    async def _render(self, task: Task) -> Clip:
        outcome, order = task.outcome, task.order
        ready = outcome.clip if outcome.clip is not None else self.knobs.fixed_clip
        if ready is not None:
            return Clip(pad(ready, outcome.size_bytes), _plain_frame())
        return await self._studio.render(_spec(task, outcome, f"{order.model} · {order.resolution} · {order.ratio}"))

    async def _announce(self, task: Task, *, wait: bool) -> None:
        if task.callback_url is None or not self.knobs.callbacks.enabled:
            return
        body = self.knobs.callbacks.body
        data = dump_json(task.answer(self.knobs.clock_skew_s)).encode() if body is None else body
        announcement = asyncio.create_task(self._send_notices(task, task.callback_url, data))
        self._announcements.add(announcement)
        announcement.add_done_callback(self._announcements.discard)
        if wait:
            await announcement

    async def _send_notices(self, task: Task, url: str, data: bytes) -> None:
        callbacks = self.knobs.callbacks
        await asyncio.sleep(callbacks.delay_s)
        await asyncio.gather(*(self._send_notice(task, url, data) for _ in range(callbacks.repeat)))

    async def _send_notice(self, task: Task, url: str, data: bytes) -> None:
        for attempt in range(self.knobs.callbacks.retries + 1):
            if attempt:
                await asyncio.sleep(self.knobs.callbacks.retry_delay_s)
            status = await self._post(task, url, data)
            if status is not None and 200 <= status < 300:
                return

    async def _post(self, task: Task, url: str, data: bytes) -> int | None:
        record = CallbackRecord(time.monotonic(), task.id, url, None)
        self.callbacks.append(record)
        del self.callbacks[:-CALLBACKS_KEPT]
        timeout = aiohttp.ClientTimeout(total=CALLBACK_TIMEOUT_S)
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(
                url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                record.status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            record.error = type(error).__name__
        return record.status


def _spec(task: Task, outcome: Outcome, caption: str) -> ClipSpec:
    order, files = task.order, task.account.files
    pictures = (files[item["image_url"]].data for item in order.content if item.get("image_url") in files)
    words = [str(item[item["type"]]) for item in order.content if item["type"] == "sample_id"]
    return ClipSpec(
        prompt=order.prompt or " ".join(words) or "(no text)",
        resolution=order.resolution,
        ratio=order.ratio,
        duration_s=order.duration,
        audio=order.generate_audio,
        caption=f"{caption} · {order.duration} s{' · watermark' if order.watermark else ''}",
        picture=next(pictures, None),
        size_bytes=outcome.size_bytes,
        noise=outcome.noise,
    )


@lru_cache(maxsize=1)
def _plain_frame() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 36), "gray").save(target, "PNG")
    return target.getvalue()
