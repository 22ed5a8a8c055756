"""Keys, rate, idempotency, credits, status and errors of the seedance2ai emulator, as its documents say."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from playground.providers.ai_rules import HTTP_STATUS
from tests.playground.providers.ai_api import GPT, NANO, SEEDANCE, SEEDANCE2, AiApi, ai_api

ERRORS = [
    ("unauthorized", 401),
    ("invalid_request", 400),
    ("insufficient_credits", 402),
    ("rate_limited", 429),
    ("idempotency_conflict", 409),
    ("service_busy", 503),
    ("not_found", 404),
    ("internal_error", 500),
]
POSTS = [SEEDANCE2, SEEDANCE, GPT, NANO]


@pytest.fixture
async def api() -> AsyncIterator[AiApi]:
    async with ai_api() as api:
        yield api


async def raw(api: AiApi, body: bytes, key: str, path: str = SEEDANCE2) -> tuple[int, bytes]:
    """Post exact bytes; the exact answer."""
    headers = {"Authorization": f"Bearer {api.ai.api_key}", "Idempotency-Key": key, "Content-Type": "application/json"}
    async with api.session.post(f"{api.ai.origin}/api/v1{path}", data=body, headers=headers) as answer:
        return answer.status, await answer.read()


def test_all_eight_codes_have_their_status() -> None:
    """The table of the documents."""
    assert dict(ERRORS) == HTTP_STATUS


@pytest.mark.parametrize(("code", "status"), ERRORS)
async def test_every_error_has_the_same_shape(api: AiApi, code: str, status: int) -> None:
    """{"error": {"code", "message"}} with the documented HTTP status, for each code."""
    api.ai.faults.add("submit", "error", code=code)

    assert (await api.refusal())[:2] == (status, code)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk_live_other", "Basic {key}", "bearer {key}", "{key}"])
@pytest.mark.parametrize("path", [*POSTS, "/tasks/sd2_x"])
async def test_without_a_good_key_everything_is_unauthorized(api: AiApi, header: str, path: str) -> None:
    """Missing, invalid or in another scheme: 401, before anything else is looked at."""
    headers = {"Authorization": header.format(key=api.ai.api_key)}

    status, body, _ = await api.call("POST" if path in POSTS else "GET", path, headers=headers)

    assert (status, body["error"]["code"]) == (401, "unauthorized")


async def test_a_revoked_key_is_unauthorized(api: AiApi) -> None:
    """A key that worked answers 401 after it was revoked."""
    task = await api.ended()

    api.ai.revoke(api.ai.api_key)

    status, body, _ = await api.call("GET", f"/tasks/{task.id}")
    assert (status, body["error"]["code"]) == (401, "unauthorized")


async def test_a_task_that_does_not_exist_is_not_found(api: AiApi) -> None:
    """With a good key: 404, which proves the key."""
    status, body, _ = await api.call("GET", "/tasks/sd2_nothing")

    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_a_task_belongs_to_the_keys_owner(api: AiApi) -> None:
    """Another account does not find it; another key of the same account does."""
    task = await api.ended()
    api.ai.add_account("sk_live_stranger", 100)
    api.ai.add_key("sk_live_second", api.ai.account)

    answers = [
        (await api.call("GET", f"/tasks/{task.id}", headers={"Authorization": f"Bearer {key}"}))[0]
        for key in ("sk_live_stranger", "sk_live_second")
    ]

    assert answers == [404, 200]


async def test_a_completed_task_has_every_documented_field(api: AiApi) -> None:
    """The status answer has exactly the fields of the example, with times to the millisecond."""
    task = await api.ended(seed=123)

    told = await api.status(task)
    for name in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop(name))
    output = told.pop("output")
    assert output.keys() == {"video_url", "last_frame_url", "seed"}
    assert output["seed"] == 123
    assert told == {
        "id": task.id,
        "status": "completed",
        "model": "seedance2",
        "quality_tier": "standard",
        "channel": "standard",
        "credits_used": 30,
        "credits_refunded": 0,
        "error": None,
    }


async def test_a_running_task_has_no_output(api: AiApi) -> None:
    """Processing, without output and error, and paid already."""
    api.ai.next_outcome(hang=True)
    task = await api.submitted()

    told = await api.status(task)
    assert (told["status"], told["output"], told["error"]) == ("processing", None, None)
    assert api.ai.account.used == 30


async def test_a_failed_task_is_refunded(api: AiApi) -> None:
    """Failed with a code, what was used and that all of it came back."""
    api.ai.next_outcome(error_code="internal_error")
    task = await api.ended()

    told = await api.status(task)
    assert (told["status"], told["output"]) == ("failed", None)
    assert told["error"] == {"code": "internal_error", "message": "Unexpected server-side failure."}
    assert (told["credits_used"], told["credits_refunded"]) == (30, 30)
    assert api.ai.account.remain == 1000


@pytest.mark.parametrize(
    ("fields", "seed"), [({}, int), ({"seed": -1}, int), ({"quality_tier": "mini"}, None), ({"channel": "real"}, None)]
)
async def test_the_seed_is_told_where_there_is_one(api: AiApi, fields: dict[str, Any], seed: type | None) -> None:
    """A random one is told as it was drawn; mini and real have none."""
    told = (await api.status(await api.ended(**fields)))["output"]["seed"]

    assert told is None if seed is None else type(told) is int and told >= 0


async def test_an_empty_account_is_told_so() -> None:
    """402 without effect; after topping up, the same key and body work."""
    async with ai_api(credits=29) as api:
        status, code, _ = await api.refusal(key="one")
        assert (status, code) == (402, "insufficient_credits")
        assert not api.ai.tasks

        api.ai.account.total += 1

        assert (await api.submit(key="one"))[0] == 202
        assert api.ai.account.remain == 0


@pytest.mark.parametrize("path", POSTS)
async def test_a_post_needs_an_idempotency_key(api: AiApi, path: str) -> None:
    """Without the header, or with one that is no plain id: 400."""
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "a b"}, {"Idempotency-Key": "a" * 256}):
        status, body, _ = await api.call("POST", path, json={"prompt": "a cat"}, headers=headers)
        assert (status, body["error"]["code"]) == (400, "invalid_request")
        assert "Idempotency-Key" in body["error"]["message"]


async def test_the_same_key_and_bytes_give_the_same_answer(api: AiApi) -> None:
    """Byte for byte, even after the end; one task, one charge."""
    first = await raw(api, b'{"prompt":"a cat"}', "one")
    await next(iter(api.ai.tasks.values())).ended.wait()

    again = await raw(api, b'{"prompt":"a cat"}', "one")

    assert first[0] == 202
    assert again == first
    assert len(api.ai.tasks) == 1
    assert api.ai.account.used == 30


@pytest.mark.parametrize(
    ("body", "path"),
    [(b'{"prompt":"a dog"}', SEEDANCE2), (b'{"prompt": "a cat"}', SEEDANCE2), (b'{"prompt":"a cat"}', SEEDANCE)],
)
async def test_another_body_under_the_same_key_is_a_conflict(api: AiApi, body: bytes, path: str) -> None:
    """Another prompt, another blank, another endpoint: 409, and nothing is made."""
    await raw(api, b'{"prompt":"a cat"}', "one")

    status, answer = await raw(api, body, "one", path)

    assert status == 409
    assert b"idempotency_conflict" in answer
    assert len(api.ai.tasks) == 1


async def test_a_key_is_a_conflict_while_its_request_is_under_way() -> None:
    """409 while the first one is not answered; then its answer."""
    async with ai_api(submit_s=0.2) as api:
        first = asyncio.create_task(raw(api, b'{"prompt":"a cat"}', "one"))
        await asyncio.sleep(0.05)

        status, answer = await raw(api, b'{"prompt":"a cat"}', "one")

        assert (status, b"idempotency_conflict" in answer) == (409, True)
        answered = await first
        assert answered[0] == 202
        assert await raw(api, b'{"prompt":"a cat"}', "one") == answered
        assert len(api.ai.tasks) == 1


async def test_a_key_may_rest_with_its_task() -> None:
    """The other reading of "still running": 409 until the task has ended."""
    async with ai_api(conflict_while_rendering=True) as api:
        api.ai.next_outcome(hang=True)
        first = await raw(api, b'{"prompt":"a cat"}', "one")

        assert (await raw(api, b'{"prompt":"a cat"}', "one"))[0] == 409
        await api.ai.finish(next(iter(api.ai.tasks)))
        assert await raw(api, b'{"prompt":"a cat"}', "one") == first


async def test_a_refused_request_is_done_again_but_keeps_its_body(api: AiApi) -> None:
    """A busy provider is asked again with the same key; other bytes under it are a conflict."""
    api.ai.knobs.concurrency_limit = 0
    assert (await api.refusal(key="one"))[:2] == (503, "service_busy")
    api.ai.knobs.concurrency_limit = None

    assert (await api.refusal(key="one", duration="6"))[:2] == (409, "idempotency_conflict")
    assert (await api.submit(key="one"))[0] == 202


async def test_keys_are_forgotten_after_their_lifetime(api: AiApi) -> None:
    """Later the same key makes a second task."""
    api.ai.knobs.idempotency_lifetime_s = 0

    ids = {(await api.submit(key="one"))[1]["id"] for _ in range(2)}

    assert len(ids) == 2


async def test_keys_of_accounts_do_not_meet(api: AiApi) -> None:
    """Another account may use the same key for something else."""
    api.ai.add_account("sk_live_stranger", 100)
    await api.submit(key="one")

    status, _ = await api.post(SEEDANCE2, {"prompt": "a dog"}, "one", Authorization="Bearer sk_live_stranger")

    assert status == 202


async def test_thirty_requests_a_minute_and_no_more() -> None:
    """The 31st of an account, by whatever key and endpoint, is told when to come back; others are not concerned."""
    async with ai_api(rate_limit_per_minute=30) as api:
        api.ai.add_key("sk_live_second", api.ai.account)
        api.ai.add_account("sk_live_stranger", 100)
        second = {"Authorization": "Bearer sk_live_second"}
        for _ in range(15):
            assert (await api.submit())[0] == 202
            assert (await api.call("GET", "/tasks/sd2_none", headers=second))[0] == 404

        status, body, headers = await api.call("GET", "/tasks/sd2_none")

        assert (status, body["error"]["code"]) == (429, "rate_limited")
        assert 1 <= int(headers["Retry-After"]) <= 60
        assert (await api.refusal())[:2] == (429, "rate_limited")
        stranger = {"Authorization": "Bearer sk_live_stranger"}
        assert (await api.call("GET", "/tasks/sd2_none", headers=stranger))[0] == 404


async def test_room_comes_back_when_the_window_has_passed() -> None:
    """Sixty seconds after the first request there is room for one more."""
    async with ai_api(rate_limit_per_minute=1) as api:
        assert (await api.submit())[0] == 202
        assert (await api.submit(key="two"))[0] == 429
        api.ai.account.calls[0] -= 60

        assert (await api.submit(key="two", duration="6"))[0] == 202


async def test_the_older_document_names_no_retry_after() -> None:
    """With the knob off, 429 comes without the header."""
    async with ai_api(rate_limit_per_minute=0, tells_retry_after=False) as api:
        status, _, headers = await api.call("GET", "/tasks/sd2_none")

    assert status == 429
    assert "Retry-After" not in headers


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b'"a"', b"null", b'{"prompt":"\xff\xff\xff"}'),
        *(b'{"prompt":"a cat","prompt":"a dog"}', b'{"prompt":"a cat","seed":NaN}'),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(api: AiApi, body: bytes) -> None:
    """400 for every kind of nonsense."""
    status, answer = await raw(api, body, "one")

    assert status == 400
    assert b"invalid_request" in answer


async def test_the_content_type_must_be_json(api: AiApi) -> None:
    """A form or plain text is refused, although its bytes are JSON."""
    headers = {"Idempotency-Key": "one", "Content-Type": "text/plain"}

    status, body, _ = await api.call("POST", SEEDANCE2, data=b'{"prompt":"a cat"}', headers=headers)

    assert (status, body["error"]["code"]) == (400, "invalid_request")


async def test_the_short_answers_of_the_older_document() -> None:
    """With the knob on, five fields; an error only when there is one."""
    async with ai_api(short_answers=True, errors_as_text=True) as api:
        good = await api.status(await api.ended(SEEDANCE))
        api.ai.next_outcome(error_code="invalid_request", error_message="not allowed")
        bad = await api.status(await api.ended(SEEDANCE))

    assert good.keys() == {"id", "status", "model", "output", "credits_used"}
    assert (bad["status"], bad["error"]) == ("failed", "not allowed")


async def test_the_state_shows_what_the_panel_needs(api: AiApi) -> None:
    """Credits, tasks, knobs, waiting outcomes and faults, requests."""
    await api.ended()
    api.ai.next_outcome(error_code="internal_error")
    api.ai.faults.add("submit", "lose_answer")

    state = api.ai.state()

    assert state["provider"] == "seedance2ai"
    assert state["credits"] == {"total": 1000, "used": 30, "remain": 970}
    assert (state["tasks"][0]["status"], state["tasks"][0]["prompt"]) == ("completed", "a cat")
    assert (len(state["outcomes"]), len(state["faults"]), state["requests"][0]["status"]) == (1, 1, 202)
