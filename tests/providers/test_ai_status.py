"""Asking seedance2ai for a task: what its answer means, in every shape that the documents leave open."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    TaskNotFound,
)
from bot.domain.jobs import TaskState, TaskStatus
from bot.domain.requests import MediaKind, Reference, ReferenceRole
from bot.ports import Urgency
from tests.providers.ai_adapter import PICTURE, PREMIUM, VIDEO, connected, respond, rig
from tests.providers.conftest import RecordingRate, Wire
from tests.waiting import until

LINK = "https://cdn.example/a.mp4"


async def read(wire: Wire, fields: Any, *, status: int = 200) -> TaskStatus:
    """What the adapter makes of one answer about the task `sd2_1`."""
    respond(wire, fields, status=status)
    async with connected(wire.origin, RecordingRate(), []) as ai:
        return await ai.status("sd2_1")


async def failure(wire: Wire, fields: Any, *, status: int = 200) -> ProviderError:
    """The error that the adapter makes of one answer about the task `sd2_1`."""
    with pytest.raises(ProviderError) as caught:
        await read(wire, fields, status=status)
    return caught.value


async def test_a_clip_is_followed_to_its_end() -> None:
    """Its address, last frame, seed, model, price and time; each question takes one turn."""
    async with rig() as world:
        world.emulator.next_outcome(hang=True)
        task = await world.submitted()
        running = await world.ai.status(task.id)
        await world.emulator.finish(task.id)
        done = await world.ai.status(task.id)

    assert (running.state, running.result_url, running.cost) == (TaskState.RUNNING, None, Decimal(30))
    assert done.state is TaskState.SUCCEEDED
    assert done.result_urls == (done.result_url,)
    assert (done.result_url or "").startswith(f"{world.emulator.origin}/cdn/{task.id}/video.mp4")
    assert (done.last_frame_url or "").startswith(f"{world.emulator.origin}/cdn/{task.id}/last-frame.png")
    assert (done.seed, done.model_name, done.cost) == (VIDEO.seed, VIDEO.model_name, Decimal(30))
    assert done.created_at is not None
    assert abs(done.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert done.created_at.tzinfo is UTC
    assert world.rate.taken[1:] == [("seedance2ai", Urgency.POLL)] * 2
    assert world.observed[1:] == [("status", 200)] * 2


@pytest.mark.parametrize("shape", ["image_urls", "images", "image_url"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_pictures_are_found_in_every_shape(*, shape: str, at_once: bool) -> None:
    """The documents show no picture's output; several come in their order."""
    async with rig(picture_output=shape, pictures_at_once=at_once) as world:
        task = await world.submitted(replace(PICTURE, count=4))
        await task.ended.wait()
        done = await world.ai.status(task.id)

    numbers = [url.partition("?")[0].rpartition("/")[2] for url in done.result_urls]
    assert done.state is TaskState.SUCCEEDED
    assert numbers == [f"{number}.png" for number in range(1, 2 if shape == "image_url" else 5)]
    assert (done.result_url, done.model_name) == (done.result_urls[0], "gpt-image-2")
    assert done.last_frame_url is None


async def test_short_answers_are_enough() -> None:
    """The older page shows five fields."""
    async with rig(short_answers=True) as world:
        task = await world.submitted(PREMIUM)
        await task.ended.wait()
        done = await world.ai.status(task.id)

    assert (done.state, done.cost) == (TaskState.SUCCEEDED, task.credits_used)
    assert done.result_url is not None
    assert (done.created_at, done.seed, done.last_frame_url) == (None, None, None)


