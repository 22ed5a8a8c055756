"""Creating a task at seedance2ai: what each answer means, and that no repeat makes a second task."""

import asyncio
import json
import traceback
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.errors import (
    InvariantBroken,
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderConflict,
    ProviderError,
    ProviderRejected,
    ProviderTurnedAway,
    ProviderUnreachable,
)
from bot.ports import Submission, Urgency
from bot.providers.http import ANSWER_MAX_BYTES
from bot.providers.seedance2ai import ERROR_CODES, UNTOLD_PAUSE_S, Seedance2Ai
from playground.providers.ai_rules import HTTP_STATUS
from tests.providers.ai_adapter import KEY, PICTURE, PREMIUM, VIDEO, clip, connected, order, respond, rig
from tests.providers.conftest import API_KEY, HASTY, PROMPT, RecordingRate, Wire
from tests.waiting import until

MEANINGS: dict[str, type[ProviderError]] = {
    "unauthorized": ProviderAccount,
    "insufficient_credits": ProviderAccount,
    "invalid_request": ProviderRejected,
    "not_found": ProviderRejected,
    "rate_limited": ProviderBusy,
    "idempotency_conflict": ProviderConflict,
    "service_busy": ProviderBusy,
    "internal_error": ProviderAmbiguous,
}


async def refused(ai: Seedance2Ai, create: Submission | None = None) -> ProviderError:
    """Send a create that fails, and check that neither its text nor its traceback holds a secret."""
    with pytest.raises(ProviderError) as caught:
        await ai.submit(create or order(ai))
    text = "".join(traceback.format_exception(caught.value))
    assert API_KEY not in text
    assert PROMPT not in text
    return caught.value


async def test_a_create_is_sent_as_stored_with_its_key() -> None:
    """The exact bytes, the account's key and the job's, and the price of the answer."""
    async with rig() as world:
        create = order(world.ai)
        receipt = await world.ai.submit(create)
        [request] = world.emulator.requests

    assert receipt.cost == Decimal(30)
    assert b"/video/seedance2\n" + request.body == create.body
    assert request.headers["Authorization"] == f"Bearer {API_KEY}"
    assert request.headers["Idempotency-Key"] == KEY
    assert request.headers["Content-Type"] == "application/json"
    assert (world.rate.taken, world.observed) == ([("seedance2ai", Urgency.SUBMIT)], [("submit", 202)])


@pytest.mark.parametrize("spec", [replace(VIDEO, model="seedance2ai/seedance-pro"), PICTURE, PREMIUM])
async def test_each_model_is_asked_for_at_its_own_address(spec: Any) -> None:
    """The address is part of what is stored, so that a repeat goes where the first one went."""
    async with rig() as world:
        task = await world.submitted(spec)
        [request] = world.emulator.requests

    assert request.path.endswith(task.order.model)
    assert task.order.model in spec.model


async def test_the_price_of_an_answer_is_booked_not_ours() -> None:
    """Credits with fractions come exactly; pictures that are ready at once have their receipt, too."""
    async with rig(pictures_at_once=True) as world:
        world.emulator.next_outcome(credits_used=Decimal("7.25"))
        receipt = await world.ai.submit(order(world.ai, PICTURE))

    assert receipt.cost == Decimal("7.25")


