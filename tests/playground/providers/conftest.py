"""An emulator that hurries, and a client that speaks to it as the document says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from playground.providers import Seedance2Movie
from playground.providers.movie_tasks import Knobs, Task
from tests.waiting import PATIENCE_S

API = "/api/v1/video"
CLIP = bytes(range(256)) * 40


@dataclass
class Api:
    """A client of the provider; answers are (HTTP status, body)."""

    movie: Seedance2Movie
    session: aiohttp.ClientSession
    key: str

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = {"X-API-Key": self.key, **options.pop("headers", {})}
        async with self.session.request(method, self.movie.origin + API + path, headers=headers, **options) as answer:
            return answer.status, await answer.json()

    async def submit(self, prompt: str = "a cat", **options: Any) -> tuple[int, Any]:
        body = {"content": [{"type": "text", "text": prompt}], **options}
        return await self.call("POST", "/task", json=body)

    async def submitted(self, prompt: str = "a cat", **options: Any) -> Task:
        _, body = await self.submit(prompt, **options)
        return self.movie.tasks[body["result"]["task_id"]]

    async def ended(self, prompt: str = "a cat", **options: Any) -> Task:
        task = await self.submitted(prompt, **options)
        await asyncio.wait_for(task.ended.wait(), PATIENCE_S)
        return task

    async def status(self, task: Task) -> dict[str, Any]:
        _, body = await self.call("GET", f"/task/{task.id}")
        result: dict[str, Any] = body["result"]
        return result

    async def presign(self, filename: str = "scene.png", content_type: str = "image/png") -> dict[str, Any]:
        query = {"filename": filename, "content_type": content_type}
        _, body = await self.call("POST", "/upload/presign", params=query)
        result: dict[str, Any] = body["result"]
        return result

    async def put(self, url: str, data: Any, content_type: str) -> tuple[int, str]:
        async with self.session.put(url, data=data, headers={"Content-Type": content_type}) as answer:
            return answer.status, await answer.text()

    async def upload(self, filename: str = "scene.png", content_type: str = "image/png", data: bytes = b"x") -> str:
        granted = await self.presign(filename, content_type)
        assert (await self.put(granted["presigned_url"], data, content_type))[0] == 200
        return str(granted["file_path"])

    async def get(self, url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)


@pytest.fixture
async def movie() -> AsyncIterator[Seedance2Movie]:
    emulator = await Seedance2Movie.start(knobs=Knobs(render_s=0.02, fixed_clip=CLIP), credits=1000)
    yield emulator
    await emulator.stop()


@pytest.fixture
async def api(movie: Seedance2Movie) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(movie, session, movie.api_key)
