"""The seedance2ai emulator's content network: signed result addresses with range requests."""

import hashlib
import time

from aiohttp import web

from playground.providers.ai_tasks import Task
from playground.providers.base import send_bytes


def sign(origin: str, task: Task, name: str) -> str:
    """The address of one result file, good until the task's `urls_expire_at`."""
    expires_at = task.urls_expire_at
    return f"{origin}/cdn/{task.id}/{name}?token={task.token(expires_at)}&expires={expires_at:.3f}"


async def serve_result(request: web.Request, task: Task | None, body: bytes | None, kind: str) -> web.StreamResponse:
    """Send a result file: 404 before there is one, 403 for a wrong or expired token; ranges work."""
    if task is None or body is None:
        return web.Response(status=404, text="Not Found")
    if not _is_allowed(request, task):
        return web.Response(status=403, text="Forbidden")
    headers = {"Content-Type": kind, "Accept-Ranges": "bytes", "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
    try:
        wanted = request.http_range
    except ValueError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    if wanted == slice(None, None, 1) or request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
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
