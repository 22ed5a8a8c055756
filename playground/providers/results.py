"""What the content networks of the emulators share: signed addresses that lapse, and range requests."""

import hashlib
import time
from collections.abc import Callable

from aiohttp import web

from playground.providers.base import send_bytes


def is_allowed(request: web.Request, token: Callable[[float], str]) -> bool:
    """Whether the address is signed for the moment at which it says it expires (time.time()), and has not."""
    try:
        expires_at = float(request.query.get("expires", ""))
    except ValueError:
        return False
    return request.query.get("token") == token(expires_at) and time.time() < expires_at


async def send_result(request: web.Request, body: bytes, content_type: str) -> web.StreamResponse:
    """Send a file or the part of it that is asked for; 416 where there is no such part."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Content-Type": content_type, "Accept-Ranges": "bytes", "ETag": etag}
    try:
        wanted = request.http_range
    except ValueError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    if wanted == slice(None, None, 1) or request.headers.get("If-Range", etag) != etag:
        return await send_bytes(request, body, status=200, headers=headers)
    first, end, _ = wanted.indices(len(body))
    if first >= end:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
    return await send_bytes(request, memoryview(body)[first:end], status=206, headers=headers)
