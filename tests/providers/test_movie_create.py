"""Creating a task: the exact body, and what each answer means for whether it may be sent again."""

import asyncio
import json
import traceback
from dataclasses import replace
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    ProviderUnreachable,
)
from bot.domain.requests import MediaKind
from bot.ports import Submission, UploadedReference, Urgency
from bot.providers.http import ANSWER_MAX_BYTES
from bot.providers.seedance2_movie import ERROR_CODES, Seedance2Movie
from playground.providers import Seedance2Movie as Emulator
from playground.providers.movie_rules import HTTP_STATUS, MESSAGES
from tests.providers.conftest import API_KEY, PROMPT, SPEC, Connect, RecordingRate, Wire

MEANINGS: dict[str, type[ProviderError]] = {
    "INVALID_API_KEY": ProviderAccount,
    "INSUFFICIENT_CREDIT": ProviderAccount,
    "INVALID_PARAMETER": ProviderRejected,
    "MISSING_PARAMETER": ProviderRejected,
    "CONTENT_MODERATION_FAILED": ProviderRejected,
    "COPYRIGHT_VIOLATION": ProviderRejected,
    "PRIVACY_VIOLATION": ProviderRejected,
    "SERVICE_BUSY": ProviderBusy,
    "RATE_LIMIT_EXCEEDED": ProviderBusy,
}


def order(movie: Seedance2Movie, **changes: Any) -> Submission:
    return movie.compose(SPEC, changes.pop("uploads", []), callback_url=None)


async def refused(movie: Seedance2Movie) -> ProviderError:
    """Send a create that fails, and check that neither its text nor its traceback holds a secret."""
    with pytest.raises(ProviderError) as caught:
        await movie.submit(order(movie))
    text = "".join(traceback.format_exception(caught.value))
    assert API_KEY not in text
    assert PROMPT not in text
    return caught.value


async def test_a_create_is_taken_with_every_option_named(movie: Seedance2Movie, emulator: Emulator) -> None:
    """The strict emulator takes the body, makes the task and names its price."""
    receipt = await movie.submit(order(movie))
    task = emulator.tasks[receipt.task_id]

    assert receipt.cost == Decimal("5.76")
    assert not task.order.unknown_fields
    assert json.loads(task.body) == {
        "model": "seedance-2.0-fast",
        "content": [{"type": "text", "text": PROMPT}],
        "resolution": "480p",
        "ratio": "21:9",
        "duration": 8,
        "generate_audio": True,
        "seed": 1234567,
        "watermark": False,
        "return_last_frame": True,
    }


def test_switches_go_as_they_are_set(connect: Connect) -> None:
    """The other way round than in the request above."""
    spec = replace(SPEC, audio=False, watermark=True)
    body = json.loads(connect("http://127.0.0.1:9").compose(spec, [], callback_url=None).body)

    assert (body["generate_audio"], body["watermark"]) == (False, True)


def test_the_start_image_comes_first_and_each_value_is_named_like_its_type(connect: Connect) -> None:
    """Pictures and videos, then the prompt, then the sample; the callback address where there is one."""
    movie = connect("http://127.0.0.1:9")
    uploads = [
        UploadedReference("reference", MediaKind.VIDEO, "api/v.mp4"),
        UploadedReference("reference", MediaKind.IMAGE, "api/r.png"),
        UploadedReference("start_image", MediaKind.IMAGE, "api/s.png"),
    ]
    body = json.loads(
        movie.compose(replace(SPEC, sample="sample-7"), uploads, callback_url="https://bot.example/c").body
    )

    assert body["content"] == [
        {"type": "image_url", "image_url": "api/s.png"},
        {"type": "video_url", "video_url": "api/v.mp4"},
        {"type": "image_url", "image_url": "api/r.png"},
        {"type": "text", "text": PROMPT},
        {"type": "sample_id", "sample_id": "sample-7"},
    ]
    assert body["callback_url"] == "https://bot.example/c"


def test_the_same_request_makes_the_same_bytes(connect: Connect) -> None:
    """What is stored before the first send can be compared and sent again."""
    movie = connect("http://127.0.0.1:9")

    assert order(movie) == order(movie)
    assert b" " not in order(movie).body.replace(PROMPT.encode(), b"")


def test_the_emulator_and_the_adapter_know_the_same_codes() -> None:
    """Both were written from the document; each has all of its codes."""
    assert set(ERROR_CODES) == set(MESSAGES)
    assert len(ERROR_CODES) == 17


