"""The seedance-tv emulator's endpoints, key, rate and answers, as its document has them."""

import time
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.playground.providers.tv_api import CLIP, TvApi, tv_api

RATE_HEADERS = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}


@pytest.fixture
async def api() -> AsyncIterator[TvApi]:
    async with tv_api() as api:
        yield api


async def test_a_submission_is_acknowledged_as_in_the_document(api: TvApi) -> None:
    """id, status and created_at, and nothing else."""
    status, body = await api.submit("A fox", aspect_ratio="16:9", duration_secs=8)

    assert status == 202
    assert body.keys() == {"id", "status", "created_at"}
    assert body["id"].startswith("vid_") and len(body["id"]) == 16
    assert body["status"] == "processing"
    assert datetime.fromisoformat(body["created_at"]).tzinfo is not None


async def test_a_task_runs_to_succeeded_with_a_url(api: TvApi) -> None:
    """There is no url before, and the clip needs no key."""
    api.tv.next_outcome(hang=True)
    task = await api.submitted()
    before = await api.status(task)
    await api.tv.finish(task.id)

    after = await api.status(task)

    assert (before["status"], before.keys()) == ("processing", {"id", "status", "created_at"})
    assert (after["status"], after.keys()) == ("succeeded", {"id", "status", "created_at", "url"})
    assert (await api.get(after["url"]))[:2] == (200, CLIP)


async def test_a_task_that_fails_tells_its_error(api: TvApi) -> None:
    """`error` instead of `url`; the credits come back."""
    api.tv.next_outcome(error_code="content_policy", error_message="The prompt was refused")
    task = await api.ended()

    told = await api.status(task)
    api.tv.knobs.errors_as_objects = True
    told_as_object = await api.status(task)

    assert (told["status"], told["error"], "url" in told) == ("failed", "The prompt was refused", False)
    assert told_as_object["error"] == {"code": "content_policy", "message": "The prompt was refused"}
    assert api.tv.account.used == 0


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", "Bearer wrong", "bearer {key}", "{key}", "Bearer  {key}"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/videos"), ("GET", "/videos/vid_1"), ("GET", "/styles"), ("GET", "/account/balance")],
)
async def test_no_endpoint_answers_without_the_key(api: TvApi, method: str, path: str, sent: str | None) -> None:
    """401 for a key that is missing, wrong or wrongly written."""
    header = sent and sent.format(key=api.tv.api_key)

    assert await api.call(method, path, headers={"Authorization": header}, json={}) == (401, {"error": "Unauthorized"})


async def test_a_key_can_expire(api: TvApi) -> None:
    """401 from then on, and its tasks stay."""
    task = await api.submitted()
    api.tv.account.enabled = False

    assert (await api.call("GET", f"/videos/{task.id}"))[0] == 401


async def test_another_accounts_task_is_not_found(api: TvApi) -> None:
    """404 for it as for one that never was."""
    task = await api.submitted()
    api.tv.add_account("other", 5)

    asked = await api.call("GET", f"/videos/{task.id}", headers={"Authorization": "Bearer other"})

    assert asked == await api.call("GET", "/videos/vid_nothing") == (404, {"error": "Not Found"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/videos"),
        ("GET", "/videos?limit=5"),
        ("DELETE", "/videos/{id}"),
        ("POST", "/videos/{id}/cancel"),
        ("POST", "/styles"),
        ("GET", "/account"),
        ("GET", "/"),
        ("GET", ""),
        ("POST", "/uploads"),
    ],
)
async def test_what_is_not_documented_does_not_exist(api: TvApi, method: str, path: str) -> None:
    """No list, no cancel, no uploads: 404, and the task goes on."""
    api.tv.next_outcome(hang=True)
    task = await api.submitted()

    status, body, headers = await api.ask(method, path.format(id=task.id))

    assert (status, body) == (404, {"error": "Not Found"})
    assert headers.keys() >= RATE_HEADERS
    assert task.status == "processing"


async def test_the_same_body_twice_makes_two_tasks(api: TvApi) -> None:
    """Nothing is idempotent, not even with a key for it."""
    for _ in range(2):
        await api.call("POST", "/videos", json={"prompt": "a cat"}, headers={"Idempotency-Key": "one"})

    assert len(api.tv.tasks) == 2
    assert api.tv.account.used == 10


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_the_status_of_a_submission_can_be_turned(status: int) -> None:
    """The document does not say which of the 2xx it is."""
    async with tv_api(create_status=status) as api:
        assert (await api.submit())[0] == status


async def test_the_balance_follows_what_was_made(api: TvApi) -> None:
    """A credit a second, taken at once."""
    api.tv.next_outcome(credit_cost=Decimal("2.5"))
    await api.submitted(duration_secs=8)
    await api.submitted(scenes=[{"prompt": "a", "duration_secs": 4}, {"prompt": "b", "duration_secs": 3}])

    assert await api.call("GET", "/account/balance") == (200, {"balance": 990.5})


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("balance", {"balance": 7}),
        ("credits", {"credits": 7}),
        ("nested", {"balance": {"credits": 7}}),
        ("text", {"balance": "7.00"}),
    ],
)
async def test_the_balance_has_several_shapes(shape: str, body: Any) -> None:
    """The document does not show one."""
    async with tv_api(credits=7, balance_shape=shape) as api:
        assert (await api.call("GET", "/account/balance"))[1] == body


@pytest.mark.parametrize("status", [402, 403, 422])
async def test_an_empty_account_makes_nothing(status: int) -> None:
    """The error can be turned, as the document has none."""
    async with tv_api(credits=7, no_credits_status=status) as api:
        assert (await api.submit(duration_secs=8))[0] == status
        assert not api.tv.tasks
        assert (await api.submit(duration_secs=7))[0] == 202


