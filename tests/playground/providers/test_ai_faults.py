"""What can be made to go wrong in the seedance2ai emulator: faults on routes, outcomes of tasks, limits, links."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.playground.providers.ai_api import CLIP, GPT, AiApi, ai_api
from tests.waiting import until


@pytest.fixture
async def api() -> AsyncIterator[AiApi]:
    async with ai_api() as api:
        yield api


@pytest.mark.parametrize("kind", ["lose_answer", "reset_after"])
async def test_a_lost_answer_is_found_again_by_its_key(api: AiApi, kind: Any) -> None:
    """The task exists although the client saw a broken connection; the same key and bytes name it."""
    api.ai.faults.add("submit", kind)

    with pytest.raises(aiohttp.ClientError):
        await api.submit(key="one")
    status, body = await api.submit(key="one")

    assert status == 202
    assert list(api.ai.tasks) == [body["id"]]
    assert api.ai.account.used == 30


async def test_a_reset_before_has_no_effect(api: AiApi) -> None:
    """The connection breaks and no task exists; the same key then makes it."""
    api.ai.faults.add("submit", "reset_before")

    with pytest.raises(aiohttp.ClientError):
        await api.submit(key="one")

    assert not api.ai.tasks
    assert (await api.submit(key="one"))[0] == 202


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_storm_passes(api: AiApi, status: int, after_effect: bool) -> None:
    """Three errors in the documents' shape, then an answer; one task however often the key was sent."""
    api.ai.faults.add("submit", "status", status=status, times=3, after_effect=after_effect)

    answers = [await api.submit(key="one") for _ in range(4)]

    assert [answer[0] for answer in answers] == [status] * 3 + [202]
    assert answers[0][1]["error"]["code"] == {500: "internal_error", 503: "service_busy"}[status]
    assert len(api.ai.tasks) == 1
    assert api.ai.account.used == 30


@pytest.mark.parametrize("route", ["submit", "status", "video", "last_frame", "picture"])
@pytest.mark.parametrize("kind", ["html", "garbage", "empty"])
async def test_every_route_can_answer_nonsense(api: AiApi, route: str, kind: Any) -> None:
    """An HTML page, bytes that are no JSON, or nothing; once."""
    video = (await api.status(await api.ended()))["output"]
    task = await api.ended(GPT)
    picture = (await api.status(task))["output"]["image_urls"][0]
    api.ai.faults.add(route, kind, status=502)
    base = f"{api.ai.origin}/api/v1"
    url = {
        "submit": f"{base}/video/seedance2",
        "status": f"{base}/tasks/{task.id}",
        "video": video["video_url"],
        "last_frame": video["last_frame_url"],
        "picture": picture,
    }[route]
    headers = {"Authorization": f"Bearer {api.ai.api_key}", "Idempotency-Key": "one"}
    asked = {"method": "POST" if route == "submit" else "GET", "url": url, "headers": headers}
    body = {"json": {"prompt": "a cat"}} if route == "submit" else {}

    statuses = []
    for _ in range(2):
        async with api.session.request(**asked, **body) as answer:
            statuses.append(answer.status)

    assert statuses == [502, 202 if route == "submit" else 200]


async def test_a_delay_is_waited_and_then_answered(api: AiApi) -> None:
    """The answer comes late, the task is there before it."""
    api.ai.faults.add("submit", "delay", delay_s=0.2, after_effect=True)
    late = asyncio.create_task(api.submit())
    await until(lambda: bool(api.ai.tasks))

    assert not late.done()
    assert (await late)[0] == 202


async def test_an_unknown_status_word(api: AiApi) -> None:
    """Told while the task runs; it completes as usual."""
    api.ai.next_outcome(status_word="upscaling", hang=True)
    task = await api.submitted()

    assert (await api.status(task))["status"] == "upscaling"
    await api.ai.finish(task.id)
    assert (await api.status(task))["status"] == "completed"


async def test_a_task_vanishes_and_returns(api: AiApi) -> None:
    """Not found twice, then there again."""
    api.ai.next_outcome(vanish_queries=2)
    task = await api.ended()

    statuses = [(await api.call("GET", f"/tasks/{task.id}"))[0] for _ in range(3)]

    assert statuses == [404, 404, 200]


@pytest.mark.parametrize("refund", [0, 12])
async def test_a_refund_may_be_smaller_than_the_charge(api: AiApi, refund: int) -> None:
    """What was not refunded stays paid."""
    api.ai.next_outcome(error_code="invalid_request", credits_refunded=Decimal(refund))
    told = await api.status(await api.ended())

    assert (told["credits_used"], told["credits_refunded"]) == (30, refund)
    assert api.ai.account.used == 30 - refund