@pytest.mark.parametrize("kind", ["lose_answer", "reset_before", "reset_after", "cut"])
async def test_a_create_whose_answer_is_lost_goes_again_with_its_key(kind: str) -> None:
    """It leaves once by itself, and the repeat names the one task and its one price."""
    async with rig() as world:
        await world.ai.check_key()  # a connection that served before, which HTTP clients like to retry on
        world.emulator.faults.add("submit", kind, cut_after_bytes=10)
        error = await refused(world.ai)
        made = list(world.emulator.tasks)
        receipts = [await world.ai.submit(order(world.ai)) for _ in range(3)]

        assert (type(error), error.code) == (ProviderAmbiguous, "connection_lost")
        assert len(made) == (0 if kind == "reset_before" else 1)
        assert [receipt.task_id for receipt in receipts] == list(world.emulator.tasks) * 3
        assert world.emulator.account.used == receipts[0].cost == 30
        assert [record.route for record in world.emulator.requests].count("submit") == 4


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_storm_makes_one_task(*, status: int, after_effect: bool) -> None:
    """Whether the failing answers did the work or not, the last repeat names one task."""
    async with rig() as world:
        world.emulator.faults.add("submit", "html", status=status, times=4, after_effect=after_effect)
        for _ in range(4):
            assert type(await refused(world.ai)) is ProviderAmbiguous
        receipt = await world.ai.submit(order(world.ai))

        assert list(world.emulator.tasks) == [receipt.task_id]
        assert world.emulator.account.used == 30


async def test_a_create_that_is_not_answered_in_time_is_in_doubt_and_its_key_rests() -> None:
    """While the first request is under way its key is "still running": wait and send the same again."""
    async with rig(submit_s=2.0) as world:
        async with connected(world.emulator.origin, world.rate, [], timeout=HASTY) as hasty:
            first = await refused(hasty)
        second = await refused(world.ai)
        await until(lambda: bool(world.emulator.tasks))
        receipt = await world.ai.submit(order(world.ai))

        assert (type(first), first.code) == (ProviderAmbiguous, "timeout")
        assert (type(second), second.code) == (ProviderConflict, "idempotency_conflict")
        assert list(world.emulator.tasks) == [receipt.task_id]


async def test_a_key_may_rest_until_its_task_is_done() -> None:
    """The other reading of "still running"."""
    async with rig(conflict_while_rendering=True) as world:
        world.emulator.next_outcome(hang=True)
        task = await world.submitted()
        while_rendering = await refused(world.ai)
        await world.emulator.finish(task.id)
        receipt = await world.ai.submit(order(world.ai))

    assert (type(while_rendering), while_rendering.code) == (ProviderConflict, "idempotency_conflict")
    assert receipt.task_id == task.id


async def test_another_attempt_is_another_task() -> None:
    """The same bytes under another key are a new order: two members may ask for the same."""
    async with rig() as world:
        first, second = await world.submitted(key="job-a-1"), await world.submitted(key="job-b-1")

    assert first.id != second.id


async def test_an_empty_account_takes_the_same_create_once_refilled() -> None:
    """A refusal is no answer that the key would repeat."""
    async with rig(credits=5) as world:
        error = await refused(world.ai)
        world.emulator.account.total = Decimal(100)
        receipt = await world.ai.submit(order(world.ai))

    assert (type(error), error.code) == (ProviderAccount, "insufficient_credits")
    assert receipt.cost == 30


async def test_a_reference_that_cannot_be_fetched_refuses_the_create() -> None:
    """The provider probes media while it answers."""
    async with rig(references_unreachable=True) as world:
        error = await refused(world.ai, order(world.ai, VIDEO, clip("reference", "http://127.0.0.1:9/a.mp4")))

    assert (type(error), error.code) == (ProviderRejected, "invalid_request")


async def test_a_create_without_key_or_address_never_leaves() -> None:
    """Without a key a repeat would be a second task."""
    async with rig() as world:
        create = order(world.ai)
        for wrong in (
            replace(create, idempotency_key=None),
            replace(create, body=create.body.partition(b"\n")[2]),
            replace(create, body=b"/tasks/x\n{}"),
            replace(create, body=b"\xff\n{}"),
        ):
            with pytest.raises(InvariantBroken):
                await world.ai.submit(wrong)

    assert world.emulator.requests == []


def test_the_emulator_and_the_adapter_know_the_same_codes() -> None:
    """Both were written from the documents; each has all eight."""
    assert set(ERROR_CODES) == set(HTTP_STATUS) == set(MEANINGS)
    assert len(ERROR_CODES) == 8