OUTPUTS: list[tuple[Any, list[str]]] = [
    ({"video_url": LINK}, [LINK]),
    ({"video_url": LINK, "last_frame_url": "https://cdn.example/f.png", "url": "https://cdn.example/page"}, [LINK]),
    ({"video_url": None, "url": LINK}, [LINK]),
    ({"images": [{"url": LINK}, {"image_url": "https://b"}, {"nothing": 1}, None]}, [LINK, "https://b"]),
    ({"images": [{"image_url": {"url": LINK}}]}, [LINK]),
    ({"image_url": LINK, "image_urls": [LINK, "https://b", LINK]}, [LINK, "https://b"]),
    ({"imageUrls": [LINK]}, [LINK]),
    ({"urls": [LINK, 7]}, [LINK]),
    ([LINK, {"url": "https://b"}], [LINK, "https://b"]),
    (LINK, [LINK]),
    ({"last_frame_url": LINK}, []),
    ({"video_url": "ftp://x"}, []),
    ({"video_url": "https://" + "x" * 9000}, []),
    ({"images": [f"https://{number}" for number in range(50)]}, [f"https://{number}" for number in range(16)]),
    (None, []),
    (7, []),
]


@pytest.mark.parametrize(("output", "links"), OUTPUTS)
async def test_results_are_found_wherever_they_plausibly_are(wire: Wire, output: Any, links: list[str]) -> None:
    """In the order told, none twice, and nothing that is no web address."""
    done = await read(wire, {"id": "sd2_1", "status": "completed", "output": output})

    assert list(done.result_urls) == links
    assert done.result_url == (links[0] if links else None)


async def test_results_beside_the_output_are_found(wire: Wire) -> None:
    """Where the answer has no output of its own."""
    done = await read(wire, {"status": "completed", "output": None, "image_urls": [LINK]})

    assert done.result_urls == (LINK,)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("completed", TaskState.SUCCEEDED),
        (" Completed ", TaskState.SUCCEEDED),
        ("failed", TaskState.FAILED),
        ("processing", TaskState.RUNNING),
        ("queued", TaskState.RUNNING),
        ("cancelled", TaskState.RUNNING),
        ("", TaskState.RUNNING),
    ],
)
async def test_a_word_that_is_not_documented_means_running(wire: Wire, word: str, state: TaskState) -> None:
    """Three words are documented."""
    assert (await read(wire, {"id": "sd2_1", "status": word})).state is state


async def test_an_unknown_word_does_not_disturb_the_end() -> None:
    """The task is running until it says one of the two words that end it."""
    async with rig() as world:
        world.emulator.next_outcome(status_word="upscaling", hang=True)
        task = await world.submitted()
        first = await world.ai.status(task.id)
        await world.emulator.finish(task.id)

        assert first.state is TaskState.RUNNING
        assert (await world.ai.status(task.id)).state is TaskState.SUCCEEDED


@pytest.mark.parametrize(("refund", "kept"), [(None, 0), (Decimal(30), 0), (Decimal("12.5"), "17.5"), (Decimal(0), 30)])
@pytest.mark.parametrize("errors_as_text", [True, False])
async def test_a_failed_task_costs_what_is_not_given_back(
    *, refund: Decimal | None, kept: Any, errors_as_text: bool
) -> None:
    """`credits_used` less `credits_refunded`; a sentence of theirs is no code."""
    async with rig(errors_as_text=errors_as_text) as world:
        world.emulator.next_outcome(error_code="internal_error", credits_refunded=refund)
        task = await world.submitted()
        await task.ended.wait()
        failed = await world.ai.status(task.id)

    assert (failed.state, failed.cost) == (TaskState.FAILED, Decimal(kept))
    assert failed.error_code == (None if errors_as_text else "internal_error")
    assert (failed.result_url, failed.result_urls) == (None, ())
    assert world.ai.traits.charges_failures


async def test_a_late_refund_lowers_the_cost() -> None:
    """The next question tells it."""
    async with rig() as world:
        world.emulator.next_outcome(error_code="internal_error", refund_after_s=0.1)
        task = await world.submitted()
        await task.ended.wait()
        at_first = await world.ai.status(task.id)
        await until(lambda: task.credits_refunded > 0)
        later = await world.ai.status(task.id)

    assert (at_first.cost, later.cost) == (Decimal(30), Decimal(0))


