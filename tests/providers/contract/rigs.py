"""Each adapter with its emulator, behind one face, so that one test says the same of all three."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import aiohttp

from bot.addresses import guarded_connector
from bot.domain.requests import Kind, Spec
from bot.ports import Provider, Submission, UploadedReference
from bot.providers.seedance2_movie import Seedance2Movie
from bot.providers.seedance2ai import Seedance2Ai
from bot.providers.seedance_tv import SeedanceTv
from playground.providers import movie_tasks, tv_tasks
from playground.providers import seedance2_movie as movie
from playground.providers import seedance2ai as ai
from playground.providers import seedance_tv as tv
from playground.providers.ai_tasks import Knobs as AiKnobs
from tests.providers.conftest import API_KEY, PATIENT, PROMPT, RecordingRate
from tests.waiting import PATIENCE_S

CLIP = bytes(range(256)) * 40
KEY = "0123456789AB-1"
FIRST_CREDITS = 1000

MOVIE, AI, TV = "seedance2-movie", "seedance2ai", "seedance-tv"
PROVIDERS = (MOVIE, AI, TV)


@dataclass(frozen=True, slots=True)
class Words:
    """What a provider calls what all of them have; codes are those of the emulator's faults."""

    model: str
    resolution: str
    price: Decimal  # of five seconds, in the provider's credits
    done: str
    dead_key: str
    empty: str
    too_fast: str
    wrong: str
    gone: str
    broken: str


WORDS = {
    MOVIE: Words(
        model="seedance2-movie/seedance-2.0",
        resolution="720p",
        price=Decimal(9),
        done="completed",
        dead_key="INVALID_API_KEY",
        empty="INSUFFICIENT_CREDIT",
        too_fast="RATE_LIMIT_EXCEEDED",
        wrong="INVALID_PARAMETER",
        gone="TASK_NOT_FOUND",
        broken="INTERNAL_ERROR",
    ),
    AI: Words(
        model="seedance2ai/seedance2-standard",
        resolution="720p",
        price=Decimal(30),
        done="completed",
        dead_key="unauthorized",
        empty="insufficient_credits",
        too_fast="rate_limited",
        wrong="invalid_request",
        gone="not_found",
        broken="internal_error",
    ),
    TV: Words(
        model="seedance-tv/seedance-2.0",
        resolution="1080p",
        price=Decimal(5),
        done="succeeded",
        dead_key="unauthorized",
        empty="insufficient_credits",
        too_fast="too_many_requests",
        wrong="unprocessable_entity",
        gone="not_found",
        broken="internal_server_error",
    ),
}


@dataclass
class Rig:
    """One adapter, its emulator, and what is common to all."""

    name: str
    adapter: Provider
    emulator: Any
    rate: RecordingRate
    connect: Callable[..., Provider]

    @property
    def words(self) -> Words:
        """What this provider calls things."""
        return WORDS[self.name]

    @property
    def spec(self) -> Spec:
        """A clip of five seconds."""
        return Spec(
            kind=Kind.VIDEO,
            model=self.words.model,
            prompt=PROMPT,
            duration_s=5,
            resolution=self.words.resolution,
            aspect_ratio="16:9",
            audio=False,
            watermark=False,
            seed=1234567,
            is_seed_chosen=False,
        )

    def create(self, *uploads: UploadedReference, key: str = KEY) -> Submission:
        """A create as the bot sends it."""
        made = self.adapter.compose(self.spec, uploads, callback_url=None)
        return replace(made, idempotency_key=key if self.adapter.traits.has_idempotency else None)

    async def submitted(self) -> Any:
        """Send a create and return the provider's task."""
        return self.emulator.tasks[(await self.adapter.submit(self.create())).task_id]

    async def ended(self) -> Any:
        """Send a create and wait for the provider's end of it."""
        task = await self.submitted()
        await asyncio.wait_for(task.ended.wait(), PATIENCE_S)
        return task

    def arrivals(self, route: str = "submit") -> int:
        """How many requests of a route have arrived."""
        return [record.route for record in self.emulator.requests].count(route)

    @property
    def spent(self) -> Decimal:
        """What the account has paid so far."""
        used: Decimal = self.emulator.account.used
        return used

    @property
    def is_untouched(self) -> bool:
        """Whether the provider has no task and has taken no credits."""
        return not self.emulator.tasks and self.spent == 0


async def _start(name: str, credits: int, knobs: dict[str, Any]) -> tuple[Any, str]:
    usual: dict[str, Any] = {"render_s": 0.02, "fixed_clip": CLIP, "rate_limit_per_minute": None, **knobs}
    emulator: Any
    if name == MOVIE:
        quiet = movie_tasks.Callbacks(enabled=False)
        emulator = await movie.Seedance2Movie.start(
            api_key=API_KEY, credits=credits, knobs=movie_tasks.Knobs(callbacks=quiet, **usual)
        )
        return emulator, emulator.origin
    if name == AI:
        emulator = await ai.Seedance2Ai.start(api_key=API_KEY, credits=credits, knobs=AiKnobs(**usual))
        return emulator, emulator.origin
    emulator = await tv.SeedanceTv.start(api_key=API_KEY, credits=credits, knobs=tv_tasks.Knobs(**usual))
    return emulator, emulator.base_url


ADAPTERS: dict[str, Callable[..., Provider]] = {MOVIE: Seedance2Movie, AI: Seedance2Ai, TV: SeedanceTv}


@asynccontextmanager
async def rig_of(name: str, *, credits: int = FIRST_CREDITS, **knobs: Any) -> AsyncIterator[Rig]:
    """An adapter and its emulator, which hurries and has no limit of its rate unless one is asked for."""
    emulator, base_url = await _start(name, credits, knobs)
    rate = RecordingRate()
    connector = guarded_connector(allow_private=True)
    try:
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

            def connect(
                address: str = base_url, api_key: str = API_KEY, timeout: aiohttp.ClientTimeout = PATIENT
            ) -> Provider:
                return ADAPTERS[name](
                    session, base_url=address, api_key=api_key, rate=rate, allow_private_hosts=True, timeout=timeout
                )

            yield Rig(name, connect(), emulator, rate, connect)
    finally:
        await emulator.stop()