@pytest.mark.parametrize("status", [None, 200, 500])
@pytest.mark.parametrize("code", ERROR_CODES)
@pytest.mark.parametrize("is_text", [True, False])
async def test_every_code_decides_whatever_the_status(
    wire: Wire, rate: RecordingRate, *, code: str, status: int | None, is_text: bool
) -> None:
    """As an object or as a text, with the documented status, in HTTP 200, and with one that contradicts it."""
    error = code if is_text else {"code": code, "message": "Words of theirs"}
    respond(wire, {"error": error}, status=status or HTTP_STATUS[code])
    async with connected(wire.origin, rate, []) as ai:
        raised = await refused(ai)

    assert (type(raised), raised.code) == (MEANINGS[code], code)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("status", "meaning", "code"),
    [
        (200, ProviderAmbiguous, "malformed"),
        (202, ProviderAmbiguous, "malformed"),
        (302, ProviderAmbiguous, "http_302"),
        (400, ProviderTurnedAway, "invalid_request"),
        (401, ProviderAccount, "unauthorized"),
        (402, ProviderAccount, "insufficient_credits"),
        (403, ProviderBusy, "http_403"),
        (404, ProviderTurnedAway, "http_404"),
        (408, ProviderAmbiguous, "http_408"),
        (409, ProviderConflict, "idempotency_conflict"),
        (429, ProviderBusy, "rate_limited"),
        (500, ProviderAmbiguous, "http_500"),
        (502, ProviderAmbiguous, "http_502"),
        (503, ProviderAmbiguous, "http_503"),
        (504, ProviderAmbiguous, "http_504"),
    ],
)
async def test_a_status_decides_where_no_code_can_be_read(status: int, meaning: type[ProviderError], code: str) -> None:
    """Pages of proxies: what may have been taken stays in doubt."""
    async with rig() as world:
        world.emulator.faults.add("submit", "html", status=status)
        error = await refused(world.ai)

    assert (type(error), error.code) == (meaning, code)


@pytest.mark.parametrize(
    ("body", "status", "meaning", "code"),
    [
        ({"error": {"code": "new_rule", "message": "x"}}, 400, ProviderRejected, "new_rule"),
        ({"error": {"code": "new_rule"}}, 409, ProviderConflict, "new_rule"),
        ({"error": {"code": "new_rule"}}, 503, ProviderAmbiguous, "new_rule"),
        ({"error": {"code": "new_rule"}}, 200, ProviderAmbiguous, "new_rule"),
        ({"error": "Something went wrong, https://x"}, 500, ProviderAmbiguous, "http_500"),
        ({"error": {"code": 7}}, 422, ProviderTurnedAway, "http_422"),
        ({"error": {"code": "RATE_LIMITED"}}, 429, ProviderBusy, "rate_limited"),
        ({"error": ["not_found"]}, 404, ProviderRejected, "not_found"),
        ({"id": ""}, 202, ProviderAmbiguous, "malformed"),
        ({"id": {"a": 1}}, 202, ProviderAmbiguous, "malformed"),
        ({"id": "sd2_1"}, 500, ProviderAmbiguous, "http_500"),
        ([], 202, ProviderAmbiguous, "malformed"),
        (b"", 202, ProviderAmbiguous, "malformed"),
        (b'{"id":"sd2_\xff', 202, ProviderAmbiguous, "malformed"),
        (b"[" * 100_000, 202, ProviderAmbiguous, "malformed"),
        (b" " * (ANSWER_MAX_BYTES + 1), 202, ProviderAmbiguous, "answer_too_large"),
    ],
)
async def test_odd_answers_to_a_create(
    wire: Wire, rate: RecordingRate, *, body: Any, status: int, meaning: type[ProviderError], code: str
) -> None:
    """New codes and nonsense: doubt stays doubt, and nothing of theirs is repeated to people."""
    respond(wire, body, status=status)
    async with connected(wire.origin, rate, []) as ai:
        error = await refused(ai)

    assert (type(error), error.code) == (meaning, code)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"credits_used": 30}, 30),
        ({"credits_used": "12.5", "status": "queued"}, "12.5"),
        ({}, None),
        ({"new": 1}, None),
    ],
)
async def test_a_receipt_needs_only_the_id(
    wire: Wire, rate: RecordingRate, *, status: int, fields: dict[str, Any], cost: Any
) -> None:
    """Missing and new fields do no harm."""
    respond(wire, {"id": "sd2_1", **fields}, status=status)
    async with connected(wire.origin, rate, []) as ai:
        receipt = await ai.submit(order(ai))

    assert (receipt.task_id, receipt.cost) == ("sd2_1", None if cost is None else Decimal(cost))


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "service_busy")])
async def test_the_account_rests_as_long_as_it_is_told(
    wire: Wire, rate: RecordingRate, *, status: int, code: str
) -> None:
    """`Retry-After` in seconds holds for all processes."""
    respond(wire, {"error": {"code": code}}, status=status, headers={"Retry-After": "17"})
    async with connected(wire.origin, rate, []) as ai:
        error = await refused(ai)

    assert error.retry_after_s == 17.0
    assert rate.pauses == [("seedance2ai", 17.0)]


