"""A client that speaks to the seedance-tv emulator as its document says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from playground.providers.seedance_tv import SeedanceTv
from playground.providers.tv_tasks import Knobs, Task
from tests.waiting import PATIENCE_S

CLIP = bytes(range(256)) * 40
SCENES = [
    {"prompt": "Wide shot. A detective under a streetlamp.", "duration_secs": 4},
    {"prompt": "Close-up. The same detective looks up.", "duration_secs": 3},
]


@dataclass
class TvApi:
    """A client of the provider; answers are (HTTP status, body)."""

    tv: SeedanceTv
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any, dict[str, str]]:
        """One request and its answer with the headers. A header of None is left out."""
        headers = {"Authorization": f"Bearer {self.tv.api_key}", **options.pop("headers", {})}
        sent = {name: value for name, value in headers.items() if value is not None}
        async with self.session.request(method, self.tv.base_url + path, headers=sent, **options) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text(), dict(answer.headers)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        status, body, _ = await self.ask(method, path, **options)
        return status, body

    async def submit(self, prompt: str = "a cat", **fields: Any) -> tuple[int, Any]:
        """The least that is taken, and `fields`; with scenes there is no prompt."""
        start = {} if "scenes" in fields else {"prompt": prompt}
        return await self.call("POST", "/videos", json={**start, **fields})

    async def submitted(self, prompt: str = "a cat", **fields: Any) -> Task:
        status, body = await self.submit(prompt, **fields)
        assert status == 202, body
        return self.tv.tasks[body["id"]]

    async def ended(self, prompt: str = "a cat", **fields: Any) -> Task:
        task = await self.submitted(prompt, **fields)
        await asyncio.wait_for(task.ended.wait(), PATIENCE_S)
        return task

    async def status(self, task: Task) -> dict[str, Any]:
        _, body = await self.call("GET", f"/videos/{task.id}")
        told: dict[str, Any] = body
        return told

    async def get(self, url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)


@asynccontextmanager
async def tv_api(credits: int = 1000, **knobs: Any) -> AsyncIterator[TvApi]:
    """An emulator that hurries, and its client."""
    usual: dict[str, Any] = {"render_s": 0.02, "fixed_clip": CLIP, "rate_limit_per_minute": 1000}
    emulator = await SeedanceTv.start(knobs=Knobs(**{**usual, **knobs}), credits=credits)
    try:
        async with aiohttp.ClientSession() as session:
            yield TvApi(emulator, session)
    finally:
        await emulator.stop()
