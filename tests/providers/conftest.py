"""The seedance2-movie adapter against its emulator, and against a wire that answers anything."""

import hashlib
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.addresses import guarded_connector
from bot.domain.requests import Kind, MediaKind, Reference, ReferenceRole, Spec
from bot.providers.seedance2_movie import Seedance2Movie
from playground.providers import Seedance2Movie as Emulator
from playground.providers.movie_tasks import Callbacks, Knobs

API_KEY = "key-that-nobody-may-see"
PROMPT = "A prompt that nobody may see"
#: Tests wait for as long as a stalled machine may need; only where a timeout is the point, answers must come at once.
PATIENT = aiohttp.ClientTimeout(total=120)
HASTY = aiohttp.ClientTimeout(sock_read=0.2)

SPEC = Spec(
    kind=Kind.VIDEO,
    model="seedance2-movie/seedance-2.0-fast",
    prompt=PROMPT,
    duration_s=8,
    resolution="480p",
    aspect_ratio="21:9",
    audio=True,
    watermark=False,
    seed=1234567,
    is_seed_chosen=False,
)


@dataclass(slots=True)
class RecordingRate:
    """A rate budget that lets all through and remembers what it was asked."""

    taken: list[tuple[str, int]] = field(default_factory=list)
    pauses: list[tuple[str, float]] = field(default_factory=list)

    async def take(self, key: str, *, urgency: int) -> None:
        """Let one through."""
        self.taken.append((key, urgency))

    async def pause(self, key: str, seconds: float) -> None:
        """Remember the pause."""
        self.pauses.append((key, seconds))


@pytest.fixture
def rate() -> RecordingRate:
    """The account's rate budget."""
    return RecordingRate()


@pytest.fixture
def observed() -> list[tuple[str, int]]:
    """What the metrics hook was told."""
    return []


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session as the composition root makes it."""
    async with aiohttp.ClientSession(
        connector=guarded_connector(allow_private=True), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """The provider, which renders nothing and sends no callbacks."""
    knobs = Knobs(render_s=0.02, fixed_clip=b"clip", callbacks=Callbacks(enabled=False))
    emulator = await Emulator.start(api_key=API_KEY, knobs=knobs)
    yield emulator
    await emulator.stop()


Connect = Callable[..., Seedance2Movie]


@pytest.fixture
def connect(session: aiohttp.ClientSession, rate: RecordingRate, observed: list[tuple[str, int]]) -> Connect:
    """Make an adapter for an origin."""

    def make(origin: str, timeout: aiohttp.ClientTimeout = PATIENT) -> Seedance2Movie:
        return Seedance2Movie(
            session,
            base_url=origin,
            api_key=API_KEY,
            rate=rate,
            allow_private_hosts=True,
            observe=lambda route, status: observed.append((route, status)),
            timeout=timeout,
            upload_timeout=PATIENT,
        )

    return make


@pytest.fixture
def movie(connect: Connect, emulator: Emulator) -> Seedance2Movie:
    """The adapter, connected to the emulator."""
    return connect(emulator.origin)


@pytest.fixture
def picture(tmp_path: Path) -> tuple[Reference, Path]:
    """A stored picture. Its bytes need not be one: the provider's storage takes anything."""
    data = b"picture " * 20_000
    path = tmp_path / "stored"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    role = ReferenceRole.START_IMAGE
    return Reference(role, MediaKind.IMAGE, "image/png", len(data), digest, key=f"references/{digest}"), path


@pytest.fixture
def clip(picture: tuple[Reference, Path]) -> tuple[Reference, Path]:
    """A stored video."""
    reference, path = picture
    return replace(reference, role=ReferenceRole.REFERENCE, kind=MediaKind.VIDEO, content_type="video/mp4"), path


@dataclass(slots=True)
class Wire:
    """A server that answers every request in one way, and counts them."""

    origin: str
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    requests: list[web.BaseRequest] = field(default_factory=list)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A server whose `answer` a test sets."""

    async def unset(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    wire = Wire("", unset)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        wire.requests.append(request)
        await request.read()
        return await wire.answer(request)  # type: ignore[arg-type]

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    wire.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield wire
    await runner.cleanup()


@pytest.fixture(autouse=True)
def everything_logged() -> Iterator[io.StringIO]:
    """All that any logger says, with every extra field; a test that leaks the key or the prompt fails."""
    text = io.StringIO()

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            fields = {name: value for name, value in vars(record).items() if name != "args"}
            text.write(f"{record.getMessage()} {fields}\n{self.format(record)}\n")

    handler = Everything()
    root = logging.getLogger("bot")
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield text
    root.removeHandler(handler)
    root.setLevel(before)
    for secret in (API_KEY, PROMPT, "X-Amz"):
        assert secret not in text.getvalue()