async def test_missing_pictures_are_not_paid_for() -> None:
    """A part of the batch came, and its price."""
    async with rig() as world:
        world.emulator.next_outcome(missing_pictures=1)
        task = await world.submitted(replace(PICTURE, count=4))
        await task.ended.wait()
        done = await world.ai.status(task.id)

    assert len(done.result_urls) == 3
    assert done.cost == task.credit_cost


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"credits_used": 30}, 30),
        ({"credits_used": 30.1, "credits_refunded": "0.05"}, "30.05"),
        ({"credits_used": 30, "credits_refunded": 40}, 0),
        ({"credits_used": 30, "credits_refunded": None}, 30),
        ({"credits_used": 30, "credits_refunded": "some"}, 30),
        ({"credits_refunded": 3}, None),
        ({"credits_used": True}, None),
        ({"credits_used": -5}, None),
        ({"credits_used": "1e999"}, None),
        ({"credits_used": "NaN"}, None),
    ],
)
async def test_the_cost_is_exact_or_not_known(wire: Wire, fields: dict[str, Any], cost: Any) -> None:
    """Without the errors of binary fractions, never below nothing."""
    done = await read(wire, {"id": "sd2_1", "status": "failed", **fields})

    assert done.cost == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "service_busy", "message": "x"}, "service_busy"),
        ("Service_Busy", "service_busy"),
        ("The picture at https://x could not be read.", None),
        ({"message": "x"}, None),
        ({"code": 5}, None),
        (["x"], None),
        (None, None),
    ],
)
async def test_only_codes_are_taken_from_a_failed_task(wire: Wire, error: Any, code: str | None) -> None:
    """An object, a text, or nothing."""
    assert (await read(wire, {"status": "failed", "error": error})).error_code == code


async def test_nothing_but_the_status_is_needed(wire: Wire) -> None:
    """Every other field may be missing or nonsense; an older seed, an odd time, a video without its tier."""
    bare = await read(wire, {"id": None, "status": "processing"})
    odd = await read(
        wire,
        {
            "id": "sd2_1",
            "status": "completed",
            "model": "seedance2",
            "output": {"seed": "many", "last_frame_url": 5},
            "created_at": "yesterday",
            "credits_used": [],
        },
    )
    naive = await read(wire, {"status": "processing", "created_at": "2026-06-03T10:00:00", "model": 5})

    assert bare == TaskStatus("sd2_1", TaskState.RUNNING)
    assert odd == TaskStatus("sd2_1", TaskState.SUCCEEDED)
    assert naive.created_at == datetime(2026, 6, 3, 10, tzinfo=UTC)
    assert naive.model_name is None


@pytest.mark.parametrize(
    ("fields", "status", "kind", "code"),
    [
        ({"error": {"code": "not_found", "message": "x"}}, 404, TaskNotFound, "not_found"),
        ({"error": {"message": "No such task"}}, 404, TaskNotFound, "not_found"),
        ({"error": "Task does not exist"}, 404, TaskNotFound, "not_found"),
        (b"<html>404</html>", 404, ProviderBusy, "http_404"),
        (b"", 404, ProviderBusy, "http_404"),
        ({"error": {"code": "unauthorized"}}, 401, ProviderAccount, "unauthorized"),
        ({"error": {"code": "rate_limited"}}, 429, ProviderBusy, "rate_limited"),
        ({"error": {"code": "internal_error"}}, 500, ProviderBusy, "internal_error"),
        ({"error": {"code": "service_busy"}}, 503, ProviderBusy, "service_busy"),
        (b"<html>502</html>", 502, ProviderBusy, "http_502"),
        (b"<html>fine</html>", 200, ProviderBusy, "malformed"),
        ([], 200, ProviderBusy, "malformed"),
        ({"id": "sd2_2", "status": "completed"}, 200, ProviderBusy, "malformed"),
        ({"id": "sd2_1", "status": 3}, 200, ProviderBusy, "malformed"),
        ({"id": {}, "status": "failed"}, 200, ProviderBusy, "malformed"),
        ({"id": "sd2_1", "status": "failed"}, 500, ProviderBusy, "http_500"),
    ],
)
async def test_answers_that_say_nothing_of_the_task(
    wire: Wire, *, fields: Any, status: int, kind: type[ProviderError], code: str
) -> None:
    """Only the API itself says that a task does not exist; everything else is asked again."""
    error = await failure(wire, fields, status=status)

    assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize("kind", ["html", "garbage", "empty", "error", "lose_answer", "reset_before", "cut"])
