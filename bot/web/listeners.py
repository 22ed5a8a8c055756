"""HTTP listeners with bounds on everything a client may do: lines, headers, slowness."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.web.answers import error_answer
from bot.web.room import BACKLOG, Room, places

log = logging.getLogger(__name__)

LINE_BYTES_MAX = 8190
HEADERS_MAX = 64
IDLE_TIMEOUT_S = 30.0  # a request's head has to arrive in this time, and the next one's after it
LINGER_S = 2.0
STOP_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 30.0  # a client has to take an answer in this time; files have their own

# aiohttp's access log would write signed paths, so there is none. A packed body reaches the handler as it came: nothing
# of a stranger's is unpacked.
_BOUNDS: Final[dict[str, Any]] = {
    "access_log": None,
    "lingering_time": LINGER_S,
    "max_line_size": LINE_BYTES_MAX,
    "max_field_size": LINE_BYTES_MAX,
    "max_headers": HEADERS_MAX,
    "auto_decompress": False,
}


class _Connection(web.RequestHandler):
    """One connection that answers what is no HTTP with our own JSON instead of the parser's words."""

    __slots__ = ("_answer_timeout_s", "_room")

    def __init__(self, manager: web.Server, room: Room, *, answer_timeout_s: float, **settings: Any) -> None:
        """`room` is where its place is; `settings` are aiohttp's."""
        super().__init__(manager, **settings)
        self._room = room
        self._answer_timeout_s = answer_timeout_s

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered or waits for it."""
        return not self._request_in_progress and not self._messages

    def force_close(self) -> None:
        """Hang up at once, whatever the client has not read yet: waiting for that could take for ever."""
        if self.transport is not None:
            self.transport.abort()
        super().force_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place in the room."""
        super().connection_made(transport)
        self._room.enter(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self._room.leave(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that never reached a handler and close the connection."""
        log.info("web.unreadable_request", extra={"status": status, "kind": type(exc).__name__})
        answer = error_answer(status, "bad_request" if status < 500 else "internal")
        answer.force_close()
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; those that aiohttp makes before any handler is reached (an unknown `Expect`) become ours."""
        if isinstance(resp, web.HTTPException):
            resp = error_answer(resp.status, "refused")
            resp.force_close()
        try:
            async with asyncio.timeout(None if isinstance(resp, web.FileResponse) else self._answer_timeout_s):
                sent = await super().finish_response(request, resp, start_time)
        except TimeoutError as error:
            self.force_close()
            raise ConnectionAbortedError("the client does not take its answers") from error
        self._room.stir(self)
        if self.transport is not None and self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._answer_timeout_s, _end, self.transport)
        return sent


def _end(transport: asyncio.Transport) -> None:
    """Hang up on a client that has still not read what was left for it when its connection was closed."""
    if transport.is_closing():
        transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a listener allows: how long a connection may stand without a whole request head, how long a client may take
    over an answer (but for files), and how many connections there may be at once.
    """

    idle_timeout_s: float = IDLE_TIMEOUT_S
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    connections: int = field(default_factory=places)


class Listener:
    """One application on one address."""

    def __init__(self, application: web.Application, host: str, port: int, bounds: Bounds) -> None:
        """`port` 0 lets the system choose; `port` tells which one after `start`."""
        self._bounds = bounds
        self._room = Room(bounds.connections)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
        self._host = host
        self.port = port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connect, self._host, self.port, reuse_address=True, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no new connections, let running requests end for at most five seconds, close the rest."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _connect(self) -> web.RequestHandler:
        server = self._runner.server
        if server is None:
            raise ConnectionAbortedError("the listener is stopping")
        loop = asyncio.get_running_loop()
        return _Connection(
            server,
            self._room,
            answer_timeout_s=self._bounds.answer_timeout_s,
            loop=loop,
            keepalive_timeout=self._bounds.idle_timeout_s,
            **_BOUNDS,
        )


class Listeners:
    """All listeners of a process, started and stopped together."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        """`bounds` are those of each listener."""
        self._bounds = bounds or Bounds()
        self._running: list[Listener] = []

    async def start(self, application: web.Application, host: str, port: int) -> int:
        """Listen with one more application. Returns the port."""
        listener = Listener(application, host, port, self._bounds)
        await listener.start()
        self._running.append(listener)
        return listener.port

    async def stop(self) -> None:
        """Stop all, the last started first."""
        while self._running:
            await self._running.pop().stop()
