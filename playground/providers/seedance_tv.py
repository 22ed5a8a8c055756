"""A strict emulator of the Seedance 2.0 API of seedance.tv, on loopback, written from its document.

The rules, and what was decided where the document is silent, are in `tv_rules`; what can be turned is in `Knobs`.
"""

import secrets
import string
import time
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import formatdate
from typing import Any, Self

from aiohttp import web

from playground.providers import tv_answers
from playground.providers.base import RECORD, Emulator, Handler
from playground.providers.tv_answers import balance_body, json_answer, styles_body
from playground.providers.tv_fields import Refused, parse
from playground.providers.tv_life import TaskLife
from playground.providers.tv_results import serve_result
from playground.providers.tv_rules import read_order
from playground.providers.tv_state import describe
from playground.providers.tv_tasks import Account, Knobs, Outcome, Quota, Task

API = "/v2"
ID_CHARACTERS = string.ascii_lowercase + string.digits
DEFAULT_KEY = "playground-tv-key"
DEFAULT_CREDITS = Decimal(10_000)
STATUS_OF = {
    "unauthorized": 401,
    "insufficient_credits": 402,
    "not_found": 404,
    "unprocessable_entity": 422,
    "too_many_requests": 429,
    "internal_error": 500,
    "internal_server_error": 500,
    "service_unavailable": 503,
}


