"""A strict emulator of the Seedance 2.0 API of seedance2.movie, on loopback, written from its document.

The rules, and what was decided where the document is silent, are in `movie_rules`.
"""

import json
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import aiohttp
from aiohttp import web

from playground.providers.base import RECORD, Emulator, Handler, dump_json
from playground.providers.movie_life import TaskLife
from playground.providers.movie_results import serve_result
from playground.providers.movie_rules import (
    HTTP_STATUS,
    MESSAGES,
    STATUSES,
    Refused,
    check_upload,
    invalid,
    read_order,
)
from playground.providers.movie_state import describe
from playground.providers.movie_storage import BUCKET_PATH, presign, put_object, safe_name
from playground.providers.movie_tasks import Account, CallbackRecord, Knobs, Outcome, Task

API = "/api/v1/video"
RATE_WINDOW_S = 60.0
PAGE_SIZE_MAX = 100
DEFAULT_KEY = "playground-movie-key"
DEFAULT_CREDITS = Decimal(10_000)


class Seedance2Movie(Emulator):
    """The provider on its own port of 127.0.0.1; everything public may be read and turned while it runs."""

    def __init__(self, api_key: str, credits: Decimal, knobs: Knobs) -> None:
        super().__init__()
        self.knobs = knobs
        self.api_key = api_key
        self.accounts = {api_key: Account(api_key, 1, credits)}
        self.tasks: dict[str, Task] = {}
        self.outcomes: deque[Outcome] = deque()
        self._session: aiohttp.ClientSession
        self._life: TaskLife
        for method, path, name, handler in (
            ("POST", f"{API}/upload/presign", "presign", self._presign),
            ("POST", f"{API}/task", "submit", self._submit),
            ("GET", f"{API}/task/{{task_id}}", "status", self._status),
            ("GET", f"{API}/tasks", "list", self._list),
            ("POST", f"{API}/task/{{task_id}}/cancel", "cancel", self._cancel),
            ("GET", f"{API}/balance", "balance", self._balance),
        ):
            self.route(method, path, name, self._guarded(handler))
        self.route("PUT", BUCKET_PATH + "{path:.+}", "upload", self._upload)
        self.route("GET", "/cdn/{task_id}.mp4", "video", self._video)
        self.route("GET", "/cdn/{task_id}.png", "last_frame", self._last_frame)

    @classmethod
    async def start(
        cls,
        *,
        port: int = 0,
        api_key: str = DEFAULT_KEY,
        credits: Decimal | int = DEFAULT_CREDITS,
        speed: float = 1.0,
        render_s: float = 6.0,
        knobs: Knobs | None = None,
    ) -> Self:
        """Listen on 127.0.0.1:`port` (0: any); `knobs` replaces `speed` and `render_s`. Raises OSError if taken."""
        self = cls(api_key, Decimal(credits), knobs or Knobs(render_s=render_s, speed=speed))
        await self.listen(port)
        self._session = aiohttp.ClientSession()
        self._life = TaskLife(self.knobs, self._session, self.origin)
        return self

    async def stop(self) -> None:
        """End every task under way without a word, and close the port."""
        await super().stop()
        await self._life.stop()
        await self._session.close()

    @property
    def account(self) -> Account:
        """The account of `api_key`."""
        return self.accounts[self.api_key]

    @property
    def render_s(self) -> float:
        """Seconds from submission to the end, before `speed` divides them."""
        return self.knobs.render_s

    @render_s.setter
    def render_s(self, seconds: float) -> None:
        self.knobs.render_s = seconds

    @property
    def callbacks(self) -> list[CallbackRecord]:
        """Every notice sent, oldest first."""
        return self._life.callbacks

    def add_account(self, api_key: str, credits: Decimal | int) -> Account:
        """Accept one more API key, with its own credits, files and tasks."""
        account = Account(api_key, len(self.accounts) + 1, Decimal(credits))
        self.accounts[api_key] = account
        return account

    def next_outcome(self, **options: Any) -> Outcome:
        """Decide what becomes of the next task that has no outcome yet; `options` are the fields of `Outcome`."""
        outcome = Outcome(**options)
        self.outcomes.append(outcome)
        return outcome

    async def finish(self, task_id: str, status: str = "completed", error_code: str | None = None) -> None:
        """End a task now, for instance one that hangs. Raises KeyError for an unknown, ValueError for an ended one."""
        task = self.tasks[task_id]
        if task.is_terminal:
            raise ValueError(f"task is {task.status} already")
        await self._life.finish(task, status, error_code)

    def state(self) -> dict[str, Any]:
        """A JSON-able picture for the page: credits, newest tasks, knobs, waiting faults and outcomes, requests."""
        return describe(self)

    def error_answer(self, code: str, message: str = "", *, status: int | None = None) -> web.Response:
        """The unified error body; without `status` the documented HTTP status, or 200 when the knob says so."""
        if status is None:
            status = 200 if self.knobs.errors_as_http_200 else HTTP_STATUS.get(code, 200)
        return _answer({"code": code, "message": message or MESSAGES.get(code, code)}, status)

    def _guarded(self, handler: Handler) -> Handler:
        """Key and rate are checked before the handler, and what it refuses becomes an error body."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            request[RECORD].body = await request.read()
            request[RECORD].size_bytes = len(request[RECORD].body)
            try:
                self._check_rate(self._account_of(request))
                return await handler(request)
            except Refused as refused:
                answer = self.error_answer(refused.code, refused.message)
                if refused.code == "RATE_LIMIT_EXCEEDED" and self.knobs.tells_retry_after:
                    answer.headers["Retry-After"] = str(self._retry_after_s(self._account_of(request)))
                return answer

        return guarded

    def _account_of(self, request: web.Request) -> Account:
        account = self.accounts.get(request.headers.get("X-API-Key", ""))
        if account is None or not account.enabled:
            raise Refused("INVALID_API_KEY")
        return account

    def _check_rate(self, account: Account) -> None:
        limit = self.knobs.rate_limit_per_minute
        if limit is None:
            return
        now = time.monotonic()
        account.calls = [at for at in account.calls if at > now - RATE_WINDOW_S]
        if len(account.calls) >= limit:
            raise Refused("RATE_LIMIT_EXCEEDED")
        account.calls.append(now)

    def _retry_after_s(self, account: Account) -> int:
        oldest = min(account.calls, default=time.monotonic())
        return max(1, int(oldest + RATE_WINDOW_S - time.monotonic()) + 1)

    async def _presign(self, request: web.Request) -> web.Response:
        account = self._account_of(request)
        filename, content_type = check_upload(request.query.get("filename"), request.query.get("content_type"))
        path = f"api/uploads/{account.number}/{uuid.uuid4()}_{safe_name(filename)}"
        account.promise(path, content_type)
        expires_s = self.knobs.presign_expires_s
        url = presign(self.origin, path, content_type, expires_s)
        return _success({"presigned_url": url, "file_path": path, "expires_in": expires_s})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        return await put_object(request, list(self.accounts.values()))

    async def _submit(self, request: web.Request) -> web.Response:
        account = self._account_of(request)
        body = await request.read()
        order = read_order(_parse(request, body), account.uploaded())
        if account.remain < order.cost:
            raise Refused("INSUFFICIENT_CREDIT")
        is_over = self._life.is_full
        if is_over and not self.knobs.takes_over_limit:
            raise Refused("CONCURRENCY_LIMIT_REACHED")
        now = datetime.now(UTC)
        outcome = self.outcomes.popleft() if self.outcomes else Outcome()
        task = Task(uuid.uuid4().hex, account, order, body, outcome, created_at=now, updated_at=now)
        self.tasks[task.id] = task
        if self.knobs.callbacks.before_answer:
            await self._life.run(task, rush=True)
        else:
            self.spawn(self._life.run(task))
        if is_over:
            raise Refused("CONCURRENCY_LIMIT_REACHED")
        return _success({"task_id": task.id, "status": "pending", "credit_cost": order.cost})

    async def _status(self, request: web.Request) -> web.Response:
        task = self._task_of(request)
        task.status_queries += 1
        if task.outcome.vanish_queries > 0:
            task.outcome.vanish_queries -= 1
            raise Refused("TASK_NOT_FOUND")
        if self.knobs.renews_urls and task.video_url and task.urls_expire_at <= time.time():
            self._life.sign_urls(task, time.time() + self.knobs.video_url_lifetime_s)
        return _success(task.answer(self.knobs.clock_skew_s))

    async def _list(self, request: web.Request) -> web.Response:
        account = self._account_of(request)
        page, page_size = _integer(request, "page", 1), _integer(request, "page_size", 20)
        if page_size > PAGE_SIZE_MAX:
            raise invalid("page_size must be 1-100")
        status = request.query.get("status")
        if status is not None and status not in STATUSES:
            raise invalid(f"status must be one of {', '.join(STATUSES)}")
        mine = [task for task in reversed(self.tasks.values()) if task.account is account and _is_listed(task)]
        found = [task for task in mine if status in (None, task.status)]
        shown = found[(page - 1) * page_size : page * page_size]
        data = [task.answer(self.knobs.clock_skew_s) for task in shown]
        return _success({"data": data, "total": len(found), "page": page, "page_size": page_size})

    async def _cancel(self, request: web.Request) -> web.Response:
        task = self._task_of(request)
        mode = task.outcome.cancel or self.knobs.cancel
        if task.is_terminal or (mode == "refused" and task.status != "pending"):
            raise Refused("TASK_CANCEL_NOT_ALLOWED")
        if mode == "at_once" or task.status == "pending":
            await self._life.finish(task, "cancelled")
        elif mode == "later":
            self.spawn(self._life.cancel_later(task, self.knobs.cancel_delay_s))
        return _success({"task_id": task.id, "status": task.status})

    async def _balance(self, request: web.Request) -> web.Response:
        account = self._account_of(request)
        balance = {"total_credits": account.total, "used_credits": account.used, "remain_credits": account.remain}
        return _success(balance)

    async def _video(self, request: web.Request) -> web.StreamResponse:
        return await serve_result(request, self.tasks, "video/mp4")

    async def _last_frame(self, request: web.Request) -> web.StreamResponse:
        return await serve_result(request, self.tasks, "image/png")

    def _task_of(self, request: web.Request) -> Task:
        task = self.tasks.get(request.match_info["task_id"])
        if task is None or task.account is not self._account_of(request):
            raise Refused("TASK_NOT_FOUND")
        return task


def _answer(body: dict[str, Any], status: int) -> web.Response:
    return web.json_response(body, status=status, dumps=dump_json)


def _success(result: dict[str, Any]) -> web.Response:
    return _answer({"code": "200", "message": "Success", "result": result}, 200)


def _parse(request: web.Request, body: bytes) -> Any:
    if request.content_type != "application/json":
        raise invalid("Content-Type must be application/json")
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise invalid("body is not JSON in UTF-8") from error


def _integer(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise invalid(f"{name} must be an integer of at least 1")
    return int(text)


def _is_listed(task: Task) -> bool:
    return task.outcome.vanish_queries <= 0 and time.monotonic() - task.born >= task.outcome.list_lag_s
