"""The seedance-tv emulator's content network: signed result addresses with range requests."""

import hashlib
import time

from aiohttp import web

from playground.providers.base import send_bytes
from playground.providers.tv_tasks import Task


def sign(origin: str, task: Task) -> str:
    """The address of the clip, good until the task's `urls_expire_at`."""
    expires_at = task.urls_expire_at
    return f"{origin}/cdn/{task.id}.mp4?token={task.token(expires_at)}&expires={expires_at:.3f}"


async def serve_result(request: web.Request, task: Task | None, *, refuses_key: bool) -> web.StreamResponse:
    """Send the clip: 404 before there is one, 403 for a wrong or expired token, 400 with an API key; ranges work."""
    if task is None or task.clip is None:
        return web.Response(status=404, text="Not Found")
    if refuses_key and "Authorization" in request.headers:
        return web.Response(status=400, text="Only one way to authenticate is allowed")
    if not _is_allowed(request, task):
        return web.Response(status=403, text="Forbidden")
    body = task.clip.video
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Content-Type": "video/mp4", "Accept-Ranges": "bytes", "ETag": etag}
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


def _is_allowed(request: web.Request, task: Task) -> bool:
    try:
        expires_at = float(request.query.get("expires", ""))
    except ValueError:
        return False
    return request.query.get("token") == task.token(expires_at) and time.time() < expires_at
