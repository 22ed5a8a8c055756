"""Following tasks at seedance-tv, its styles and its balance; no answer is taken for more than it says."""

import asyncio
from collections.abc import Awaitable, Callable
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
from bot.domain.jobs import TaskState
from bot.domain.requests import MediaKind, Reference, ReferenceRole
from bot.ports import Urgency
from bot.providers.seedance_tv import ERROR_CODES, SeedanceTv
from playground.providers.tv_rules import MESSAGES, STYLES
from playground.providers.tv_tasks import BalanceShape, StylesShape, Task
from tests.providers.conftest import HASTY, PATIENT, RecordingRate, Wire
from tests.providers.test_tv_create import connected, respond, rig, unconnected
from tests.waiting import PATIENCE_S

READS: dict[str, Callable[[SeedanceTv], Awaitable[object]]] = {
    "status": lambda tv: tv.status("vid_1"),
    "styles": lambda tv: tv.styles(),
    "balance": lambda tv: tv.balance(),
    "check": lambda tv: tv.check_key(),
}


async def ended(task: Task) -> Task:
    """Wait for the provider's end of a task."""
    await asyncio.wait_for(task.ended.wait(), PATIENCE_S)
    return task


async def asked(wire: Wire, read: str, body: Any, *, status: int = 200) -> object:
    """What a question gives or raises."""
    respond(wire, body, status=status)
    async with connected(wire.origin, RecordingRate()) as tv:
        try:
            return await READS[read](tv)
        except ProviderError as error:
            return error


# -------------------------------------------------------------------------------------------------------- status


async def test_a_finished_task_has_its_clip_and_no_cost() -> None:
    """The provider tells neither the cost nor anything of the request."""
    async with rig() as at:
        task = await ended(await at.submitted())
        status = await at.tv.status(task.id)

        assert (status.state, status.result_url) == (TaskState.SUCCEEDED, task.video_url)
        assert (status.cost, status.seed, status.error_code) == (None, None, None)
        assert status.created_at is not None
        assert abs(status.created_at - datetime.now(UTC)) < timedelta(seconds=30)


async def test_a_task_under_way_is_running() -> None:
    """Without a clip or an error."""
    async with rig() as at:
        at.emulator.next_outcome(hang=True)
        status = await at.tv.status((await at.submitted()).id)

        assert (status.state, status.result_url, status.error_code) == (TaskState.RUNNING, None, None)


@pytest.mark.parametrize("word", ["queued", "completed", "cancelled", "", "SUCCESS"])
async def test_words_that_are_not_documented_mean_running(word: str, wire: Wire) -> None:
    """Also where they sound like an end."""
    found = await asked(wire, "status", {"id": "vid_1", "status": word, "url": "https://cdn.example/a.mp4"})

    assert getattr(found, "state", None) is TaskState.RUNNING


@pytest.mark.parametrize("as_objects", [True, False])
async def test_a_failed_task_has_failed_whatever_its_error_looks_like(as_objects: bool) -> None:
    """A sentence, or a code and a message."""
    async with rig(errors_as_objects=as_objects) as at:
        at.emulator.next_outcome(error_code="RENDER_FAILED", error_message="The renderer gave up.")
        task = await ended(await at.submitted())
        status = await at.tv.status(task.id)

        assert (status.state, status.result_url) == (TaskState.FAILED, None)
        assert status.error_code == ("RENDER_FAILED" if as_objects else None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("The prompt violates our content policy.", "tv_moderated"),
        ({"code": "content_moderation", "message": "no"}, "tv_moderated"),
        (["NSFW content"], "tv_moderated"),
        ({"code": "gpu_lost"}, "GPU_LOST"),
        ({"type": "server_error", "error": {"message": "x"}}, "SERVER_ERROR"),
        ("refunded", None),
        ("failed", None),
        (None, None),
        (7, None),
        ([[[[[["deep_code"]]]]]], None),
        ("A" * 70_000, None),
    ],
)
async def test_an_error_in_any_shape_is_a_code_or_none(wire: Wire, error: Any, code: str | None) -> None:
    """None of its text goes on; a code never looks like one of ours."""
    found = await asked(wire, "status", {"id": "vid_1", "status": "failed", "error": error})

    assert getattr(found, "state", None) is TaskState.FAILED
    assert getattr(found, "error_code", "?") == code


