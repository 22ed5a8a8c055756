"""Creating a task at seedance-tv: the exact body, and what each answer means for whether it may be sent again."""

import json
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.addresses import guarded_connector
from bot.clock import Clock
from bot.domain.errors import (
    InvariantBroken,
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    ProviderUnreachable,
)
from bot.domain.requests import Kind, MediaKind, Shot, Spec
from bot.ports import UploadedReference, Urgency
from bot.providers.seedance_tv import SeedanceTv
from playground.providers.seedance_tv import SeedanceTv as Emulator
from playground.providers.tv_tasks import ErrorShape, Knobs, Task
from tests.playground.providers.tv_api import CLIP
from tests.providers.conftest import API_KEY, PATIENT, PROMPT, RecordingRate, Wire

SPEC = Spec(
    kind=Kind.VIDEO,
    model="seedance-tv/seedance-2.0",
    prompt=PROMPT,
    duration_s=8,
    resolution="1080p",
    aspect_ratio="9:16",
    audio=False,
    watermark=False,
    seed=1234567,
    is_seed_chosen=False,
)
SHOTS = (Shot("Wide shot. A detective under a streetlamp.", 4), Shot("Close-up. The same detective.", 3))


@dataclass
class Rig:
    """An adapter and what it talks to."""

    tv: SeedanceTv
    emulator: Emulator
    rate: RecordingRate = field(default_factory=RecordingRate)
    observed: list[tuple[str, int]] = field(default_factory=list)

    async def submitted(self, spec: Spec = SPEC) -> Task:
        """Send a create and return the provider's task."""
        receipt = await self.tv.submit(self.tv.compose(spec, (), callback_url=None))
        return self.emulator.tasks[receipt.task_id]

    def creates(self) -> int:
        """How many creates have arrived."""
        return [record.route for record in self.emulator.requests].count("submit")