@pytest.mark.parametrize("status", [None, 200, 500, 404])
@pytest.mark.parametrize("code", ERROR_CODES)
async def test_every_code_decides_whatever_the_status(
    movie: Seedance2Movie, emulator: Emulator, code: str, status: int | None
) -> None:
    """With the documented status, in HTTP 200, and with a status that contradicts it, a code means one thing."""
    kind = "error" if status is None else "status"
    emulator.faults.add("submit", kind, code=code, **({} if status is None else {"status": status}))
    error = await refused(movie)

    assert type(error) is MEANINGS.get(code, ProviderAmbiguous)
    assert error.code == code
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("status", "meaning", "code"),
    [
        (204, ProviderAmbiguous, "malformed"),
        (200, ProviderAmbiguous, "malformed"),
        (302, ProviderAmbiguous, "http_302"),
        (400, ProviderRejected, "http_400"),
        (401, ProviderAccount, "INVALID_API_KEY"),
        (402, ProviderAccount, "INSUFFICIENT_CREDIT"),
        (403, ProviderBusy, "http_403"),
        (404, ProviderRejected, "http_404"),
        (408, ProviderAmbiguous, "http_408"),
        (429, ProviderAmbiguous, "http_429"),
        (500, ProviderAmbiguous, "http_500"),
        (502, ProviderAmbiguous, "http_502"),
        (503, ProviderAmbiguous, "http_503"),
    ],
)
async def test_a_status_decides_where_no_code_can_be_read(
    movie: Seedance2Movie, emulator: Emulator, status: int, meaning: type[ProviderError], code: str
) -> None:
    """Pages of proxies: only what surely was not taken may be sent again."""
    emulator.faults.add("submit", "html", status=status)
    error = await refused(movie)

    assert (type(error), error.code) == (meaning, code)


def respond(wire: Wire, body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=data, headers=headers, content_type="application/json")

    wire.answer = answer


@pytest.mark.parametrize(
    ("body", "status", "meaning", "code"),
    [
        ({"code": 429, "message": "slow"}, 200, ProviderAmbiguous, "http_429"),
        ({"code": 401}, 200, ProviderAccount, "INVALID_API_KEY"),
        ({"code": "402"}, 500, ProviderAccount, "INSUFFICIENT_CREDIT"),
        ({"code": 500}, 200, ProviderAmbiguous, "http_500"),
        ({"code": "service_busy"}, 200, ProviderBusy, "SERVICE_BUSY"),
        ({"code": "NEW_RULE"}, 200, ProviderAmbiguous, "NEW_RULE"),
        ({"code": "NEW_RULE"}, 400, ProviderRejected, "NEW_RULE"),
        ({"code": None}, 200, ProviderAmbiguous, "malformed"),
        ({"code": True, "result": {"task_id": ""}}, 200, ProviderAmbiguous, "malformed"),
        ({"code": "200", "message": "Success", "result": None}, 200, ProviderAmbiguous, "malformed"),
        ({"code": "200", "result": {"status": "pending"}}, 200, ProviderAmbiguous, "malformed"),
        ({"code": "200", "result": ["t"]}, 200, ProviderAmbiguous, "malformed"),
        ([], 200, ProviderAmbiguous, "malformed"),
        (b"", 200, ProviderAmbiguous, "malformed"),
        (b'{"code":"20\xff', 200, ProviderAmbiguous, "malformed"),
        (b"[" * 100_000, 200, ProviderAmbiguous, "malformed"),
        ({"code": "200", "result": {"task_id": "t1"}}, 500, ProviderAmbiguous, "http_500"),
        ({"code": "CONCURRENCY_LIMIT_REACHED", "result": {"task_id": "t1"}}, 429, ProviderAmbiguous, None),
        ({"code": "CONTENT_MODERATION_FAILED", "result": {"task_id": "t1"}}, 400, ProviderAmbiguous, None),
    ],
)
async def test_odd_answers_to_a_create(
    connect: Connect, wire: Wire, *, body: Any, status: int, meaning: type[ProviderError], code: str | None
) -> None:
    """Numbers for codes, new codes, nonsense: doubt stays doubt, and a task that is named is handed on."""
    respond(wire, body, status=status)
    error = await refused(connect(wire.origin))

    assert type(error) is meaning
    assert code is None or error.code == code
    names_task = isinstance(body, dict) and isinstance(body.get("result"), dict) and body["result"].get("task_id")
    assert getattr(error, "task_id", None) == (names_task or None)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("code", ["200", 200])
@pytest.mark.parametrize(("cost", "read"), [("14.40", "14.40"), (14.4, "14.4"), (9, "9"), (None, None), ("x", None)])
async def test_a_receipt_reads_its_cost_exactly(
    connect: Connect, wire: Wire, code: object, cost: object, read: str | None
) -> None:
    """Numbers and text alike, without the errors of binary fractions; nonsense is no cost."""
    respond(wire, {"code": code, "new": 1, "result": {"task_id": 77, "credit_cost": cost, "new": {}}}, status=201)
    movie = connect(wire.origin)
    receipt = await movie.submit(order(movie))

    assert receipt.task_id == "77"
    assert receipt.cost == (None if read is None else Decimal(read))


