"""What can be made to go wrong in the seedance-tv emulator: faults on routes, outcomes of tasks, limits, links."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.playground.providers.tv_api import CLIP, TvApi, tv_api
from tests.waiting import PATIENCE_S, until


@pytest.fixture
async def api() -> AsyncIterator[TvApi]:
    async with tv_api() as api:
        yield api


@pytest.mark.parametrize("kind", ["lose_answer", "reset_after"])
async def test_a_lost_answer_leaves_the_task_behind(api: TvApi, kind: Any) -> None:
    """The task exists and is paid although the client saw a broken connection."""
    api.tv.faults.add("submit", kind)

    with pytest.raises(aiohttp.ClientError):
        await api.submit(seed=5)

    assert [task.order.seed for task in api.tv.tasks.values()] == [5]
    assert api.tv.account.used == 5
    assert (api.tv.requests[-1].fault, api.tv.requests[-1].status) == (kind, None)


async def test_a_reset_before_has_no_effect(api: TvApi) -> None:
    """The connection breaks and no task exists; the next request works."""
    api.tv.faults.add("submit", "reset_before")

    with pytest.raises(aiohttp.ClientError):
        await api.submit()

    assert not api.tv.tasks
    assert (await api.submit())[0] == 202


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_storm_passes(api: TvApi, status: int, after_effect: bool) -> None:
    """Three errors, then an answer; each may have made a task of its own."""
    api.tv.faults.add("submit", "status", status=status, times=3, after_effect=after_effect)

    answers = [await api.submit() for _ in range(4)]

    assert [answer[0] for answer in answers] == [status] * 3 + [202]
    assert answers[0][1] == {"error": {500: "Internal Server Error", 503: "Service Unavailable"}[status]}
    assert len(api.tv.tasks) == (4 if after_effect else 1)


@pytest.mark.parametrize("route", ["submit", "status", "styles", "balance", "video"])
@pytest.mark.parametrize("kind", ["html", "garbage", "empty"])
async def test_every_route_can_be_made_to_fail(api: TvApi, route: str, kind: Any) -> None:
    """No JSON on any route, once, with any status."""
    task = await api.ended()
    url = (await api.status(task))["url"]
    method, target = {
        "submit": ("POST", f"{api.tv.base_url}/videos"),
        "status": ("GET", f"{api.tv.base_url}/videos/{task.id}"),
        "styles": ("GET", f"{api.tv.base_url}/styles"),
        "balance": ("GET", f"{api.tv.base_url}/account/balance"),
        "video": ("GET", url),
    }[route]
    api.tv.faults.add(route, kind, status=202)

    async with api.session.request(method, target) as answer:
        assert answer.status == 202
        assert await answer.read() != CLIP
    async with api.session.request(method, target) as answer:
        assert answer.status == (200 if route == "video" else 401)


@pytest.mark.parametrize(
    ("code", "status"), [("unauthorized", 401), ("TOO_MANY_REQUESTS", 429), ("not_found", 404), ("INTERNAL_ERROR", 500)]
)
async def test_each_error_of_the_table_can_be_ordered(api: TvApi, code: str, status: int) -> None:
    """By its message, with Retry-After if wanted."""
    api.tv.faults.add("balance", "error", code=code, retry_after_s=7)

    told, _, headers = await api.ask("GET", "/account/balance")

    assert (told, headers["Retry-After"]) == (status, "7")


async def test_a_delayed_answer_comes_after_its_effect(api: TvApi) -> None:
    """The client gives up waiting, and the task is there."""
    api.tv.faults.add("submit", "delay", delay_s=0.3, after_effect=True)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.submit(), 0.1)

    assert len(api.tv.tasks) == 1


async def test_an_answer_can_be_cut_or_lack_the_id(api: TvApi) -> None:
    """The task exists and the client cannot know which it is."""
    api.tv.next_outcome(no_id=True)
    status, body = await api.submit()
    api.tv.faults.add("submit", "cut", cut_after_bytes=12)

    with pytest.raises(aiohttp.ClientError):
        await api.submit()

    assert (status, body.keys()) == (202, {"status", "created_at"})
    assert len(api.tv.tasks) == 2


async def test_a_task_vanishes_and_returns(api: TvApi) -> None:
    """404 twice, then as if nothing had been."""
    api.tv.next_outcome(vanish_queries=2)
    task = await api.submitted()

    seen = [(await api.call("GET", f"/videos/{task.id}"))[0] for _ in range(3)]

    assert seen == [404, 404, 200]


async def test_an_unknown_status_word_means_nothing_bad(api: TvApi) -> None:
    """The task goes on to its end."""
    api.tv.next_outcome(status_word="upscaling", render_s=0.2)
    task = await api.submitted()
    assert (await api.status(task))["status"] == "upscaling"

    await asyncio.wait_for(task.ended.wait(), PATIENCE_S)

    assert (await api.status(task))["status"] == "succeeded"


async def test_a_failed_task_succeeds_late(api: TvApi) -> None:
    """Failed and given back first, succeeded and paid after all."""
    api.tv.next_outcome(error_code="server_overloaded", completes_after_s=0.05)
    task = await api.ended()
    told, used = await api.status(task), api.tv.account.used

    await until(lambda: task.status == "succeeded")

    assert (told["status"], told["error"], used) == ("failed", "The video could not be generated: server_overloaded", 0)
    assert "error" not in await api.status(task)
    assert api.tv.account.used == 5


async def test_a_failure_may_give_nothing_back(api: TvApi) -> None:
    """The document promises nothing."""
    api.tv.next_outcome(error_code="content_policy", charge_on_failure=True)
    task = await api.ended()

    assert (task.status, api.tv.account.used) == ("failed", Decimal(5))


async def test_a_hanging_task_is_ended_by_hand_once(api: TvApi) -> None:
    """Either way, but not twice."""
    api.tv.next_outcome(hang=True)
    task = await api.submitted()

    await api.tv.finish(task.id, "failed", "content_policy")

    assert (await api.status(task))["status"] == "failed"
    with pytest.raises(ValueError, match="failed already"):
        await api.tv.finish(task.id)


async def test_over_the_concurrency_limit_nothing_is_taken(api: TvApi) -> None:
    """429 although requests are left; there is room again when a task ends."""
    api.tv.knobs.concurrency_limit = 1
    api.tv.next_outcome(hang=True)
    first = await api.submitted()

    status, _, headers = await api.ask("POST", "/videos", json={"prompt": "second"})

    assert (status, headers["Retry-After"]) == (429, "5")
    assert int(headers["X-RateLimit-Remaining"]) > 0
    assert (len(api.tv.tasks), api.tv.account.used) == (1, 5)
    await api.tv.finish(first.id)
    assert (await api.submit())[0] == 202


async def test_a_link_expires_for_good_unless_renewed(api: TvApi) -> None:
    """403 after its time; the same address is told again, or a fresh one if the knob says so."""
    api.tv.next_outcome(url_expired=True)
    task = await api.ended()
    url = (await api.status(task))["url"]

    assert (await api.get(url))[0] == 403
    assert (await api.status(task))["url"] == url
    api.tv.knobs.renews_urls = True
    fresh = (await api.status(task))["url"]
    assert (await api.get(fresh))[:2] == (200, CLIP)
    task.urls_expire_at = time.time() - 1
    assert (await api.get(url))[0] == 403


async def test_a_link_takes_no_key_and_no_other_signature(api: TvApi) -> None:
    """The key is not for the content network; a changed token, time or task is refused."""
    url = (await api.status(await api.ended()))["url"]

    assert (await api.get(url, Authorization=f"Bearer {api.tv.api_key}"))[0] == 400
    assert (await api.get(url.replace("token=", "token=0")))[0] == 403
    assert (await api.get(url.split("?")[0]))[0] == 403
    assert (await api.get(url.replace("vid_", "vid_x")))[0] == 404


async def test_a_success_may_come_without_an_address_or_with_another(api: TvApi) -> None:
    """Both are the provider's mistakes."""
    api.tv.next_outcome(no_url=True)
    api.tv.next_outcome(video_url="http://127.0.0.1:9/elsewhere.mp4")
    told = [await api.status(await api.ended()) for _ in range(2)]

    assert "url" not in told[0]
    assert told[1]["url"] == "http://127.0.0.1:9/elsewhere.mp4"