async def test_styles_are_listed_in_several_shapes(api: TvApi) -> None:
    """All documented styles are among them."""
    seen = {}
    for shape in ("names", "objects", "array", "data"):
        api.tv.knobs.styles_shape = shape  # type: ignore[assignment]
        seen[shape] = (await api.call("GET", "/styles"))[1]

    assert {"photorealistic", "photorealism", "cinematic", "anime", "cyberpunk"} <= set(seen["array"])
    assert seen["names"] == {"styles": seen["array"]}
    assert [style["id"] for style in seen["objects"]["styles"]] == seen["array"]
    assert seen["data"] == {"data": seen["objects"]["styles"]}


async def test_every_answer_tells_the_rate(api: TvApi) -> None:
    """Successes and errors, injected ones too; the remainder falls by one with each request of the account."""
    api.tv.knobs.rate_limit_per_minute = 10
    seen = []
    for path, key in [("/styles", True), ("/nothing", True), ("/account/balance", True), ("/styles", False)]:
        _, _, headers = await api.ask("GET", path, headers={} if key else {"Authorization": None})
        seen.append(headers)
    api.tv.faults.add("styles", "status", status=500)
    seen.append((await api.ask("GET", "/styles"))[2])

    assert [headers["X-RateLimit-Remaining"] for headers in seen] == ["9", "8", "7", "10", "7"]
    assert {headers["X-RateLimit-Limit"] for headers in seen} == {"10"}
    assert 59 <= int(seen[0]["X-RateLimit-Reset"]) - time.time() <= 61


async def test_over_the_rate_everything_is_429_until_the_reset(api: TvApi) -> None:
    """Retry-After and X-RateLimit-Reset name the same moment; then a new window begins."""
    api.tv.knobs.rate_limit_per_minute = 2
    await api.submit()
    await api.call("GET", "/styles")

    status, body, headers = await api.ask("POST", "/videos", json={"prompt": "one too many"})

    assert (status, body, headers["X-RateLimit-Remaining"]) == (429, {"error": "Too Many Requests"}, "0")
    assert abs(time.time() + int(headers["Retry-After"]) - int(headers["X-RateLimit-Reset"])) <= 1.5
    assert len(api.tv.tasks) == 1
    api.tv.account.quota.resets_at = int(time.time())
    assert (await api.submit())[0] == 202


async def test_going_over_the_limit_can_block_for_longer(api: TvApi) -> None:
    """ "You'll be temporarily blocked": the reset moves, once."""
    api.tv.knobs.rate_limit_per_minute, api.tv.knobs.block_s = 1, 300
    await api.call("GET", "/styles")

    resets_at = int((await api.ask("GET", "/styles"))[2]["X-RateLimit-Reset"])
    api.tv.account.quota.resets_at -= 100
    again_at = int((await api.ask("GET", "/styles"))[2]["X-RateLimit-Reset"])

    assert 298 <= resets_at - time.time() <= 302
    assert again_at == resets_at - 100


async def test_the_rate_headers_can_be_missing(api: TvApi) -> None:
    """Left out on purpose, without a limit, and in a proxy's page; Retry-After too."""
    api.tv.faults.add("styles", "html", status=503)
    pages = [(await api.ask("GET", "/styles"))[2]]
    api.tv.knobs.rate_limit_per_minute = None
    pages.append((await api.ask("GET", "/styles"))[2])
    api.tv.knobs.rate_limit_per_minute = 1
    api.tv.knobs.tells_rate_headers = api.tv.knobs.tells_retry_after = False
    await api.ask("GET", "/styles")
    status, _, headers = await api.ask("GET", "/styles")

    assert status == 429
    assert not any(told.keys() & {*RATE_HEADERS, "Retry-After"} for told in (*pages, headers))


async def test_accounts_have_their_own_rate(api: TvApi) -> None:
    """One that is over its limit does not stop another."""
    api.tv.knobs.rate_limit_per_minute = 1
    api.tv.add_account("other", 5)
    await api.call("GET", "/styles")

    assert (await api.call("GET", "/styles"))[0] == 429
    assert (await api.call("GET", "/styles", headers={"Authorization": "Bearer other"}))[0] == 200


async def test_the_providers_clock_may_be_wrong(api: TvApi) -> None:
    """Date, created_at and X-RateLimit-Reset are off by the same."""
    api.tv.knobs.clock_skew_s = 3600

    _, body, headers = await api.ask("POST", "/videos", json={"prompt": "a cat"})

    created_at = datetime.fromisoformat(body["created_at"]).timestamp()
    assert 3590 <= created_at - time.time() <= 3610
    assert 3590 <= parsedate_to_datetime(headers["Date"]).timestamp() - time.time() <= 3610
    assert 3650 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 3670


async def test_the_pages_picture_is_complete(api: TvApi) -> None:
    """Credits, tasks, waiting faults and outcomes, knobs and requests, without a clip's bytes."""
    await api.ended("a dog", style="anime", seed=7, camera={"zoom": "in"}, motion_level="high")
    api.tv.faults.add("status", "delay", delay_s=1)
    api.tv.next_outcome(clip=b"12345")

    picture = api.tv.state()

    assert picture["credits"] == {"total": 1000, "used": 5, "remain": 995}
    task = picture["tasks"][0]
    assert (task["prompt"], task["size_bytes"], task["camera"]) == ("a dog", len(CLIP), {"zoom": "in"})
    assert (picture["faults"][0]["kind"], picture["outcomes"][0]["clip"]) == ("delay", 5)
    assert picture["knobs"]["fixed_clip"] == len(CLIP)
    assert picture["requests"][0]["route"] == "submit"