async def test_a_success_without_a_url_has_no_clip_yet() -> None:
    """It is asked for again."""
    async with rig() as at:
        at.emulator.next_outcome(no_url=True)
        task = await ended(await at.submitted())
        status = await at.tv.status(task.id)

        assert (status.state, status.result_url) == (TaskState.SUCCEEDED, None)


@pytest.mark.parametrize("url", ["ftp://a/b", 7, None, "/clip.mp4", "https://" + "a" * 9000])
async def test_an_address_that_is_none_is_left_out(wire: Wire, url: Any) -> None:
    """Nothing else of the answer is lost."""
    found = await asked(wire, "status", {"status": "succeeded", "url": url, "created_at": "soon"})

    assert getattr(found, "state", None) is TaskState.SUCCEEDED
    assert (getattr(found, "result_url", "?"), getattr(found, "created_at", "?")) == (None, None)


async def test_a_task_that_vanishes_is_not_found_and_returns() -> None:
    """404 in JSON is the API's own word."""
    async with rig() as at:
        at.emulator.next_outcome(vanish_queries=1)
        task = await at.submitted()
        with pytest.raises(TaskNotFound) as caught:
            await at.tv.status(task.id)

        assert caught.value.code == "tv_not_found"
        assert (await at.tv.status(task.id)).task_id == task.id


async def test_a_strange_id_stays_one_part_of_the_path() -> None:
    """Slashes and question marks ask for no other address."""
    async with rig() as at:
        with pytest.raises(TaskNotFound):
            await at.tv.status("../styles?x=/y")

        assert [record.route for record in at.emulator.requests] == ["status"]


@pytest.mark.parametrize(
    ("body", "status", "meaning"),
    [
        ({"error": "Not Found"}, 404, TaskNotFound),
        (b"Not Found", 404, TaskNotFound),
        (b"", 404, TaskNotFound),
        (b"\n <html>nginx</html>", 404, ProviderBusy),
        (b"<html>", 401, ProviderAccount),
        ({"id": "vid_2", "status": "succeeded"}, 200, ProviderBusy),
        ({"id": "vid_1"}, 200, ProviderBusy),
        ({"id": "vid_1", "status": 3}, 200, ProviderBusy),
        ([], 200, ProviderBusy),
        (b"<html>", 200, ProviderBusy),
    ],
)
async def test_odd_answers_about_a_task(wire: Wire, body: Any, status: int, meaning: type[ProviderError]) -> None:
    """Another task's answer, a proxy's page, half an answer: asked again later."""
    assert type(await asked(wire, "status", body, status=status)) is meaning


# ------------------------------------------------------------------------------------------------ styles, balance


@pytest.mark.parametrize("shape", ["names", "objects", "array", "data"])
async def test_styles_are_read_in_every_shape(shape: StylesShape) -> None:
    """As a create takes them: by id where there is one."""
    async with rig(styles_shape=shape) as at:
        assert await at.tv.styles() == list(STYLES)


@pytest.mark.parametrize(
    ("body", "styles"),
    [
        ({"styles": []}, []),
        ({"data": {"styles": [{"slug": "anime", "label": "Anime"}]}}, ["anime"]),
        ({"styles": [{"id": 3, "name": "anime"}, {"x": 1}, 7, None, " ", "anime", "b" * 101]}, ["anime"]),
        ({"styles": {"anime": {"preview": "x"}, "noir": {}}}, ["anime", "noir"]),
        (["a"] * 9 + [f"s{n}" for n in range(900)], ["a", *(f"s{n}" for n in range(499))]),
    ],
)
async def test_lists_of_styles_in_other_shapes(wire: Wire, body: Any, styles: list[str]) -> None:
    """Each once, in order, as many as are sensible, none that Discord could not show."""
    assert await asked(wire, "styles", body) == styles