async def test_a_refund_may_come_later(api: AiApi) -> None:
    """Failed first, refunded after a while."""
    api.ai.next_outcome(error_code="internal_error", refund_after_s=0.1)
    task = await api.ended()

    assert (await api.status(task))["credits_refunded"] == 0
    await until(lambda: task.credits_refunded == 30)


async def test_the_price_may_differ(api: AiApi) -> None:
    """More or less than the table is told at once, and taken."""
    api.ai.next_outcome(credits_used=Decimal(44))
    _, body = await api.submit()

    assert body["credits_used"] == api.ai.account.used == 44


async def test_a_failed_task_may_complete_after_all(api: AiApi) -> None:
    """Then the refund is taken back."""
    api.ai.next_outcome(error_code="internal_error", completes_after_s=0.05)
    task = await api.ended()
    assert (await api.status(task))["status"] == "failed"

    await until(lambda: task.status == "completed")

    told = await api.status(task)
    assert (told["error"], told["credits_refunded"]) == (None, 0)
    assert api.ai.account.used == 30


async def test_result_links_are_signed_and_expire(api: AiApi) -> None:
    """A link works, without its token not; an expired one is refused until the status is asked with renewal on."""
    good = (await api.status(await api.ended()))["output"]["video_url"]
    api.ai.next_outcome(url_expired=True)
    task = await api.ended()
    bad = (await api.status(task))["output"]["video_url"]

    assert (await api.get(good))[:2] == (200, CLIP)
    assert (await api.get(good.split("?")[0]))[0] == 403
    assert (await api.get(bad))[0] == 403
    api.ai.knobs.renews_urls = True
    assert (await api.get((await api.status(task))["output"]["video_url"]))[0] == 200


async def test_links_live_as_long_as_the_knob_says() -> None:
    """After that they are refused."""
    async with ai_api(video_url_lifetime_s=-1) as api:
        url = (await api.status(await api.ended()))["output"]["video_url"]

        assert (await api.get(url))[0] == 403


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=10-19", 206, CLIP[10:20]),
        ("bytes=10000-", 206, CLIP[10000:]),
        ("bytes=-5", 206, CLIP[-5:]),
        ("bytes=99999-", 416, b""),
    ],
)
async def test_results_can_be_fetched_in_parts(api: AiApi, asked: str, status: int, part: bytes) -> None:
    """Range requests, as for resuming a broken download."""
    url = (await api.status(await api.ended()))["output"]["video_url"]

    assert (await api.get(url, Range=asked))[:2] == (status, part)


async def test_a_download_can_break(api: AiApi) -> None:
    """The connection ends in the middle of the announced length."""
    url = (await api.status(await api.ended()))["output"]["video_url"]
    api.ai.faults.add("video", "cut", cut_after_bytes=100)

    with pytest.raises(aiohttp.ClientPayloadError):
        await api.get(url)


@pytest.mark.parametrize(
    ("outcome", "output"),
    [({"no_output": True}, None), ({"video_url": "https://x.test/a.mp4"}, "https://x.test/a.mp4")],
)
async def test_a_completed_task_may_have_a_strange_output(api: AiApi, outcome: dict[str, Any], output: Any) -> None:
    """None at all, or an address elsewhere."""
    api.ai.next_outcome(**outcome)
    told = await api.status(await api.ended())

    assert told["status"] == "completed"
    assert (told["output"]["video_url"] if output else told["output"]) == output


async def test_too_many_at_a_time_is_busy(api: AiApi) -> None:
    """503 without effect until a task has ended."""
    api.ai.knobs.concurrency_limit = 1
    api.ai.next_outcome(hang=True)
    task = await api.submitted()

    assert (await api.refusal(key="two"))[:2] == (503, "service_busy")
    await api.ai.finish(task.id, "failed", "internal_error")
    assert (await api.submit(key="two"))[0] == 202
    with pytest.raises(ValueError, match="failed already"):
        await api.ai.finish(task.id)


async def test_a_clip_can_be_made_large(api: AiApi) -> None:
    """At least as many bytes as the outcome says."""
    api.ai.next_outcome(size_bytes=300_000)
    url = (await api.status(await api.ended()))["output"]["video_url"]

    assert len((await api.get(url))[1]) == 300_000
