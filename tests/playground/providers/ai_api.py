"""A client that speaks to the seedance2ai emulator as the documents say, and a host for references."""

import asyncio
import io
import itertools
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp
import imageio_ffmpeg
from aiohttp import web
from PIL import Image

from playground.providers.ai_tasks import Knobs, Task
from playground.providers.seedance2ai import Seedance2Ai
from tests.waiting import PATIENCE_S

SEEDANCE2 = "/video/seedance2"
SEEDANCE = "/video/seedance"
GPT = "/image/gpt-image-2"
NANO = "/image/nano-banana-pro"
CLIP = bytes(range(256)) * 40
ENOUGH = {
    SEEDANCE2: {"prompt": "a cat"},
    SEEDANCE: {"prompt": "a cat"},
    GPT: {"type": "text-to-image", "prompt": "a cat", "resolution": "1K", "aspectRatio": "1:1"},
    NANO: {"type": "text-to-image", "prompt": "a cat"},
}


@dataclass
class AiApi:
    """A client of the provider; answers are (HTTP status, body)."""

    ai: Seedance2Ai
    session: aiohttp.ClientSession
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any, dict[str, str]]:
        headers = {"Authorization": f"Bearer {self.ai.api_key}", **options.pop("headers", {})}
        url = f"{self.ai.origin}/api/v1{path}"
        async with self.session.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    async def post(self, path: str, body: Any, key: str = "", **headers: str) -> tuple[int, Any]:
        sent = {"Idempotency-Key": key or f"key-{next(self.numbers)}", **headers}
        status, answer, _ = await self.call("POST", path, json=body, headers=sent)
        return status, answer

    async def submit(self, path: str = SEEDANCE2, key: str = "", **fields: Any) -> tuple[int, Any]:
        """The least that the endpoint takes, and `fields`; a field of `...` is left out."""
        body = {name: value for name, value in {**ENOUGH[path], **fields}.items() if value is not ...}
        return await self.post(path, body, key)

    async def submitted(self, path: str = SEEDANCE2, **fields: Any) -> Task:
        status, body = await self.submit(path, **fields)
        assert status == 202, body
        return self.ai.tasks[body["id"]]

    async def ended(self, path: str = SEEDANCE2, **fields: Any) -> Task:
        task = await self.submitted(path, **fields)
        await asyncio.wait_for(task.ended.wait(), PATIENCE_S)
        return task

    async def status(self, task: Task) -> dict[str, Any]:
        _, body, _ = await self.call("GET", f"/tasks/{task.id}")
        told: dict[str, Any] = body
        return told

    async def refusal(self, path: str = SEEDANCE2, **fields: Any) -> tuple[int, str, str]:
        """HTTP status, code and message of a submission that must be refused."""
        status, body = await self.submit(path, **fields)
        assert body.keys() == {"error"}, body
        assert body["error"].keys() == {"code", "message"}
        return status, body["error"]["code"], body["error"]["message"]

    async def get(self, url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)


@asynccontextmanager
async def ai_api(credits: int = 1000, **knobs: Any) -> AsyncIterator[AiApi]:
    """An emulator that hurries, without a rate limit unless one is asked for, and its client."""
    usual: dict[str, Any] = {"render_s": 0.02, "fixed_clip": CLIP, "rate_limit_per_minute": None}
    emulator = await Seedance2Ai.start(knobs=Knobs(**{**usual, **knobs}), credits=credits)
    try:
        async with aiohttp.ClientSession() as session:
            yield AiApi(emulator, session)
    finally:
        await emulator.stop()


@dataclass
class Host:
    """A bot's media address: serves what is put into `files`, by path."""

    origin: str = ""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)  # set: answers go out

    def put(self, name: str, content_type: str, data: bytes) -> str:
        self.files[name] = (content_type, data)
        return f"{self.origin}/{name}"

    def picture(self, name: str = "a.png", size: tuple[int, int] = (64, 64), kind: str = "PNG") -> str:
        return self.put(name, f"image/{kind.lower()}", picture(size, kind))

    def video(self, name: str = "a.mp4") -> str:
        return self.put(name, "video/mp4", video())

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        await self.held.wait()
        if name not in self.files:
            return web.Response(status=404, body=picture(), content_type="image/png")
        content_type, data = self.files[name]
        return web.Response(body=data, content_type=content_type)


@asynccontextmanager
async def media_host() -> AsyncIterator[Host]:
    """A host on loopback."""
    host = Host()
    host.held.set()
    app = web.Application()
    app.router.add_get("/{name}", host.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield host
    finally:
        await runner.cleanup()


def picture(size: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    """A small real picture."""
    target = io.BytesIO()
    Image.new("RGB", size, "teal").save(target, kind)
    return target.getvalue()


@lru_cache(maxsize=8)
def video(container: str = "mp4") -> bytes:
    """A real H.264 video of 1.5 seconds, 90 x 160; written to a pipe, Matroska has no duration."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        target = ["pipe:1"] if container == "matroska" else ["-y", str(path)]
        source = ["-f", "lavfi", "-i", "color=c=red:s=90x160:r=8:d=1.5", "-pix_fmt", "yuv420p", "-c:v", "libx264"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *source, "-f", container, *target]
        printed = subprocess.run(command, check=True, timeout=30, stdout=subprocess.PIPE).stdout
        return printed or path.read_bytes()