@pytest.mark.parametrize("shape", ["balance", "credits", "nested", "text"])
async def test_the_balance_is_read_in_every_shape(shape: BalanceShape) -> None:
    """Exactly."""
    async with rig(credits=12, balance_shape=shape) as at:
        assert await at.tv.balance() == Decimal(12)


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ({"balance": 12.10}, "12.1"),
        ({"data": {"remaining_credits": "7.25"}}, "7.25"),
        ({"account": {"balance": {"amount": 5, "currency": "credits"}}}, "5"),
        ({"credits": {"total": 100, "remaining": 80}}, "80"),
        ({"balance": -3}, "-3"),
        ({"balance": 0}, "0"),
        (9, "9"),
    ],
)
async def test_balances_in_other_shapes(wire: Wire, body: Any, amount: str) -> None:
    """Without the errors of binary fractions."""
    assert await asked(wire, "balance", body) == Decimal(amount)


@pytest.mark.parametrize("read", ["styles", "balance"])
@pytest.mark.parametrize(
    "body", [{"balance": None, "styles": 7}, {"balance": True}, {"balance": "NaN"}, b"", b"<p>", {}]
)
async def test_answers_without_what_was_asked_for_are_asked_again(wire: Wire, read: str, body: Any) -> None:
    """Never a zero, never an empty list."""
    error = await asked(wire, read, body)

    assert type(error) is ProviderBusy
    assert str(error) == "malformed"


@pytest.mark.parametrize(("body", "is_proof"), [({"left": "plenty"}, True), (b"", False), (b"<p>", False)])
async def test_any_answer_of_the_api_proves_the_key(wire: Wire, body: Any, is_proof: bool) -> None:
    """A balance in a shape that nobody could foresee must not stop submissions; a proxy's page is no proof."""
    assert (await asked(wire, "check", body) is None) is is_proof


# -------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    ("status", "meaning", "code"),
    [
        (401, ProviderAccount, "tv_unauthorized"),
        (403, ProviderBusy, "http_403"),
        (422, ProviderBusy, "tv_invalid"),
        (429, ProviderBusy, "tv_too_many_requests"),
        (500, ProviderBusy, "tv_internal_error"),
        (502, ProviderBusy, "http_502"),
    ],
)
async def test_questions_may_be_asked_again_unless_the_key_is_dead(
    wire: Wire, read: str, status: int, meaning: type[ProviderError], code: str
) -> None:
    """Nothing was changed by asking."""
    error = await asked(wire, read, {"error": "x"}, status=status)
    if read == "check" and meaning is ProviderBusy and status != 429:
        meaning = ProviderAmbiguous  # no sign of life, so that it counts for an outage

    assert (type(error), getattr(error, "code", None)) == (meaning, code)


@pytest.mark.parametrize("kind", ["lose_answer", "reset_before", "delay"])
async def test_a_question_without_an_answer_says_so(kind: str) -> None:
    """As the client of every provider does."""
    async with rig() as at:
        at.emulator.faults.add("balance", kind, delay_s=2, times=None)
        async with connected(at.emulator.base_url, at.rate, timeout=HASTY if kind == "delay" else PATIENT) as tv:
            with pytest.raises(ProviderAmbiguous):
                await tv.balance()


async def test_a_dead_key_is_told_from_a_live_one() -> None:
    """By the balance, which changes nothing."""
    async with rig() as at:
        await at.tv.check_key()
        at.emulator.account.enabled = False
        with pytest.raises(ProviderAccount) as caught:
            await at.tv.check_key()

        assert caught.value.code == "tv_unauthorized"
        assert at.rate.taken == [("seedance-tv", Urgency.POLL)] * 2


def test_every_status_of_the_error_table_has_a_code() -> None:
    """And the one for an empty account; a gateway's 503 is not the document's, and of 429s there are two kinds."""
    assert len(ERROR_CODES) == len(set(ERROR_CODES))
    ours = {"tv_missing", "tv_moderated", "tv_concurrency_limit"}
    assert len(MESSAGES) - 1 == len([code for code in ERROR_CODES if code not in ours])


async def test_what_there_is_not_is_refused_or_none(tmp_path: Path) -> None:
    """No upload, no list (an empty one would prove something), no cancel."""
    tv = unconnected()
    reference = Reference(ReferenceRole.START_IMAGE, MediaKind.IMAGE, "image/png", 1, "00", key="k")
    with pytest.raises(ProviderRejected):
        await tv.upload(reference, tmp_path)
    with pytest.raises(ProviderRejected):
        tv.list_tasks(since=datetime.now(UTC))

    assert await tv.cancel("vid_1") is None
