"""What can be made to go wrong: faults on routes, outcomes of tasks, limits, callbacks."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from playground.providers.movie_tasks import Callbacks
from tests.playground.providers.conftest import CLIP, Api
from tests.waiting import PATIENCE_S, until


class Inbox:
    """A bot's callback address."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.status = 200
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        return web.Response(status=self.status)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    app = web.Application()
    app.router.add_post("/callback", inbox.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
    yield inbox
    await runner.cleanup()


@pytest.mark.parametrize("kind", ["lose_answer", "reset_after"])
async def test_a_lost_answer_leaves_the_task_behind(api: Api, kind: Any) -> None:
    """The task exists although the client saw a broken connection."""
    api.movie.faults.add("submit", kind)

    with pytest.raises(aiohttp.ClientError):
        await api.submit(seed=5)

    assert [task.order.seed for task in api.movie.tasks.values()] == [5]
    assert (api.movie.requests[-1].fault, api.movie.requests[-1].status) == (kind, None)


async def test_a_reset_before_has_no_effect(api: Api) -> None:
    """The connection breaks and no task exists; the next request works."""
    api.movie.faults.add("submit", "reset_before")

    with pytest.raises(aiohttp.ClientError):
        await api.submit()

    assert not api.movie.tasks
    assert (await api.submit())[0] == 200


@pytest.mark.parametrize("route", ["presign", "submit", "status", "list", "cancel", "balance", "upload", "video"])
async def test_every_route_can_be_made_to_fail(api: Api, route: str) -> None:
    """An HTML page with a 502 on any route, once."""
    task = await api.ended()
    url = (await api.status(task))["video_url"]
    granted = await api.presign()
    base = api.movie.origin + "/api/v1/video"
    method, target = {
        "presign": ("POST", f"{base}/upload/presign"),
        "submit": ("POST", f"{base}/task"),
        "status": ("GET", f"{base}/task/{task.id}"),
        "list": ("GET", f"{base}/tasks"),
        "cancel": ("POST", f"{base}/task/{task.id}/cancel"),
        "balance": ("GET", f"{base}/balance"),
        "upload": ("PUT", granted["presigned_url"]),
        "video": ("GET", url),
    }[route]
    api.movie.faults.add(route, "html", status=502)

    for expected in (True, False):
        async with api.session.request(method, target) as answer:
            assert ((answer.status, answer.content_type) == (502, "text/html")) is expected


async def test_answers_can_be_garbage_empty_or_errors_in_200(api: Api) -> None:
    """The answering kinds, with status, code, Retry-After and skipped requests."""
    api.movie.faults.add("submit", "business_error", code="SERVICE_BUSY", skip=1)
    assert (await api.submit())[1]["code"] == "200"
    assert (await api.submit())[1]["code"] == "SERVICE_BUSY"

    api.movie.faults.add("balance", "error", code="RATE_LIMIT_EXCEEDED", retry_after_s=7)
    api.movie.faults.add("balance", "garbage", status=200)
    api.movie.faults.add("balance", "empty", status=204)
    seen = []
    for _ in range(3):
        async with api.session.get(api.movie.origin + "/api/v1/video/balance") as answer:
            seen.append((answer.status, answer.headers.get("Retry-After"), await answer.read()))
    assert (seen[0][:2], seen[1][0], seen[2]) == ((429, "7"), 200, (204, None, b""))
    with pytest.raises(UnicodeDecodeError):
        seen[1][2].decode()


async def test_a_wrong_answer_may_follow_the_effect(api: Api) -> None:
    """A 500 after the task was created."""
    api.movie.faults.add("submit", "status", status=500, after_effect=True)

    assert (await api.submit())[0] == 500
    assert len(api.movie.tasks) == 1


async def test_a_download_breaks_off_and_can_be_resumed(api: Api) -> None:
    """The first bytes arrive, then the connection ends; a range brings the rest."""
    url = (await api.status(await api.ended()))["video_url"]
    api.movie.faults.add("video", "cut", cut_after_bytes=4000)
    received = b""
    async with api.session.get(url) as answer:
        assert answer.content_length == len(CLIP)
        with pytest.raises(aiohttp.ClientPayloadError):
            while True:
                received += await answer.content.readany()

    _, rest, _ = await api.get(url, Range=f"bytes={len(received)}-")

    assert 0 < len(received) <= 4000
    assert received + rest == CLIP


def test_an_unknown_kind_of_fault_is_refused() -> None:
    """A misspelt fault does not pass as one that never happens."""
    from playground.providers.faults import ProviderFaults

    with pytest.raises(ValueError, match="known are"):
        ProviderFaults().add("submit", "explode")  # type: ignore[arg-type]


async def test_outcomes_come_in_order(api: Api) -> None:
    """Failed with a code, expired, another price, bytes that are no clip, a foreign address, then plain success."""
    api.movie.next_outcome(error_code="COPYRIGHT_VIOLATION", charge_on_failure=True)
    api.movie.next_outcome(expire=True)
    api.movie.next_outcome(credit_cost=Decimal("9.75"), clip=b"no clip", size_bytes=50_000)
    api.movie.next_outcome(video_url="http://169.254.169.254/")
    told = [await api.status(await api.ended()) for _ in range(5)]

    assert [task["status"] for task in told] == ["failed", "expired", "completed", "completed", "completed"]
    assert (told[0]["error_code"], told[0]["credit_cost"]) == ("COPYRIGHT_VIOLATION", 9)
    assert told[2]["credit_cost"] == 9.75
    assert len((await api.get(told[2]["video_url"]))[1]) == 50_000
    assert told[3]["video_url"] == "http://169.254.169.254/"


async def test_a_task_hangs_says_unknown_words_and_is_finished_by_hand(api: Api) -> None:
    """Processing under another word until somebody ends it."""
    api.movie.next_outcome(hang=True, status_word="dreaming")
    task = await api.submitted()
    await until(lambda: task.status == "processing")
    assert (await api.status(task))["status"] == "dreaming"

    await api.movie.finish(task.id, "failed", "INTERNAL_ERROR")

    assert (await api.status(task))["error_code"] == "INTERNAL_ERROR"


async def test_a_task_vanishes_and_returns(api: Api) -> None:
    """404 for some queries, missing from the list, then as if nothing had been."""
    api.movie.next_outcome(vanish_queries=2)
    task = await api.ended()

    assert (await api.call("GET", "/tasks"))[1]["result"]["total"] == 0
    codes = [(await api.call("GET", f"/task/{task.id}"))[1]["code"] for _ in range(3)]

    assert codes == ["TASK_NOT_FOUND", "TASK_NOT_FOUND", "200"]
    assert (await api.call("GET", "/tasks"))[1]["result"]["total"] == 1


async def test_a_failed_task_succeeds_late(api: Api) -> None:
    """Failed first, completed and charged after all."""
    api.movie.next_outcome(error_code="INTERNAL_ERROR", completes_after_s=0.05)
    task = await api.ended()
    assert (await api.status(task))["status"] == "failed"

    await until(lambda: task.status == "completed")

    told = await api.status(task)
    assert (told["error_code"], told["credit_cost"]) == (None, 9)
    assert api.movie.account.used == 9


async def test_a_task_that_cannot_be_paid_fails(api: Api) -> None:
    """Credits spent meanwhile: CREDIT_DEDUCT_FAILED and nothing taken."""
    task = await api.submitted()
    api.movie.account.used = Decimal(999)
    await task.ended.wait()

    assert (await api.status(task))["error_code"] == "CREDIT_DEDUCT_FAILED"
    assert api.movie.account.used == 999


@pytest.mark.parametrize(
    ("mode", "told", "end"),
    [("later", "processing", "cancelled"), ("ignored", "processing", "completed"), ("refused", None, "completed")],
)
async def test_cancelling_a_running_task_may_take_time_or_fail(api: Api, mode: Any, told: str | None, end: str) -> None:
    """The provider only attempts it."""
    api.movie.next_outcome(cancel=mode, render_s=0.4)
    api.movie.knobs.cancel_delay_s = 0.01
    task = await api.submitted()
    await until(lambda: task.status == "processing")

    status, body = await api.call("POST", f"/task/{task.id}/cancel")

    assert (status, body.get("result", {}).get("status")) == (400 if told is None else 200, told)
    await task.ended.wait()
    assert task.status == end


@pytest.mark.parametrize("takes", [True, False])
async def test_over_the_limit_the_task_is_queued_or_not_taken(api: Api, takes: bool) -> None:
    """429 either way; a taken one waits for the first to end."""
    api.movie.knobs.concurrency_limit = 1
    api.movie.knobs.takes_over_limit = takes
    api.movie.next_outcome(hang=True)
    first = await api.submitted()

    status, body = await api.submit("second")

    assert (status, body["code"]) == (429, "CONCURRENCY_LIMIT_REACHED")
    assert len(api.movie.tasks) == 1 + takes
    if takes:
        second = list(api.movie.tasks.values())[1]
        await until(lambda: second.status == "queued")
        await api.movie.finish(first.id)
        await asyncio.wait_for(second.ended.wait(), PATIENCE_S)
        assert second.status == "completed"


async def test_the_rate_limit_counts_all_routes(api: Api) -> None:
    """The request over the limit is 429 with Retry-After, unless that is switched off."""
    api.movie.knobs.rate_limit_per_minute = 2
    await api.submit()
    await api.call("GET", "/tasks")
    for tells in (True, False):
        api.movie.knobs.tells_retry_after = tells
        headers = {"X-API-Key": api.key}
        async with api.session.get(api.movie.origin + "/api/v1/video/balance", headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (429, "RATE_LIMIT_EXCEEDED")
            assert ("Retry-After" in answer.headers) is tells


async def test_the_end_is_announced_with_the_task_object(api: Api, inbox: Inbox) -> None:
    """One POST per end, of any kind."""
    done = await api.ended(callback_url=inbox.url)
    api.movie.next_outcome(error_code="PRIVACY_VIOLATION")
    await api.ended(callback_url=inbox.url)
    await until(lambda: len(inbox.bodies) == 2)

    assert inbox.bodies[0] == await api.status(done)
    assert inbox.bodies[1]["error_code"] == "PRIVACY_VIOLATION"
    await until(lambda: [notice.status for notice in api.movie.callbacks] == [200, 200])


@pytest.mark.parametrize(
    ("callbacks", "status", "notices"),
    [
        (Callbacks(enabled=False), 200, 0),
        (Callbacks(repeat=50), 200, 50),
        (Callbacks(delay_s=0.02), 200, 1),
        (Callbacks(retries=2, retry_delay_s=0.01), 500, 3),
        (Callbacks(), 500, 1),
    ],
    ids=["off", "repeated", "delayed", "retried", "not retried"],
)
async def test_callbacks_can_be_turned(api: Api, inbox: Inbox, callbacks: Callbacks, status: int, notices: int) -> None:
    """Off, repeated, delayed, and retried or not after a refusal."""
    api.movie.knobs.callbacks = callbacks
    inbox.status = status
    task = await api.ended(callback_url=inbox.url)

    await until(lambda: len(api.movie.callbacks) == notices and all(note.status for note in api.movie.callbacks))
    assert len(inbox.bodies) == notices
    assert task.status == "completed"


async def test_the_callback_can_come_before_the_submit_answer(api: Api, inbox: Inbox) -> None:
    """The bot hears of a task whose id it does not know yet."""
    api.movie.knobs.callbacks.before_answer = True

    _, body = await api.submit(callback_url=inbox.url)

    assert inbox.bodies[0]["task_id"] == body["result"]["task_id"]
    assert inbox.bodies[0]["status"] == "completed"


async def test_the_pages_picture_is_complete(api: Api) -> None:
    """Credits, tasks, waiting faults and outcomes, knobs and requests, without a clip's bytes."""
    await api.ended("a dog")
    api.movie.faults.add("list", "delay", delay_s=1)
    api.movie.next_outcome(clip=b"12345")

    picture = api.movie.state()

    assert picture["credits"] == {"total": 1000, "used": 9, "remain": 991}
    assert (picture["tasks"][0]["prompt"], picture["tasks"][0]["size_bytes"]) == ("a dog", len(CLIP))
    assert (picture["faults"][0]["kind"], picture["outcomes"][0]["clip"]) == ("delay", 5)
    assert picture["knobs"]["fixed_clip"] == len(CLIP)
    assert picture["requests"][0]["route"] == "submit"