async def test_a_question_that_goes_wrong_is_asked_again(kind: str) -> None:
    """Whatever the fault, the next answer is the task's."""
    async with rig() as world:
        task = await world.submitted()
        await task.ended.wait()
        world.emulator.faults.add("status", kind, status=502, times=2, cut_after_bytes=10)
        with pytest.raises(ProviderError) as caught:
            await world.ai.status(task.id)
        world.emulator.faults.clear()
        done = await world.ai.status(task.id)

    assert not isinstance(caught.value, TaskNotFound | ProviderAccount | ProviderRejected)
    assert done.state is TaskState.SUCCEEDED


async def test_a_task_that_vanishes_comes_back() -> None:
    """It is not found, and then found again."""
    async with rig() as world:
        world.emulator.next_outcome(vanish_queries=2)
        task = await world.submitted()
        for _ in range(2):
            with pytest.raises(TaskNotFound):
                await world.ai.status(task.id)
        found = await world.ai.status(task.id)

    assert found.task_id == task.id


async def test_an_expired_result_may_get_a_new_address() -> None:
    """Asking again tells the present one."""
    async with rig(renews_urls=True, video_url_lifetime_s=0.05) as world:
        task = await world.submitted()
        await task.ended.wait()
        first = await world.ai.status(task.id)
        await until(lambda: task.urls_expire_at <= datetime.now(UTC).timestamp())
        second = await world.ai.status(task.id)

    assert first.result_url != second.result_url


async def test_an_id_cannot_lead_elsewhere() -> None:
    """What is no plain id is escaped."""
    async with rig() as world:
        with pytest.raises(ProviderError):
            await world.ai.status("../video/seedance2?x=/")
        [request] = world.emulator.requests

    assert request.path.startswith("/api/v1/tasks/")


async def test_a_lost_connection_costs_no_request_that_was_not_counted() -> None:
    """On a connection that was used before, the HTTP client would ask again by itself, past the rate budget."""
    async with rig() as world:
        await world.ai.check_key()
        world.emulator.faults.add("status", "reset_before")
        with pytest.raises(ProviderAmbiguous):
            await world.ai.check_key()

    assert len(world.emulator.requests) == len(world.rate.taken) == 2


async def test_the_key_is_proven_by_a_task_that_cannot_exist() -> None:
    """404 proves it; 401 is a dead key; a failing provider proves nothing."""
    async with rig() as world:
        await world.ai.check_key()
        world.emulator.faults.add("status", "html", status=404)
        with pytest.raises(ProviderBusy):
            await world.ai.check_key()
        world.emulator.revoke(world.emulator.api_key)
        with pytest.raises(ProviderAccount) as caught:
            await world.ai.check_key()

    assert caught.value.code == "unauthorized"
    assert world.rate.taken == [("seedance2ai", Urgency.POLL)] * 3


async def test_what_the_provider_does_not_have_is_not_asked_for() -> None:
    """No cancel, list, balance, styles or upload; an empty list would prove that a task is absent."""
    picture = Reference(ReferenceRole.REFERENCE, MediaKind.IMAGE, "image/png", 1, "0" * 64, key="references/a")
    async with rig() as world:
        assert await world.ai.cancel("sd2_1") is None
        assert await world.ai.balance() is None
        assert await world.ai.styles() == []
        with pytest.raises(ProviderRejected):
            await world.ai.upload(picture, Path("a"))
        with pytest.raises(ProviderRejected):
            world.ai.list_tasks(since=datetime.now(UTC))

    assert world.emulator.requests == []
    assert world.ai.traits.takes_links