@pytest.mark.parametrize(("status", "pauses"), [(429, [("seedance2ai", UNTOLD_PAUSE_S)]), (503, []), (500, [])])
async def test_a_429_that_names_no_time_still_rests(
    wire: Wire, rate: RecordingRate, *, status: int, pauses: list[tuple[str, float]]
) -> None:
    """The older page names no header."""
    respond(wire, {"error": {"code": "x"}}, status=status)
    async with connected(wire.origin, rate, []) as ai:
        await refused(ai)

    assert rate.pauses == pauses


async def test_the_documented_rate_is_told_and_obeyed() -> None:
    """The thirty-first request of a minute is refused with the time to wait; the create is not lost."""
    async with rig(rate_limit_per_minute=2) as world:
        await world.ai.check_key()
        await world.ai.check_key()
        error = await refused(world.ai)
        world.emulator.account.calls.clear()
        await world.submitted()

    assert type(error) is ProviderBusy
    assert error.retry_after_s is not None
    assert world.rate.pauses == [("seedance2ai", error.retry_after_s)]
    assert 55 <= error.retry_after_s <= 60


async def test_a_create_that_never_left_may_be_sent_again(rate: RecordingRate, unused_tcp_port: int) -> None:
    """Nobody listens there."""
    async with connected(f"http://127.0.0.1:{unused_tcp_port}", rate, []) as ai:
        error = await refused(ai)

    assert (type(error), error.code) == (ProviderUnreachable, "connect_failed")


async def test_a_redirect_is_not_followed(wire: Wire, rate: RecordingRate) -> None:
    """The key goes to the configured origin alone."""
    async with rig() as world:
        respond(wire, b"", status=307, headers={"Location": f"{world.emulator.origin}/api/v1/video/seedance2"})
        async with connected(wire.origin, rate, []) as ai:
            error = await refused(ai)

        assert (type(error), error.code) == (ProviderAmbiguous, "http_307")
        assert world.emulator.requests == []


async def test_a_create_that_is_cancelled_stops() -> None:
    """Being stopped is not turned into a provider's error."""
    async with rig() as world:
        world.emulator.faults.add("submit", "delay", delay_s=5)
        sending = asyncio.create_task(world.ai.submit(order(world.ai)))
        await asyncio.sleep(0.05)
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_the_body_holds_no_line_of_its_own() -> None:
    """Line feeds of the prompt are escaped, so the first one ends the address."""
    async with rig() as world:
        task = await world.submitted(replace(VIDEO, prompt="one\ntwo"))

    assert json.loads(task.body)["prompt"] == "one\ntwo"