async def test_a_download_breaks_off_and_can_be_resumed(api: TvApi) -> None:
    """The first bytes arrive, then the connection ends; a range brings the rest."""
    url = (await api.status(await api.ended()))["url"]
    api.tv.faults.add("video", "cut", cut_after_bytes=4000)
    received = b""
    async with api.session.get(url) as answer:
        assert answer.content_length == len(CLIP)
        with pytest.raises(aiohttp.ClientPayloadError):
            while True:
                received += await answer.content.readany()

    status, rest, headers = await api.get(url, Range=f"bytes={len(received)}-")

    assert 0 < len(received) <= 4000
    assert (status, received + rest) == (206, CLIP)
    assert headers["Content-Range"] == f"bytes {len(received)}-{len(CLIP) - 1}/{len(CLIP)}"
    assert (await api.get(url, Range=f"bytes={len(CLIP)}-"))[0] == 416
    assert (await api.get(url, **{"Range": "bytes=5-", "If-Range": '"old"'}))[0] == 200


@pytest.mark.parametrize("options", [{"clip": b"12345"}, {"size_bytes": 50_000}])
async def test_a_clip_can_be_anything_of_any_size(api: TvApi, options: dict[str, Any]) -> None:
    """Given bytes, or grown to a size."""
    api.tv.next_outcome(**options)
    _, body, _ = await api.get((await api.status(await api.ended()))["url"])

    assert body == options["clip"] if "clip" in options else len(body) == options["size_bytes"]
