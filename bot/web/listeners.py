"""HTTP listeners with bounds on everything a client may do: lines, headers, slowness."""

import asyncio
import logging
from typing import Any, Final

from aiohttp import web

from bot.web.answers import error_answer

log = logging.getLogger(__name__)

LINE_BYTES_MAX = 8190
HEADERS_MAX = 64
IDLE_TIMEOUT_S = 30.0  # a request's head has to arrive in this time, and the next one's after it
LINGER_S = 2.0
STOP_TIMEOUT_S = 5.0

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

    __slots__ = ()

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
        return await super().finish_response(request, resp, start_time)


class Listener:
    """One application on one address."""

    def __init__(
        self, application: web.Application, host: str, port: int, *, idle_timeout_s: float = IDLE_TIMEOUT_S
    ) -> None:
        """`port` 0 lets the system choose; `port` tells which one after `start`."""
        self._idle_timeout_s = idle_timeout_s
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
        self._server = await loop.create_server(self._connect, self._host, self.port, reuse_address=True)
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
        return _Connection(server, loop=loop, keepalive_timeout=self._idle_timeout_s, **_BOUNDS)


class Listeners:
    """All listeners of a process, started and stopped together."""

    def __init__(self, *, idle_timeout_s: float = IDLE_TIMEOUT_S) -> None:
        """`idle_timeout_s` is how long a connection may stand without a whole request head."""
        self._idle_timeout_s = idle_timeout_s
        self._running: list[Listener] = []

    async def start(self, application: web.Application, host: str, port: int) -> int:
        """Listen with one more application. Returns the port."""
        listener = Listener(application, host, port, idle_timeout_s=self._idle_timeout_s)
        await listener.start()
        self._running.append(listener)
        return listener.port

    async def stop(self) -> None:
        """Stop all, the last started first."""
        while self._running:
            await self._running.pop().stop()
