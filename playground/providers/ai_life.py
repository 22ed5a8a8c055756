"""How a task of the seedance2ai emulator lives: processing, then its result or its failure and refund."""

import asyncio
import io
import logging
import subprocess
import time
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from PIL import Image

from playground.providers.ai_fields import Refused, invalid
from playground.providers.ai_pictures import clip_spec, draw_pictures
from playground.providers.ai_references import Fetcher
from playground.providers.ai_results import sign
from playground.providers.ai_rules import MESSAGES, PictureOrder
from playground.providers.ai_tasks import Knobs, Picture, Task
from playground.providers.base import happened_within
from playground.providers.clips import Clip, ClipStudio
from playground.providers.mp4 import pad

log = logging.getLogger("playground.providers")

DRAWERS_AT_ONCE = 2


@dataclass(slots=True)
class Result:
    """What a task made: a clip, or pictures."""

    clip: Clip | None = None
    pictures: list[Picture] = field(default_factory=list)


class TaskLife:
    """Moves tasks from processing to their end."""

    def __init__(self, knobs: Knobs, fetcher: Fetcher, origin: str) -> None:
        self.knobs = knobs
        self._fetcher = fetcher
        self._origin = origin
        self._studio = ClipStudio()
        self._drawers = asyncio.Semaphore(DRAWERS_AT_ONCE)

    async def run(self, task: Task, *, rush: bool = False) -> None:
        """Live through the whole task; `rush` leaves the waiting out."""
        own = task.outcome.render_s
        render_s = 0.0 if rush else (self.knobs.render_s if own is None else own) / self.knobs.speed
        making = asyncio.create_task(self._make(task))
        try:
            if not await happened_within(task.ended, None if task.outcome.hang else render_s):
                await self._end(task, making)
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    async def finish(self, task: Task, status: str, error_code: str | None) -> None:
        """End the task now, whatever its outcome said."""
        if status == "completed":
            self._complete(task, await self._make(task))
        else:
            await self._fail(task, error_code or "internal_error", task.outcome.error_message)

    def sign_urls(self, task: Task, expires_at: float) -> None:
        """Give the task's results addresses that work until `expires_at` (time.time())."""
        task.urls_expire_at = expires_at
        if task.outcome.no_output:
            return
        if task.clip is None:
            task.output = self._picture_output(task)
            return
        task.output = {"video_url": task.outcome.video_url or sign(self._origin, task, "video.mp4")}
        if task.order.model == "seedance2":
            task.output |= {"last_frame_url": sign(self._origin, task, "last-frame.png"), "seed": task.seed}

    def _picture_output(self, task: Task) -> dict[str, object]:
        names = (f"{number}.{picture.content_type.split('/')[1]}" for number, picture in enumerate(task.pictures, 1))
        urls = [sign(self._origin, task, name) for name in names]
        match self.knobs.picture_output:
            case "image_url":
                return {"image_url": urls[0] if urls else None}
            case "images":
                return {"images": [{"url": url} for url in urls]}
        return {"image_urls": urls}

    async def _end(self, task: Task, making: "asyncio.Task[Result]") -> None:
        outcome = task.outcome
        try:
            if outcome.reference_fails:
                raise invalid("a reference could not be fetched")
            if outcome.error_code:
                await self._fail(task, outcome.error_code, outcome.error_message)
                if outcome.completes_after_s is None:
                    return
                await asyncio.sleep(outcome.completes_after_s)
            result = await making
            if task.status == "processing" or outcome.completes_after_s is not None:
                self._complete(task, result)
        except Refused as refused:
            await self._fail(task, refused.code, refused.message)
        except (subprocess.SubprocessError, OSError):
            log.exception("emulator.render_failed")
            await self._fail(task, "internal_error", None)

    async def _fail(self, task: Task, code: str, message: str | None) -> None:
        if task.is_terminal:
            return
        task.error_code, task.error_message = code, message or MESSAGES.get(code, code)
        credits = task.outcome.credits_refunded
        if not task.outcome.refund_after_s:
            task.refund(task.credits_used if credits is None else credits)
            task.move("failed")
            return
        task.move("failed")
        await asyncio.sleep(task.outcome.refund_after_s)
        task.refund(task.credits_used if credits is None else credits)

    def _complete(self, task: Task, result: Result) -> None:
        task.error_code = task.error_message = None
        task.clip, task.pictures = result.clip, result.pictures
        task.refund(_share(task, result))
        lifetime_s = -1 if task.outcome.url_expired else self.knobs.video_url_lifetime_s
        self.sign_urls(task, time.time() + lifetime_s)
        task.move("completed")

    async def _make(self, task: Task) -> Result:
        order = task.order
        if order.picture_urls and not task.references:
            task.references = await self._fetcher.fetch_all(order.picture_urls, only="image")
        if isinstance(order, PictureOrder):
            async with self._drawers:
                return Result(pictures=await asyncio.to_thread(draw_pictures, task, order, self.knobs.picture_format))
        ready = task.outcome.clip if task.outcome.clip is not None else self.knobs.fixed_clip
        if ready is not None:
            return Result(Clip(pad(ready, task.outcome.size_bytes), _plain_frame()))
        return Result(await self._studio.render(clip_spec(task, order)))


def _share(task: Task, result: Result) -> Decimal:
    """What is refunded of a completed task: the pictures that are missing."""
    if not isinstance(task.order, PictureOrder):
        return Decimal(0)
    missing = task.order.count - len(result.pictures)
    return task.credits_used * missing // task.order.count


@lru_cache(maxsize=1)
def _plain_frame() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 36), "gray").save(target, "PNG")
    return target.getvalue()