@asynccontextmanager
async def connected(
    base_url: str,
    rate: RecordingRate,
    observed: list[tuple[str, int]] | None = None,
    *,
    clock: Clock | None = None,
    timeout: aiohttp.ClientTimeout = PATIENT,
) -> AsyncIterator[SeedanceTv]:
    """An adapter for an address."""
    heard = [] if observed is None else observed
    async with aiohttp.ClientSession(
        connector=guarded_connector(allow_private=True), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield SeedanceTv(
            session,
            base_url=base_url,
            api_key=API_KEY,
            rate=rate,
            allow_private_hosts=True,
            observe=lambda route, status: heard.append((route, status)),
            timeout=timeout,
            clock=clock,
        )


@asynccontextmanager
async def rig(credits: int = 1000, **knobs: Any) -> AsyncIterator[Rig]:
    """The adapter and an emulator that hurries, with room for many requests unless less is asked for."""
    usual: dict[str, Any] = {"render_s": 0.02, "fixed_clip": CLIP, "rate_limit_per_minute": 1000}
    emulator = await Emulator.start(api_key=API_KEY, credits=credits, knobs=Knobs(**{**usual, **knobs}))
    rate, observed = RecordingRate(), list[tuple[str, int]]()
    try:
        async with connected(emulator.base_url, rate, observed) as tv:
            yield Rig(tv, emulator, rate, observed)
    finally:
        await emulator.stop()


def respond(wire: Wire, body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
    """Make the wire answer everything in one way; bytes go as they are."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=data, headers=headers, content_type="application/json")

    wire.answer = answer


def unconnected() -> SeedanceTv:
    """An adapter that only composes; its session is never used."""
    return SeedanceTv(
        None,  # type: ignore[arg-type]
        base_url="http://127.0.0.1:9/v2",
        api_key=API_KEY,
        rate=RecordingRate(),
        allow_private_hosts=True,
    )


def fields(spec: Spec) -> dict[str, Any]:
    """What a create says."""
    made: dict[str, Any] = json.loads(unconnected().compose(spec, (), callback_url="https://bot.example/c").body)
    return made


async def refused(tv: SeedanceTv, spec: Spec = SPEC) -> ProviderError:
    """Send a create that fails, and check that neither its text nor its traceback holds a secret."""
    with pytest.raises(ProviderError) as caught:
        await tv.submit(tv.compose(spec, (), callback_url=None))
    text = "".join(traceback.format_exception(caught.value))
    assert API_KEY not in text
    assert PROMPT not in text
    return caught.value


# -------------------------------------------------------------------------------------------------------- bodies


def test_a_plain_create_names_what_has_a_value_and_leaves_out_what_has_none() -> None:
    """Style, camera and motion have no word for "none"; there is no field for sound, watermark or a callback."""
    assert fields(SPEC) == {"prompt": PROMPT, "duration_secs": 8, "aspect_ratio": "9:16", "seed": 1234567}


def test_what_was_chosen_is_named() -> None:
    """A style as listed, a camera object, the amount of motion."""
    made = fields(replace(SPEC, style="film-noir", camera="zoom in", motion="high"))

    assert (made["style"], made["camera"], made["motion_level"]) == ("film-noir", {"zoom": "in"}, "high")


@pytest.mark.parametrize("move", ["zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down"])
async def test_every_camera_move_is_taken(move: str) -> None:
    """Each of the family that the document names."""
    async with rig() as at:
        task = await at.submitted(replace(SPEC, camera=move))

        assert task.order.camera == (tuple(move.split()),)


@pytest.mark.parametrize("move", ["zoom", "orbit left", "zoom left", "", "in"])
def test_a_camera_move_without_a_word_is_refused_before_anything_is_sent(move: str) -> None:
    """The refusal names the option."""
    with pytest.raises(ProviderRejected) as caught:
        fields(replace(SPEC, camera=move))

    assert caught.value.code == "tv_invalid_camera"


async def test_shots_go_as_scenes_with_their_own_seconds() -> None:
    """Instead of prompt and seconds; everything else is for the whole clip."""
    spec = replace(SPEC, shots=SHOTS, duration_s=7, style="cinematic", camera="pan left", motion="low")
    async with rig() as at:
        task = await at.submitted(spec)

    assert json.loads(task.body) == {
        "scenes": [
            {"prompt": "Wide shot. A detective under a streetlamp.", "duration_secs": 4},
            {"prompt": "Close-up. The same detective.", "duration_secs": 3},
        ],
        "aspect_ratio": "9:16",
        "seed": 1234567,
        "style": "cinematic",
        "camera": {"pan": "left"},
        "motion_level": "low",
    }
    assert task.order.duration == 7


def test_a_shot_without_seconds_is_a_defect_of_ours() -> None:
    """A decided storyboard has them all."""
    with pytest.raises(InvariantBroken):
        fields(replace(SPEC, shots=(Shot("a", None),)))


def test_references_are_refused() -> None:
    """None are documented."""
    upload = UploadedReference("start_image", MediaKind.IMAGE, "https://bot.example/a.png")
    with pytest.raises(ProviderRejected) as caught:
        unconnected().compose(SPEC, [upload], callback_url=None)

    assert caught.value.code == "no_references"


def test_the_same_request_makes_the_same_bytes() -> None:
    """What is stored before the first send can be compared."""
    tv = unconnected()

    assert tv.compose(SPEC, (), callback_url=None) == tv.compose(SPEC, (), callback_url=None)


# -------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_with_an_id_is_a_receipt_without_a_cost(status: int) -> None:
    """The document names neither the status nor a price."""
    async with rig(create_status=status) as at:
        receipt = await at.tv.submit(at.tv.compose(SPEC, (), callback_url=None))

    assert list(at.emulator.tasks) == [receipt.task_id]
    assert receipt.cost is None
    assert at.observed == [("submit", status)]
    assert at.rate.taken == [("seedance-tv", Urgency.SUBMIT)]


@pytest.mark.parametrize(
    ("status", "meaning", "code"),
    [
        (200, ProviderAmbiguous, "malformed"),
        (204, ProviderAmbiguous, "malformed"),
        (307, ProviderAmbiguous, "http_307"),
        (400, ProviderAmbiguous, "http_400"),
        (401, ProviderAccount, "tv_unauthorized"),
        (402, ProviderAccount, "tv_insufficient_credits"),
        (403, ProviderAmbiguous, "http_403"),
        (404, ProviderRejected, "tv_not_found"),
        (408, ProviderAmbiguous, "http_408"),
        (409, ProviderAmbiguous, "http_409"),
        (422, ProviderRejected, "tv_invalid"),
        (429, ProviderBusy, "tv_too_many_requests"),
        (500, ProviderAmbiguous, "tv_internal_error"),
        (502, ProviderAmbiguous, "http_502"),
        (503, ProviderAmbiguous, "http_503"),
    ],
)
@pytest.mark.parametrize("kind", ["status", "html", "garbage", "empty"])
async def test_the_status_alone_decides_what_a_refusal_means(
    kind: str, status: int, meaning: type[ProviderError], code: str
) -> None:
    """In JSON, as a web page, in bytes and in nothing: only the error table's refusals say that nothing was taken."""
    async with rig(tells_rate_headers=False) as at:
        at.emulator.faults.add("submit", kind, status=status)
        error = await refused(at.tv)

        assert (type(error), error.code) == (meaning, code)
        assert at.creates() == 1
        assert at.emulator.tasks == {}


@pytest.mark.parametrize("kind", ["lose_answer", "reset_before", "reset_after", "cut"])
async def test_a_create_whose_answer_is_lost_is_never_repeated(kind: str) -> None:
    """On a connection that served before (which HTTP clients like to retry on), a create leaves once."""
    async with rig() as at:
        await at.tv.balance()
        at.emulator.faults.add("submit", kind, cut_after_bytes=10)
        error = await refused(at.tv)

        assert (type(error), error.code) == (ProviderAmbiguous, "connection_lost")
        assert at.creates() == 1
        assert len(at.emulator.tasks) == (0 if kind == "reset_before" else 1)


async def test_a_create_that_never_left_may_be_sent_again(unused_tcp_port: int) -> None:
    """Nobody listens there."""
    async with connected(f"http://127.0.0.1:{unused_tcp_port}/v2", RecordingRate()) as tv:
        error = await refused(tv)

    assert (type(error), error.code) == (ProviderUnreachable, "connect_failed")


async def test_a_500_after_the_effect_leaves_one_task_and_doubt() -> None:
    """ "Wait a few moments and retry the request" would pay twice."""
    async with rig() as at:
        at.emulator.faults.add("submit", "status", status=500, after_effect=True)
        error = await refused(at.tv)

        assert (type(error), error.code) == (ProviderAmbiguous, "tv_internal_error")
        assert len(at.emulator.tasks) == at.creates() == 1


async def test_a_success_without_an_id_is_in_doubt() -> None:
    """There is a task, and no way to find it."""
    async with rig() as at:
        at.emulator.next_outcome(no_id=True)
        error = await refused(at.tv)

        assert (type(error), error.code) == (ProviderAmbiguous, "malformed")
        assert len(at.emulator.tasks) == 1


@pytest.mark.parametrize(
    ("body", "status", "task_id"),
    [
        ({"id": "vid_1", "status": "processing"}, 500, "vid_1"),
        ({"id": "vid_1", "status": "processing"}, 429, "vid_1"),
        ({"id": "", "status": "processing"}, 200, None),
        ({"id": ["vid_1"]}, 200, None),
        ({"id": "req_7", "error": "x"}, 500, None),
        ([], 200, None),
        (b"[" * 100_000, 200, None),
    ],
)
async def test_odd_answers_leave_doubt_and_hand_on_a_task_they_name(
    wire: Wire, body: Any, status: int, task_id: str | None
) -> None:
    """An id beside a task's status is a task's; an id of an error is not."""
    respond(wire, body, status=status)
    async with connected(wire.origin, RecordingRate()) as tv:
        error = await refused(tv)

    assert type(error) is ProviderAmbiguous
    assert error.task_id == task_id
    assert len(wire.requests) == 1


# ---------------------------------------------------------------------------------------------------------- money


async def test_an_empty_account_is_the_operators() -> None:
    """402, which is not in the error table but has one meaning; the breaker's reason is credits."""
    async with rig(credits=7) as at:
        error = await refused(at.tv)

        assert (type(error), error.code) == (ProviderAccount, "tv_insufficient_credits")
        assert "CREDIT" in error.code.upper()


@pytest.mark.parametrize("status", [403, 422])
@pytest.mark.parametrize("shots", [(), SHOTS])
async def test_an_empty_account_is_seen_behind_other_refusals(status: int, shots: tuple[Shot, ...]) -> None:
    """The document has no error for it: where nothing says what is wrong, the balance does."""
    async with rig(credits=6, no_credits_status=status) as at:
        error = await refused(at.tv, replace(SPEC, shots=shots))

        assert (type(error), error.code) == (ProviderAccount, "tv_insufficient_credits")
        assert at.rate.taken == [("seedance-tv", Urgency.SUBMIT)] * 2


async def test_an_account_that_does_not_answer_proves_nothing() -> None:
    """A 403 stays a doubt."""
    async with rig(credits=0, no_credits_status=403) as at:
        at.emulator.faults.add("balance", "status", status=500)
        error = await refused(at.tv)

        assert (type(error), error.code) == (ProviderAmbiguous, "http_403")


# ------------------------------------------------------------------------------------------------------- problems

SHAPES: tuple[ErrorShape, ...] = ("flat", "object", "errors", "detail")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prompt": " "}, "tv_invalid_prompt"),
        ({"duration_s": 99}, "tv_invalid_duration"),
        ({"aspect_ratio": "21:9"}, "tv_invalid_aspect_ratio"),
        ({"style": "Anime"}, "tv_invalid_style"),
        ({"seed": -1}, "tv_invalid_seed"),
        ({"motion": "medium"}, "tv_invalid_motion"),
        ({"shots": (Shot("a", 99),)}, "tv_invalid_shots"),
        ({"shots": (Shot("a", 1),)}, "tv_invalid_shots"),
    ],
)
async def test_a_refused_option_is_named_in_every_shape(shape: ErrorShape, changes: dict[str, Any], code: str) -> None:
    """Details as fields, by field, as places; the code names the option that a member can change."""
    async with rig(error_shape=shape) as at:
        error = await refused(at.tv, replace(SPEC, **changes))

        assert (type(error), error.code) == (ProviderRejected, code)
        assert at.creates() == len(at.emulator.requests)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"duration_secs must be an integer", "tv_invalid_duration"),
        (b"Unprocessable Entity", "tv_invalid"),
        (b"", "tv_invalid"),
        ({"error": "style is not available"}, "tv_invalid_style"),
        ({"error": {"message": "motion_level must be one of low, high"}}, "tv_invalid_motion"),
        ({"detail": [{"loc": ["body", "camera", "zoom"], "msg": "x"}]}, "tv_invalid_camera"),
        ({"detail": [{"loc": ["body"], "msg": "JSON decode error"}]}, "tv_invalid"),
        ({"errors": [{"pointer": "/scenes/0/prompt", "detail": "too long"}]}, "tv_invalid_shots"),
        ({"details": {"camera": {"zoom": ["no"]}}}, "tv_invalid_camera"),
        ({"details": [{"field": "seed", "message": "Extra inputs are not permitted"}]}, "tv_invalid_seed"),
        ({"details": [{"field": "prompt", "message": "is required"}]}, "tv_missing"),
        (
            {"details": [{"field": "prompt", "message": "is required"}, {"field": "style", "message": "no"}]},
            "tv_invalid_style",
        ),
        ({"details": [{"field": "webhook", "message": "is not a known field"}]}, "tv_invalid"),
        ({"details": [[[[[[["style"]]]]]], 7, None]}, "tv_invalid"),
        ({"details": "x" * 100_000}, "tv_invalid"),
    ],
)
async def test_the_details_of_a_422_become_an_option_or_whose_fault_it_is(wire: Wire, body: Any, code: str) -> None:
    """Whatever their shape; what says nothing of a field of ours stays general."""
    respond(wire, body, status=422)
    async with connected(wire.origin, RecordingRate()) as tv:
        error = await refused(tv)

    assert (type(error), error.code) == (ProviderRejected, code)


