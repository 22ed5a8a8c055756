"""A store, bounded children, sample clips and a small file server with faults."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.addresses import guarded_connector
from bot.media.child import Children
from bot.media.store import LocalStore
from bot.media.videos import Videos
from tests.media.files import make_clip


@dataclass
class FileServer:
    """Serves `files` by path. `breaks` names how many bytes of the next answers to send before the line breaks."""

    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    tag: str | None = '"one"'
    has_ranges: bool = True
    requests: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    base: str = ""

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"{self.base}/{name}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer like object storage does."""
        name = request.path.lstrip("/")
        wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.requests.append((name, wanted, condition))
        if name in self.redirects:
            raise web.HTTPFound(self.redirects[name])
        if name in self.statuses:
            return web.Response(status=self.statuses[name])
        data, headers, status = self.files[name], {"ETag": self.tag} if self.tag else {}, 200
        if wanted and self.has_ranges and condition in (None, self.tag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data, status = data[start:], 206
        headers["Content-Length"] = str(len(data))
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        if self.breaks:
            await response.write(data[: self.breaks.pop(0)])
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(data)
        return response


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    """A file server on this machine."""
    files = FileServer()
    application = web.Application()
    application.router.add_get("/{name:.*}", files.handle)
    async with TestServer(application) as running:
        files.base = str(running.make_url("")).rstrip("/")
        yield files


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that may reach this machine."""
    async with aiohttp.ClientSession(connector=guarded_connector(allow_private=True)) as client:
        yield client


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty store."""
    return LocalStore(tmp_path / "media")


@pytest.fixture
def children() -> Children:
    """The runner of bounded children."""
    return Children()


@pytest.fixture
def videos(children: Children) -> Videos:
    """The bundled ffmpeg."""
    return Videos(children)


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound MP4 of two seconds with metadata."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="session")
def webm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound WebM of one second with metadata."""
    target = tmp_path_factory.mktemp("clips") / "clip.webm"
    return make_clip(target, "-c:v", "libvpx", "-deadline", "realtime", "-an", seconds=1)
