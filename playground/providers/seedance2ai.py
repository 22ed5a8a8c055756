"""A strict emulator of the public API of seedance2ai.io, on loopback, written from its documents.

The rules, and what was decided where the documents are silent, are in `ai_rules`.
"""

import asyncio
import secrets
import string
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from math import ceil
from typing import Any, Self

import aiohttp
from aiohttp import web

from playground.providers.ai_fields import Refused, parse
from playground.providers.ai_idempotency import Claim, Claims, check_key
from playground.providers.ai_life import TaskLife
from playground.providers.ai_prices import cost
from playground.providers.ai_references import Fetcher
from playground.providers.ai_results import serve_result
from playground.providers.ai_rules import (
    HTTP_STATUS,
    MESSAGES,
    SEEDANCE,
    SEEDANCE2,
    SEEDS,
    Order,
    VideoOrder,
    read_gpt_image,
    read_nano_banana,
    read_video,
)
from playground.providers.ai_state import describe
from playground.providers.ai_tasks import Account, Knobs, Outcome, Reference, Task
from playground.providers.base import RECORD, Emulator, Handler, dump_json

API = "/api/v1"
RATE_WINDOW_S = 60.0
ID_CHARACTERS = string.ascii_lowercase + string.digits
DEFAULT_KEY = "sk_live_playground"
DEFAULT_CREDITS = Decimal(30_000)
CODES = {status: code for code, status in HTTP_STATUS.items()}

Reader = Callable[..., Order]


