"""What every provider emulator shares: a loopback server, request records, faults, background tasks."""

import asyncio
import json
import logging
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import Any

from aiohttp import web

from playground.providers.faults import REQUESTS_KEPT, Fault, ProviderFaults, RequestRecord

log = logging.getLogger("playground.providers")

BODY_LIMIT_BYTES = 512 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
GARBAGE = b'{"code":"20\xff\x00['
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST

RECORD: web.RequestKey[RequestRecord] = web.RequestKey("record", RequestRecord)
FAULT: web.RequestKey[Fault] = web.RequestKey("fault", Fault)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def dump_json(value: Any) -> str:
    """Serialise with decimals as JSON numbers, whole ones without a fraction."""
    return json.dumps(value, default=_number, separators=(",", ":"))


def _number(value: Any) -> float | int:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return int(value) if value == value.to_integral_value() else float(value)


async def happened_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait `seconds` (None: for ever), or less if it happens; whether it has."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return event.is_set()
    return True


class Emulator:
    """A provider on 127.0.0.1. A subclass adds routes with `route` and says how errors look in `error_answer`."""

    def __init__(self) -> None:
        self.faults = ProviderFaults()
        self.requests: list[RequestRecord] = []
        self.origin = ""
        self._app = web.Application(middlewares=[self._middleware], client_max_size=BODY_LIMIT_BYTES)
        self._runner: web.AppRunner | None = None
        self._names: dict[Handler, str] = {}
        self._background: set[asyncio.Task[None]] = set()

    def route(self, method: str, path: str, name: str, handler: Handler) -> None:
        """Serve `path`; `name` is what faults and records call the route."""
        self._names[handler] = name
        self._app.router.add_route(method, path, handler)

    def error_answer(self, code: str, message: str = "", *, status: int | None = None) -> web.Response:
        """The provider's own error body for `code`; `status` None means the documented HTTP status."""
        raise NotImplementedError

    async def listen(self, port: int) -> None:
        """Bind to 127.0.0.1:`port` (0: any free one) and set `origin`."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Cancel everything under way and close the port."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background until done or until `stop`; its exception is logged."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("emulator.background_failed", exc_info=error)

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = self._names.get(request.match_info.handler, "unknown")
        record = RequestRecord(
            time.monotonic(), route, request.method, request.path, dict(request.query), dict(request.headers)
        )
        self.requests.append(record)
        if len(self.requests) > REQUESTS_KEPT + 1000:
            del self.requests[:-REQUESTS_KEPT]
        request[RECORD] = record
        fault = self.faults.take(route, request.path_qs)
        if fault is None:
            try:
                answer = await handler(request)
            except web.HTTPException as refusal:  # no such route, or not by this method
                record.status = refusal.status
                raise
        else:
            record.fault = fault.kind
            answer = await self._misbehave(request, handler, fault)
        if request.transport is not None and not request.transport.is_closing():
            record.status = answer.status
        return answer

    async def _misbehave(self, request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
        answer: web.StreamResponse = web.Response(status=500)
        if fault.kind == "cut":
            request[FAULT] = fault
        if fault.works_first:
            answer = await handler(request)
        await asyncio.sleep(fault.delay_s)
        match fault.kind:
            case "delay":
                return answer if fault.after_effect else await handler(request)
            case "lose_answer":
                _close(request, reset=False)
            case "reset_before" | "reset_after":
                _close(request, reset=True)
            case "cut":
                return await self._cut(request, answer, fault)
            case _:
                return self._wrong_answer(fault)
        return answer

    def _wrong_answer(self, fault: Fault) -> web.Response:
        match fault.kind:
            case "error":
                answer = self.error_answer(fault.code, fault.message)
            case "business_error":
                answer = self.error_answer(fault.code, fault.message, status=200)
            case "status":
                answer = self.error_answer(fault.code, fault.message, status=fault.status)
            case "html":
                page = f"<html><body><h1>{fault.status}</h1><hr>proxy</body></html>"
                answer = web.Response(status=fault.status, text=page, content_type="text/html")
            case "garbage":
                answer = web.Response(
                    status=fault.status, body=b'{"code":"20\xff\x00[', content_type="application/json"
                )
            case _:
                answer = web.Response(status=fault.status)
        if fault.retry_after_s is not None:
            answer.headers["Retry-After"] = str(fault.retry_after_s)
        return answer

    async def _cut(self, request: web.Request, answer: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        """Cut a whole answer short; a streamed one was cut by `send_bytes` already."""
        if answer.prepared or not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
            return answer
        headers = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
        return await send_bytes(request, answer.body, status=answer.status, headers=headers)


async def send_bytes(
    request: web.Request, body: bytes | memoryview, *, status: int, headers: dict[str, str]
) -> web.StreamResponse:
    """Stream `body` with its length announced; a waiting `cut` fault breaks the connection in the middle of it."""
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = len(body)
    fault = request.get(FAULT)
    await answer.prepare(request)
    if request.method == "HEAD":
        return answer
    view = memoryview(body)
    end = len(view) if fault is None else min(fault.cut_after_bytes, len(view) - 1)
    for start in range(0, end, CHUNK_BYTES):
        await answer.write(view[start : min(start + CHUNK_BYTES, end)])
    if fault is not None:
        _close(request, reset=False)
        return answer
    await answer.write_eof()
    return answer


def _close(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if not reset:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()
