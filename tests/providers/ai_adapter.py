"""The seedance2ai adapter with its emulator, or with a wire that answers anything."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web

from bot.addresses import guarded_connector
from bot.domain.requests import Kind, MediaKind, Spec
from bot.ports import Submission, UploadedReference
from bot.providers.seedance2ai import Seedance2Ai
from playground.providers.ai_tasks import Knobs, Task
from playground.providers.seedance2ai import Seedance2Ai as Emulator
from tests.playground.providers.ai_api import CLIP
from tests.providers.conftest import API_KEY, PATIENT, PROMPT, RecordingRate, Wire

KEY = "0123456789AB-1"
VIDEO = Spec(
    kind=Kind.VIDEO,
    model="seedance2ai/seedance2-standard",
    prompt=PROMPT,
    duration_s=5,
    resolution="720p",
    aspect_ratio="16:9",
    audio=False,
    watermark=False,
    seed=1234567,
    is_seed_chosen=False,
)
PICTURE = replace(
    VIDEO,
    kind=Kind.IMAGE,
    model="seedance2ai/gpt-image-2",
    duration_s=0,
    resolution="1K",
    aspect_ratio="3:2",
    count=2,
)
PREMIUM = replace(PICTURE, model="seedance2ai/nano-banana-pro", count=1, format="jpeg", resolution="2K")


@dataclass
class Rig:
    """An adapter and what it talks to."""

    ai: Seedance2Ai
    emulator: Emulator
    rate: RecordingRate = field(default_factory=RecordingRate)
    observed: list[tuple[str, int]] = field(default_factory=list)

    async def submitted(self, spec: Spec = VIDEO, *uploads: UploadedReference, key: str = KEY) -> Task:
        """Send a create and return the provider's task."""
        receipt = await self.ai.submit(order(self.ai, spec, *uploads, key=key))
        return self.emulator.tasks[receipt.task_id]


def order(ai: Seedance2Ai, spec: Spec = VIDEO, *uploads: UploadedReference, key: str = KEY) -> Submission:
    """A create as the bot sends it."""
    return replace(ai.compose(spec, uploads, callback_url=None), idempotency_key=key)


def sent(ai: Seedance2Ai, spec: Spec = VIDEO, *uploads: UploadedReference) -> tuple[str, dict[str, Any]]:
    """The path and the fields of a create."""
    path, _, body = order(ai, spec, *uploads).body.partition(b"\n")
    return path.decode(), json.loads(body)


def image(role: str, address: str = "https://bot.example/media/a.png") -> UploadedReference:
    """A picture at a link."""
    return UploadedReference(role, MediaKind.IMAGE, address)


def clip(role: str, address: str = "https://bot.example/media/a.mp4") -> UploadedReference:
    """A video at a link."""
    return UploadedReference(role, MediaKind.VIDEO, address, 2.0)


@asynccontextmanager
async def connected(
    origin: str, rate: RecordingRate, observed: list[tuple[str, int]], *, timeout: aiohttp.ClientTimeout = PATIENT
) -> AsyncIterator[Seedance2Ai]:
    """An adapter for an origin."""
    async with aiohttp.ClientSession(
        connector=guarded_connector(allow_private=True), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Seedance2Ai(
            session,
            base_url=origin,
            api_key=API_KEY,
            rate=rate,
            allow_private_hosts=True,
            observe=lambda route, status: observed.append((route, status)),
            timeout=timeout,
        )


@asynccontextmanager
async def rig(credits: int = 1000, **knobs: Any) -> AsyncIterator[Rig]:
    """The adapter and an emulator that hurries, without a rate limit unless one is asked for."""
    usual: dict[str, Any] = {"render_s": 0.02, "fixed_clip": CLIP, "rate_limit_per_minute": None}
    emulator = await Emulator.start(api_key=API_KEY, credits=credits, knobs=Knobs(**{**usual, **knobs}))
    rate, observed = RecordingRate(), list[tuple[str, int]]()
    try:
        async with connected(emulator.origin, rate, observed) as ai:
            yield Rig(ai, emulator, rate, observed)
    finally:
        await emulator.stop()


def unconnected() -> Seedance2Ai:
    """An adapter that only composes; its session is never used."""
    return Seedance2Ai(
        None,  # type: ignore[arg-type]
        base_url="http://127.0.0.1:9",
        api_key=API_KEY,
        rate=RecordingRate(),
        allow_private_hosts=True,
    )


def respond(wire: Wire, body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
    """Make the wire answer everything in one way; bytes go as they are."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=data, headers=headers, content_type="application/json")

    wire.answer = answer
