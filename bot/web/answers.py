"""What clients get: JSON, and for errors a word and a status, nothing of the inside."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_WORDS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 408: "too_slow", 413: "too_large"}
#: Goes with every answer, so that aiohttp does not name itself and its version.
SERVER = {"Server": "seedance-bot"}
_SAFE_HEADERS = {**SERVER, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def answer(status: int, **fields: Any) -> web.Response:
    """Make a JSON answer."""
    return web.Response(
        status=status, body=json.dumps(fields).encode(), content_type="application/json", headers=_SAFE_HEADERS
    )


def error_answer(status: int, word: str, **fields: Any) -> web.Response:
    """Make an error answer: `{"error": word}`."""
    return answer(status, error=word, **fields)


def not_found() -> web.Response:
    """Make the one answer for everything that is not there or not for this client."""
    return error_answer(404, "not_found")


@web.middleware
async def plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON; an unexpected one gets a reference that the log has too, without path or body."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        made = error_answer(error.status, _WORDS.get(error.status, "refused"))
        if "Allow" in error.headers:
            made.headers["Allow"] = error.headers["Allow"]
        return made
    except web.RequestPayloadError:
        return error_answer(400, "bad_request")
    except ConnectionError:
        raise  # the client left; aiohttp closes the connection
    except Exception:
        reference = secrets.token_hex(4)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else ""
        log.exception("web.failed", extra={"reference": reference, "route": route})
        return error_answer(500, "internal", reference=reference)


def application() -> web.Application:
    """Make an application with plain errors and `GET /healthz`."""
    app = web.Application(middlewares=[plain_errors])
    app.router.add_get("/healthz", _healthz)
    return app


async def _healthz(_: web.Request) -> web.StreamResponse:
    return answer(200, ok=True)