class Seedance2Ai(Emulator):
    """The provider on its own port of 127.0.0.1; everything public may be read and turned while it runs."""

    def __init__(self, api_key: str, credits: Decimal, knobs: Knobs) -> None:
        super().__init__()
        self.knobs = knobs
        self.api_key = api_key
        self.account = Account(1, credits)
        self.accounts = {api_key: self.account}
        self._accounts_made = 1
        self.tasks: dict[str, Task] = {}
        self.outcomes: deque[Outcome] = deque()
        self._claims = Claims()
        self._session: aiohttp.ClientSession
        self._fetcher: Fetcher
        self._life: TaskLife
        readers: dict[str, Reader] = {
            "/video/seedance2": partial(read_video, model=SEEDANCE2),
            "/video/seedance": partial(read_video, model=SEEDANCE),
            "/image/gpt-image-2": read_gpt_image,
            "/image/nano-banana-pro": read_nano_banana,
        }
        for path, reader in readers.items():
            self.route("POST", API + path, "submit", self._guarded(partial(self._submit, reader=reader)))
        self.route("GET", f"{API}/tasks/{{task_id}}", "status", self._guarded(self._status))
        self.route("GET", "/cdn/{task_id}/video.mp4", "video", self._video)
        self.route("GET", "/cdn/{task_id}/last-frame.png", "last_frame", self._last_frame)
        self.route("GET", r"/cdn/{task_id}/{number:[1-4]}.{ending:png|jpeg|webp}", "picture", self._picture)

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
        self._fetcher = Fetcher(self.knobs, self._session)
        self._life = TaskLife(self.knobs, self._fetcher, self.origin)
        return self

    async def stop(self) -> None:
        """End every task under way without a word, and close the port."""
        await super().stop()
        await self._session.close()

    @property
    def render_s(self) -> float:
        """Seconds from submission to the end, before `speed` divides them."""
        return self.knobs.render_s

    @render_s.setter
    def render_s(self, seconds: float) -> None:
        self.knobs.render_s = seconds

    def add_account(self, api_key: str, credits: Decimal | int) -> Account:
        """Accept one more API key, with its own credits and tasks."""
        self._accounts_made += 1
        account = self.accounts[api_key] = Account(self._accounts_made, Decimal(credits))
        return account

    def add_key(self, api_key: str, account: Account) -> None:
        """Accept one more API key of an account; its tasks, credits and rate are shared."""
        self.accounts[api_key] = account

    def revoke(self, api_key: str) -> None:
        """Accept the key no longer. Raises KeyError for an unknown one."""
        del self.accounts[api_key]

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
        """The documents' error body. Without `code`'s own meaning for `status`, the code that is documented for it."""
        code = code.lower()
        if code == "internal_error" and status is not None:
            code = CODES.get(status, code)
        error = {"error": {"code": code, "message": message or MESSAGES.get(code, code)}}
        return web.json_response(error, status=status or HTTP_STATUS.get(code, 500))

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
                if refused.code == "rate_limited" and self.knobs.tells_retry_after:
                    answer.headers["Retry-After"] = str(_retry_after_s(self._account_of(request)))
                return answer

        return guarded

    def _account_of(self, request: web.Request) -> Account:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        account = self.accounts.get(key)
        if scheme != "Bearer" or account is None:
            raise Refused("unauthorized")
        return account

    def _check_rate(self, account: Account) -> None:
        limit = self.knobs.rate_limit_per_minute
        if limit is None:
            return
        now = time.monotonic()
        account.calls = [at for at in account.calls if at > now - RATE_WINDOW_S]
        if len(account.calls) >= limit:
            raise Refused("rate_limited")
        account.calls.append(now)

    async def _submit(self, request: web.Request, reader: Reader) -> web.Response:
        account = self._account_of(request)
        key = check_key(request.headers.get("Idempotency-Key"))
        body = await request.read()
        claim = self._claims.begin(account.number, key, request.path, body, self.knobs.idempotency_lifetime_s)
        if claim.answer is not None:
            return self._replay(claim)
        try:
            await asyncio.sleep(self.knobs.submit_s)
            order = reader(parse(request.content_type, body), allows_loopback=self.knobs.allows_loopback)
            task = await self._create(account, order, body)
            claim.task_id, claim.status = task.id, 200 if task.is_terminal else 202
            claim.answer = dump_json(task.submit_answer()).encode()
        finally:
            claim.is_running = False
        return _json(claim.answer, claim.status)

    def _replay(self, claim: Claim) -> web.Response:
        """The first answer again, byte for byte. Raises Refused when the knob lets the key rest with its task."""
        assert claim.answer is not None, "only answered claims are replayed"
        task = self.tasks.get(claim.task_id or "")
        if self.knobs.conflict_while_rendering and task is not None and not task.is_terminal:
            raise Refused("idempotency_conflict")
        return _json(claim.answer, claim.status)

    async def _create(self, account: Account, order: Order, body: bytes) -> Task:
        """Fetch what must be probed, take the credits and start the task. Raises Refused, without any effect."""
        at_once = self.knobs.pictures_at_once and (order.model, order.channel) == ("gpt-image-2", "standard")
        references = await self._fetcher.fetch_all(order.media_urls)
        if self.knobs.pictures_fetched_at_submit or at_once:
            references += await self._fetcher.fetch_all(order.picture_urls, only="image")
        price = self._price(order, references)
        if account.remain < price:
            raise Refused("insufficient_credits")
        limit = self.knobs.concurrency_limit
        if limit is not None and sum(not task.is_terminal for task in self.tasks.values()) >= limit:
            raise Refused("service_busy")
        outcome = self.outcomes.popleft() if self.outcomes else Outcome()
        charged = price if outcome.credits_used is None else outcome.credits_used
        now = datetime.now(UTC)
        task = Task(_new_id(), account, order, body, outcome, now, now, charged, _seed_of(order), references)
        account.used += charged
        self.tasks[task.id] = task
        if at_once:
            await self._life.run(task, rush=True)
        else:
            self.spawn(self._life.run(task))
        return task

    def _price(self, order: Order, references: list[Reference]) -> Decimal:
        if not self.knobs.charges_reference_seconds:
            return cost(order)
        return cost(order, [reference.duration_s for reference in references])

    async def _status(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["task_id"])
        if task is None or task.account is not self._account_of(request):
            raise Refused("not_found")
        task.status_queries += 1
        if task.outcome.vanish_queries > 0:
            task.outcome.vanish_queries -= 1
            raise Refused("not_found")
        if self.knobs.renews_urls and task.output and task.urls_expire_at <= time.time():
            self._life.sign_urls(task, time.time() + self.knobs.video_url_lifetime_s)
        return _json(dump_json(task.answer(self.knobs)).encode(), 200)

    async def _video(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["task_id"])
        clip = task.clip if task else None
        return await serve_result(request, task, clip.video if clip else None, "video/mp4")

    async def _last_frame(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["task_id"])
        clip = task.clip if task else None
        return await serve_result(request, task, clip.last_frame if clip else None, "image/png")

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["task_id"])
        number = int(request.match_info["number"])
        picture = task.pictures[number - 1] if task and number <= len(task.pictures) else None
        if picture is None or not picture.content_type.endswith(request.match_info["ending"]):
            return web.Response(status=404, text="Not Found")
        return await serve_result(request, task, picture.data, picture.content_type)


def _new_id() -> str:
    return "sd2_" + "".join(secrets.choice(ID_CHARACTERS) for _ in range(20))


def _seed_of(order: Order) -> int | None:
    """The seed that is told: the member's, a random one, or none where the model takes none."""
    if not isinstance(order, VideoOrder) or not order.takes_seed:
        return None
    return secrets.randbelow(SEEDS[1] + 1) if order.seed in (None, -1) else order.seed


def _retry_after_s(account: Account) -> int:
    oldest = min(account.calls, default=time.monotonic())
    return max(1, ceil(oldest + RATE_WINDOW_S - time.monotonic()))


def _json(body: bytes, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")
