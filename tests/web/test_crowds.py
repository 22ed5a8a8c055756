"""Strangers who open many connections keep no provider's callback out; whoever is being answered is not hung up on."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bot.web.answers import answer, application
from bot.web.listeners import Bounds, Listeners
from tests.waiting import PATIENCE_S
from tests.web.test_public import listening

PLACES = 4
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Guests:
    """Clients of a small listener whose path `/slow` answers when `may_end` is set."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.slow = 0
        self.are_all_slow = asyncio.Event()
        self.port = 0
        self._lines: list[Line] = []

    async def handle_slowly(self, _: web.Request) -> web.Response:
        """Answer late."""
        self.slow += 1
        if self.slow == PLACES:
            self.are_all_slow.set()
        await self.may_end.wait()
        return answer(200, ok=True)

    async def line(self, says: bytes = b"") -> Line:
        """Open a connection that takes little at a time."""
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", self.port))
        made = await asyncio.open_connection(sock=small, limit=1024)
        made[1].write(says)
        self._lines.append(made)
        return made

    def close(self) -> None:
        """Hang up everywhere."""
        for _, writer in self._lines:
            writer.close()


@asynccontextmanager
async def room(bounds: Bounds) -> AsyncIterator[Guests]:
    """A listener with few places."""
    guests, listeners, app = Guests(), Listeners(bounds), application()
    app.router.add_get("/slow", guests.handle_slowly)
    guests.port = await listeners.start(app, "127.0.0.1", 0)
    try:
        yield guests
    finally:
        guests.may_end.set()
        guests.close()
        await listeners.stop()


async def status(line: Line) -> bytes:
    """The first line of the next answer; empty where the other side hung up."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return (await line[0].readline()).strip()
    except ConnectionError:
        return b""


async def test_whoever_was_silent_longest_makes_room() -> None:
    """However many connections say nothing, one that asks is answered."""
    async with room(Bounds(connections=PLACES)) as guests:
        silent = [await guests.line() for _ in range(PLACES)]
        for line in silent[:1]:
            line[1].write(HEALTH)
            assert await status(line) == b"HTTP/1.1 200 OK"
        more = [await guests.line(HEALTH) for _ in range(2)]

        assert [await status(line) for line in more] == [b"HTTP/1.1 200 OK"] * 2
        assert [await status(line) for line in silent[1:3]] == [b"", b""]
        silent[3][1].write(HEALTH)
        assert await status(silent[3]) == b"HTTP/1.1 200 OK"


async def test_whoever_is_being_answered_keeps_the_place() -> None:
    """Where all are, the new one is hung up on; once one is done, there is room again."""
    async with room(Bounds(connections=PLACES)) as guests:
        busy = [await guests.line(HEALTH.replace(b"healthz", b"slow")) for _ in range(PLACES)]
        async with asyncio.timeout(PATIENCE_S):
            await guests.are_all_slow.wait()
        assert await status(await guests.line(HEALTH)) == b""
        guests.may_end.set()

        assert [await status(line) for line in busy] == [b"HTTP/1.1 200 OK"] * PLACES
        assert await status(await guests.line(HEALTH)) == b"HTTP/1.1 200 OK"


async def test_a_client_that_takes_no_answers_is_hung_up_on() -> None:
    """Asking without end and reading nothing holds no place for long."""
    async with room(Bounds(answer_timeout_s=0.05)) as guests:
        _, writer = await guests.line()
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    writer.write(HEALTH * 1000)
                    await writer.drain()


async def test_slow_readers_leave_room_for_callbacks(tmp_path: Path) -> None:
    """Files are sent to some at once; others are asked to come back, and a callback is taken all the same."""
    async with listening(tmp_path, readers_max=1) as rig:
        url = await rig.media("clips/A.mp4", bytes(16 * 1024 * 1024))
        async with rig.session.get(url) as slow:
            async with rig.session.get(url) as other:
                assert (other.status, await other.json()) == (503, {"error": "busy"})
                assert int(other.headers["Retry-After"]) > 0
            assert (await rig.post(rig.callback(), b"{}"))[0] == 200
            assert len(await slow.read()) == 16 * 1024 * 1024

        async with rig.session.get(url, headers={"Range": "bytes=0-4"}) as response:
            assert response.status == 206


def test_connections_leave_files_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems allow a process 256 files, and the database, Discord and clips need theirs."""
    for limit, most in ((256, 128), (1024, 512), (1_000_000, 512), (resource.RLIM_INFINITY, 512)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert Bounds().connections == most