async def test_nothing_of_the_providers_text_is_kept(wire: Wire, everything_logged: Any) -> None:
    """A 422 may repeat the prompt: neither the error nor the log has more than the option and the reason."""
    respond(wire, {"details": [{"field": "prompt", "message": f"not allowed: {PROMPT}"}]}, status=422)
    async with connected(wire.origin, RecordingRate()) as tv:
        await refused(tv)

    assert "prompt:wrong" in everything_logged.getvalue()


async def test_the_key_and_the_version_go_to_the_configured_address(wire: Wire) -> None:
    """The address has the version in it; the body is JSON."""
    respond(wire, {"id": "vid_1", "status": "processing"}, status=202)
    async with connected(f"{wire.origin}/v2", RecordingRate()) as tv:
        await tv.submit(tv.compose(SPEC, (), callback_url=None))
    request = wire.requests[0]

    assert (request.method, request.path) == ("POST", "/v2/videos")
    assert request.headers["Authorization"] == f"Bearer {API_KEY}"
    assert request.headers["Content-Type"] == "application/json"


async def test_a_redirect_is_not_followed(wire: Wire) -> None:
    """The key goes to the configured origin alone."""
    async with rig() as at:
        respond(wire, b"", status=307, headers={"Location": f"{at.emulator.base_url}/videos"})
        async with connected(wire.origin, RecordingRate()) as tv:
            error = await refused(tv)

        assert (type(error), error.code) == (ProviderAmbiguous, "http_307")
        assert at.emulator.requests == []


async def test_the_price_is_taken_once() -> None:
    """One create is one task that is paid once."""
    async with rig() as at:
        await at.submitted()

        assert at.emulator.account.remain == Decimal(992)
