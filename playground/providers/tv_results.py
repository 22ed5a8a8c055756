"""The seedance-tv emulator's content network: signed result addresses with range requests."""

from aiohttp import web

from playground.providers.results import is_allowed, send_result
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
    if not is_allowed(request, task.token):
        return web.Response(status=403, text="Forbidden")
    return await send_result(request, task.clip.video, "video/mp4")
