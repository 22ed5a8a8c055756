"""The operator's listener: readiness with reasons, and metrics."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.web.answers import SERVER, Handler, answer, application
from bot.web.metrics import Metrics

Readiness = Callable[[], Awaitable[Mapping[str, str]]]


def private_app(*, readiness: Readiness, metrics: Metrics) -> web.Application:
    """Build the private application. `readiness` returns what is not ready, by name, with the reason; empty: all is."""
    app = application()
    app.router.add_get("/readyz", _readyz(readiness))
    app.router.add_get("/metrics", _metrics(metrics))
    return app


def _readyz(readiness: Readiness) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        reasons = dict(await readiness())
        return answer(503 if reasons else 200, ready=not reasons, reasons=reasons)

    return handle


def _metrics(metrics: Metrics) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=await metrics.render(), headers={**SERVER, "Content-Type": CONTENT_TYPE_LATEST})

    return handle