class SeedanceTv(Emulator):
    """The provider on its own port of 127.0.0.1; everything public may be read and turned while it runs."""

    def __init__(self, api_key: str, credits: Decimal, knobs: Knobs) -> None:
        super().__init__()
        self.knobs = knobs
        self.api_key = api_key
        self.accounts = {api_key: Account(api_key, 1, credits)}
        self.tasks: dict[str, Task] = {}
        self.outcomes: deque[Outcome] = deque()
        self._life: TaskLife
        for method, path, name, handler in (
            ("POST", "/videos", "submit", self._submit),
            ("GET", "/videos/{task_id}", "status", self._status),
            ("GET", "/styles", "styles", self._styles),
            ("GET", "/account/balance", "balance", self._balance),
            ("*", "{rest:(/.*)?}", "unknown", self._unknown),
        ):
            self.route(method, API + path, name, self._guarded(handler))
        self.route("GET", "/cdn/{task_id}.mp4", "video", self._video)
        self._app.on_response_prepare.append(self._add_headers)

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
        self._life = TaskLife(self.knobs, self.origin)
        return self

    @property
    def base_url(self) -> str:
        """The address that a client is given in place of https://api.seedance.tv/v2."""
        return self.origin + API

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

    def add_account(self, api_key: str, credits: Decimal | int) -> Account:
        """Accept one more API key, with its own credits, tasks and rate."""
        account = self.accounts[api_key] = Account(api_key, len(self.accounts) + 1, Decimal(credits))
        return account

    def next_outcome(self, **options: Any) -> Outcome:
        """Decide what becomes of the next task that has no outcome yet; `options` are the fields of `Outcome`."""
        outcome = Outcome(**options)
        self.outcomes.append(outcome)
        return outcome

    async def finish(self, task_id: str, status: str = "succeeded", error_code: str | None = None) -> None:
        """End a task now, for instance one that hangs. Raises KeyError for an unknown, ValueError for an ended one."""
        task = self.tasks[task_id]
        if task.is_terminal:
            raise ValueError(f"task is {task.status} already")
        await self._life.finish(task, status, error_code)

    def state(self) -> dict[str, Any]:
        """A JSON-able picture for the page: credits, newest tasks, knobs, waiting faults and outcomes, requests."""
        return describe(self)

    def error_answer(self, code: str, message: str = "", *, status: int | None = None) -> web.Response:
        """The error of a status. The document has no codes; `code` is a message of its table, as `not_found`."""
        return tv_answers.error_answer(
            self.knobs.error_shape, STATUS_OF.get(code.lower(), 500) if status is None else status, message
        )

    def _guarded(self, handler: Handler) -> Handler:
        """Key and rate are checked before the handler, and what it refuses becomes an error body."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            request[RECORD].body = await request.read()
            request[RECORD].size_bytes = len(request[RECORD].body)
            try:
                self._check_rate(self._account_of(request).quota)
                return await handler(request)
            except Refused as refused:
                answer = tv_answers.error_answer(
                    self.knobs.error_shape, refused.status, refused.message, refused.problems
                )
                if refused.retry_after_s is not None and self.knobs.tells_retry_after:
                    answer.headers["Retry-After"] = str(refused.retry_after_s)
                return answer

        return guarded

    def _known_account(self, request: web.Request) -> Account | None:
        """The account whose key comes as "Bearer", a space and the key, unless that expired."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        account = self.accounts.get(key)
        return account if scheme == "Bearer" and account is not None and account.enabled else None

    def _account_of(self, request: web.Request) -> Account:
        account = self._known_account(request)
        if account is None:
            raise Refused(401)
        return account

    def _check_rate(self, quota: Quota) -> None:
        limit = self.knobs.rate_limit_per_minute
        if limit is None:
            return
        quota.renew(self.knobs.rate_window_s)
        if quota.used >= limit:
            quota.block(self.knobs.block_s)
            raise Refused(429, retry_after_s=quota.retry_after_s())
        quota.used += 1

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Tell the rate in "every single API response"; a proxy's page and a result are none."""
        skew_s = self.knobs.clock_skew_s
        if skew_s:
            response.headers["Date"] = formatdate(time.time() + skew_s, usegmt=True)
        limit = self.knobs.rate_limit_per_minute
        is_api = request.path.startswith(API) and response.content_type != "text/html"
        if not is_api or limit is None or not self.knobs.tells_rate_headers:
            return
        account = self._known_account(request)
        quota = Quota() if account is None else account.quota
        quota.renew(self.knobs.rate_window_s)
        response.headers["X-RateLimit-Limit"] = str(limit)
        response.headers["X-RateLimit-Remaining"] = str(max(0, limit - quota.used))
        response.headers["X-RateLimit-Reset"] = str(int(quota.resets_at + skew_s))

    async def _submit(self, request: web.Request) -> web.Response:
        account = self._account_of(request)
        body = await request.read()
        order = read_order(parse(request.content_type, body), self.knobs.limits)
        price = self.knobs.credits_per_s * order.duration
        if account.remain < price:
            raise Refused(self.knobs.no_credits_status)
        limit = self.knobs.concurrency_limit
        running = sum(not task.is_terminal for task in self.tasks.values() if task.account is account)
        if limit is not None and running >= limit:
            raise Refused(429, retry_after_s=self.knobs.concurrency_retry_after_s)
        outcome = self.outcomes.popleft() if self.outcomes else Outcome()
        task = Task(_new_id(), account, order, body, outcome, datetime.now(UTC))
        task.charge(price if outcome.credit_cost is None else outcome.credit_cost)
        self.tasks[task.id] = task
        self.spawn(self._life.run(task))
        return json_answer(task.submit_answer(self.knobs), self.knobs.create_status)

    async def _status(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["task_id"])
        if task is None or task.account is not self._account_of(request):
            raise Refused(404)
        task.status_queries += 1
        if task.outcome.vanish_queries > 0:
            task.outcome.vanish_queries -= 1
            raise Refused(404)
        if self.knobs.renews_urls and task.video_url and task.urls_expire_at <= time.time():
            self._life.sign_url(task, time.time() + self.knobs.video_url_lifetime_s)
        return json_answer(task.answer(self.knobs))

    async def _styles(self, request: web.Request) -> web.Response:
        return json_answer(styles_body(self.knobs.styles_shape, self.knobs.limits.styles))

    async def _balance(self, request: web.Request) -> web.Response:
        return json_answer(balance_body(self.knobs.balance_shape, self._account_of(request).remain))

    async def _unknown(self, request: web.Request) -> web.Response:
        """Neither a list nor a cancel nor anything else is documented: "The requested resource doesn't exist"."""
        raise Refused(404)

    async def _video(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["task_id"])
        return await serve_result(request, task, refuses_key=self.knobs.refuses_key_at_results)


def _new_id() -> str:
    return "vid_" + "".join(secrets.choice(ID_CHARACTERS) for _ in range(12))
