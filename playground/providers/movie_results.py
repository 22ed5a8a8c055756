"""The seedance2-movie emulator's content network: signed result addresses with range requests."""

import hashlib
import re
from collections.abc import Mapping

from aiohttp import web

from playground.providers.base import send_bytes
from playground.providers.movie_tasks import Task
from playground.providers.results import is_allowed

RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def serve_result(request: web.Request, tasks: Mapping[str, Task], content_type: str) -> web.StreamResponse:
    """Send the clip or the last frame: 404 before there is one, 403 for a wrong or expired token; ranges work."""
    task = tasks.get(request.match_info["task_id"])
    if task is None or task.clip is None:
        return web.Response(status=404, text="Not Found")
    if not is_allowed(request, task.token):
        return web.Response(status=403, text="Forbidden")
    body = task.clip.video if content_type == "video/mp4" else task.clip.last_frame
    headers = {"Content-Type": content_type, "Accept-Ranges": "bytes", "ETag": _etag(body)}
    wanted = RANGE.fullmatch(request.headers.get("Range", ""))
    if wanted is None or wanted[0] == "bytes=-" or request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        return await send_bytes(request, body, status=200, headers=headers)
    first, last = _bounds(wanted, len(body))
    if first > last:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return await send_bytes(request, memoryview(body)[first : last + 1], status=206, headers=headers)


def _bounds(wanted: re.Match[str], size: int) -> tuple[int, int]:
    """First and last byte; first > last when the range cannot be satisfied."""
    if not wanted[1]:
        length = int(wanted[2])
        return (max(0, size - length), size - 1) if length else (1, 0)
    first = int(wanted[1])
    last = min(int(wanted[2]), size - 1) if wanted[2] else size - 1
    return first, last


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body[:4096] + body[-4096:] + str(len(body)).encode(), usedforsecurity=False).hexdigest()}"'
