"""The seedance2ai emulator's content network: signed result addresses with range requests."""

from aiohttp import web

from playground.providers.ai_tasks import Task
from playground.providers.results import is_allowed, send_result


def sign(origin: str, task: Task, name: str) -> str:
    """The address of one result file, good until the task's `urls_expire_at`."""
    expires_at = task.urls_expire_at
    return f"{origin}/cdn/{task.id}/{name}?token={task.token(expires_at)}&expires={expires_at:.3f}"


async def serve_result(request: web.Request, task: Task | None, body: bytes | None, kind: str) -> web.StreamResponse:
    """Send a result file: 404 before there is one, 403 for a wrong or expired token; ranges work."""
    if task is None or body is None:
        return web.Response(status=404, text="Not Found")
    if not is_allowed(request, task.token):
        return web.Response(status=403, text="Forbidden")
    return await send_result(request, body, kind)