@pytest.mark.parametrize("kind", ["lose_answer", "reset_before", "reset_after", "cut"])
async def test_a_create_whose_answer_is_lost_is_never_repeated(
    movie: Seedance2Movie, emulator: Emulator, kind: str
) -> None:
    """On a connection that served before (which HTTP clients like to retry on), a create leaves once."""
    await movie.balance()
    emulator.faults.add("submit", kind, cut_after_bytes=10)
    error = await refused(movie)

    assert type(error) is ProviderAmbiguous
    assert error.code == "connection_lost"
    assert [record.route for record in emulator.requests].count("submit") == 1
    assert len(emulator.tasks) == (0 if kind == "reset_before" else 1)


async def test_a_create_that_never_left_may_be_sent_again(connect: Connect, unused_tcp_port: int) -> None:
    """Nobody listens there."""
    error = await refused(connect(f"http://127.0.0.1:{unused_tcp_port}"))

    assert (type(error), error.code) == (ProviderUnreachable, "connect_failed")


async def test_a_name_that_does_not_exist_is_not_reached(connect: Connect) -> None:
    """`.invalid` never resolves (RFC 2606)."""
    error = await refused(connect("http://provider.invalid"))

    assert type(error) is ProviderUnreachable


async def test_a_tls_failure_is_not_reached(connect: Connect, emulator: Emulator) -> None:
    """The server speaks no TLS: nothing of the request was sent."""
    error = await refused(connect(emulator.origin.replace("http:", "https:")))

    assert type(error) is ProviderUnreachable
    assert emulator.requests == []


async def test_a_huge_answer_is_not_read(connect: Connect, wire: Wire) -> None:
    """More than a mebibyte is cut off, and leaves doubt."""
    respond(wire, b" " * (ANSWER_MAX_BYTES + 1))
    error = await refused(connect(wire.origin))

    assert (type(error), error.code) == (ProviderAmbiguous, "answer_too_large")


async def test_a_redirect_is_not_followed(connect: Connect, wire: Wire, emulator: Emulator) -> None:
    """The key goes to the configured origin alone."""
    respond(wire, b"", status=307, headers={"Location": f"{emulator.origin}/api/v1/video/task"})
    error = await refused(connect(wire.origin))

    assert (type(error), error.code) == (ProviderAmbiguous, "http_307")
    assert emulator.requests == []


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("99999999", 3600.0),
        ("soon", None),
        ("-4", None),
        ("nan", None),
    ],
)
@pytest.mark.parametrize("code", ["SERVICE_BUSY", "RATE_LIMIT_EXCEEDED"])
async def test_retry_after_is_understood_in_both_forms(
    connect: Connect, wire: Wire, rate: RecordingRate, *, code: str, text: str, wait_s: float | None
) -> None:
    """Seconds, or a moment by the provider's own clock; the whole account then pauses for that long."""
    respond(wire, {"code": code}, status=HTTP_STATUS[code], headers={"Retry-After": text, "Date": DATE})
    error = await refused(connect(wire.origin))

    assert type(error) is ProviderBusy
    assert error.retry_after_s == wait_s
    assert rate.pauses == ([("seedance2-movie", wait_s)] if wait_s else [])


@pytest.mark.parametrize("code", ["SERVICE_BUSY", "RATE_LIMIT_EXCEEDED", "CONCURRENCY_LIMIT_REACHED"])
async def test_retry_after_counts_with_http_200_too(
    connect: Connect, wire: Wire, rate: RecordingRate, code: str
) -> None:
    """Most answers come with 200, and their code is what says that there was too much."""
    respond(wire, {"code": code}, status=200, headers={"Retry-After": "7"})
    error = await refused(connect(wire.origin))

    assert error.retry_after_s == 7.0
    assert rate.pauses == [("seedance2-movie", 7.0)]


async def test_a_bare_429_is_in_doubt_and_still_pauses(connect: Connect, wire: Wire, rate: RecordingRate) -> None:
    """It may be "task is queued" as well as "slow down"."""
    respond(wire, b"", status=429, headers={"Retry-After": "3", "Date": formatdate(usegmt=True)})
    error = await refused(connect(wire.origin))

    assert (type(error), error.retry_after_s) == (ProviderAmbiguous, 3.0)
    assert rate.pauses == [("seedance2-movie", 3.0)]


async def test_a_create_waits_for_its_turn(
    movie: Seedance2Movie, emulator: Emulator, rate: RecordingRate, observed: list[tuple[str, int]]
) -> None:
    """One turn of the account's budget is taken, with the urgency of a submit, and the request is counted."""
    await movie.submit(order(movie))
    emulator.faults.add("submit", "reset_before")
    await refused(movie)

    assert rate.taken == [("seedance2-movie", Urgency.SUBMIT)] * 2
    assert observed == [("submit", 200), ("submit", 0)]


async def test_a_create_that_is_cancelled_stops(movie: Seedance2Movie, emulator: Emulator) -> None:
    """Being stopped is not turned into a provider's error."""
    emulator.faults.add("submit", "delay", delay_s=5)
    sending = asyncio.create_task(movie.submit(order(movie)))
    await asyncio.sleep(0.05)
    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending
