"""The REST side of the wire: authorisation, faults, records, rate-limit headers, and the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import Any

import orjson
from aiohttp import web

from playground.discord import guild_routes, routes  # noqa: F401 - guild_routes registers its routes
from playground.discord.errors import ApiError, GlobalLimit, unauthorized
from playground.discord.faults import DiscordFaults, Fault
from playground.discord.model import Json
from playground.discord.request import REQUEST_READ_MAX, Call, read_body
from playground.discord.world import World, bot_token

log = logging.getLogger(__name__)

PREFIX = "/api/v10"
RECORDS_MAX = 20_000
GENEROUS_LIMIT = 10_000
GLOBAL_MAX = 50
"""Requests a second with the bot's token (topics/rate-limits, Global Rate Limit); interactions are not counted."""


@dataclass
class RequestRecord:
    """One REST request of the bot; `at` is monotonic seconds, `status` 0 when the connection was cut before any effect.

    `lost` says that the effect happened and the answer did not arrive.
    """

    at: float
    method: str
    path: str
    status: int = 0
    json: Any = None
    file_sizes: tuple[int, ...] = ()
    lost: bool = False


class Rest:
    """Answers `/api/v10/…`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.faults = DiscordFaults()
        self.records: deque[RequestRecord] = deque(maxlen=RECORDS_MAX)
        self.gateway_url = ""
        self._counted: deque[float] = deque(maxlen=GLOBAL_MAX)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, from its record to its answer."""
        path = request.path.removeprefix(PREFIX)
        record = RequestRecord(time.monotonic(), request.method, path)
        self.records.append(record)
        fault = self.faults.take(request.method, path)
        try:
            if fault is not None:
                refused = await self._before(request, fault)
                if refused is not None:
                    record.status = fault.status if fault.kind == "status" else 0
                    return refused
            response = await self._answer(request, path, record)
            if fault is not None and fault.kind == "lose_answer":
                record.lost = True
                _cut(request)
            return response
        finally:
            self._world.touch()

    async def _before(self, request: web.Request, fault: Fault) -> web.Response | None:
        """What a fault does before the effect: wait, refuse, or cut the connection."""
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.kind == "status":
            await request.read()
            return _json(fault.status, fault.body(), fault.headers())
        if fault.kind == "reset":
            _cut(request)
            return web.Response(status=500)
        return None

    async def _answer(self, request: web.Request, path: str, record: RequestRecord) -> web.Response:
        headers = _rate_headers(request.method, path)
        try:
            record.status, body = await self._run(request, path, record)
        except ApiError as error:
            record.status, body = error.status, error.body()
            headers |= error.headers()
        return _json(record.status, body, headers)

    async def _run(self, request: web.Request, path: str, record: RequestRecord) -> tuple[int, Any]:
        if path in ("/gateway", "/gateway/bot"):
            return 200, self._gateway(request, path)
        handler, args, needs_token = routes.find(request.method, path)
        if needs_token:
            _authorise(request)
            self._count()
        call = Call(request.method, path, args, dict(request.query))
        call.body, call.uploads = await read_body(request, self._world.settings.request_limit_bytes)
        record.json = call.body
        record.file_sizes = tuple(len(upload.data) for upload in call.uploads)
        try:
            return handler(self._world, call)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("discord.malformed", extra={"method": request.method, "path": path}, exc_info=True)
            raise ApiError(400, 50035, "Invalid Form Body") from error

    def _count(self) -> None:
        """Refuse what is more than `GLOBAL_MAX` in a second; what is refused does not count."""
        now = monotonic()
        if len(self._counted) == GLOBAL_MAX and now - self._counted[0] < 1:
            raise GlobalLimit(1 - (now - self._counted[0]))
        self._counted.append(now)

    def _gateway(self, request: web.Request, path: str) -> Json:
        if path == "/gateway":
            return {"url": self.gateway_url}
        _authorise(request)
        limit = {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1}
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}


def _authorise(request: web.Request) -> None:
    if request.headers.get("Authorization") != f"Bot {bot_token()}":
        raise unauthorized()


def _rate_headers(method: str, path: str) -> dict[str, str]:
    """Generous rate-limit headers, a bucket for each method and first part of the path."""
    kind = path.split("/")[1] if "/" in path else path
    return {
        "X-RateLimit-Limit": str(GENEROUS_LIMIT),
        "X-RateLimit-Remaining": str(GENEROUS_LIMIT - 1),
        "X-RateLimit-Reset": f"{time.time() + 1:.3f}",
        "X-RateLimit-Reset-After": "1.000",
        "X-RateLimit-Bucket": f"{method}-{kind}".lower(),
        "Via": "1.1 google",
    }


def _json(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)


def _cut(request: web.Request) -> None:
    """Close the connection at once, with a reset."""
    if request.transport is not None:
        request.transport.abort()


def application(rest: Rest) -> web.Application:
    """The web application with room for large requests; they are refused by size after reading."""
    app = web.Application(client_max_size=REQUEST_READ_MAX)
    app.router.add_route("*", PREFIX + "/{tail:.*}", rest.handle)
    return app
