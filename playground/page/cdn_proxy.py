"""The simulated Discord's files under the page's own address, so that one port is all that a browser needs."""

import aiohttp
from aiohttp import web
from yarl import URL

PASSED_ON = ("Range", "If-Range", "If-None-Match", "If-Modified-Since")
PASSED_BACK = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
    "Cache-Control",
)
CHUNK_BYTES = 64 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)


class CdnProxy:
    """GET /cdn/… of the page is GET /cdn/… of the simulated Discord, ranges included."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._session: aiohttp.ClientSession | None = None

    async def run(self, _app: web.Application) -> None:
        """Open the client session; for `on_startup`."""
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, auto_decompress=False)

    async def close(self, _app: web.Application) -> None:
        """Close it; for `on_cleanup`."""
        if self._session is not None:
            await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass the file on; 502 when the simulated Discord does not answer."""
        assert self._session is not None, "handled before start"
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        address = URL(self._origin + request.raw_path, encoded=True)
        try:
            async with self._session.get(address, headers=headers, allow_redirects=False) as answer:
                kept = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
                return await _pass_on(request, answer, web.StreamResponse(status=answer.status, headers=kept))
        except aiohttp.ClientConnectorError:
            return web.Response(status=502, text="The simulated Discord does not answer")


async def _pass_on(
    request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse
) -> web.StreamResponse:
    """Copy the body; a browser that has enough of a clip hangs up in the middle, which is no error."""
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            await response.write(chunk)
    except ConnectionResetError:
        request.protocol.force_close()
    return response
