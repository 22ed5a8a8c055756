"""Following tasks: status, list, cancel and balance; no answer, however odd, is taken for more than it says."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from bot.domain.errors import ProviderAccount, ProviderAmbiguous, ProviderBusy, ProviderError, TaskNotFound
from bot.domain.jobs import TaskState, TaskStatus
from bot.ports import Urgency
from bot.providers.seedance2_movie import ERROR_CODES, PAGES_MAX, Seedance2Movie
from playground.providers import Seedance2Movie as Emulator
from tests.providers.conftest import HASTY, SPEC, Connect, RecordingRate, Wire

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def listed(movie: Seedance2Movie, since: datetime = LONG_AGO) -> list[TaskStatus]:
    return [task async for task in movie.list_tasks(since=since)]


READS: dict[str, Callable[[Seedance2Movie], Awaitable[object]]] = {
    "status": lambda movie: movie.status("t1"),
    "list": listed,
    "cancel": lambda movie: movie.cancel("t1"),
    "balance": lambda movie: movie.balance(),
}


async def create(movie: Seedance2Movie) -> str:
    return (await movie.submit(movie.compose(SPEC, [], callback_url=None))).task_id


def respond(wire: Wire, result: Any, **envelope: Any) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "200", "message": "Success", "result": result, **envelope})

    wire.answer = answer


# ------------------------------------------------------------------------------------------------------- status


async def test_a_finished_task_is_read_whole(movie: Seedance2Movie, emulator: Emulator) -> None:
    """Cost, addresses and everything that tells whose task it is."""
    task_id = await create(movie)
    await emulator.tasks[task_id].ended.wait()
    status = await movie.status(task_id)

    assert status.created_at is not None
    assert abs(status.created_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert status == TaskStatus(
        task_id=task_id,
        state=TaskState.SUCCEEDED,
        cost=Decimal("5.76"),
        result_url=emulator.tasks[task_id].video_url,
        last_frame_url=emulator.tasks[task_id].last_frame_url,
        seed=1234567,
        model_name="seedance-2.0-fast",
        resolution="480p",
        aspect_ratio="21:9",
        duration_s=8,
        created_at=status.created_at,
    )


async def test_a_failed_task_names_its_code_and_costs_nothing(movie: Seedance2Movie, emulator: Emulator) -> None:
    """The provider's code comes through; failed tasks are not charged."""
    emulator.next_outcome(error_code="PRIVACY_VIOLATION")
    task_id = await create(movie)
    await emulator.tasks[task_id].ended.wait()
    status = await movie.status(task_id)

    assert (status.state, status.error_code, status.cost) == (TaskState.FAILED, "PRIVACY_VIOLATION", 0)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", TaskState.RUNNING),
        ("queued", TaskState.RUNNING),
        ("processing", TaskState.RUNNING),
        ("upscaling", TaskState.RUNNING),
        ("completed", TaskState.SUCCEEDED),
        ("Failed", TaskState.FAILED),
        ("cancelled", TaskState.CANCELLED),
        ("expired", TaskState.EXPIRED),
    ],
)
async def test_every_status_word_is_understood(connect: Connect, wire: Wire, word: str, state: TaskState) -> None:
    """Words that are not documented mean running."""
    respond(wire, {"task_id": "t1", "status": word})

    assert (await connect(wire.origin).status("t1")).state is state


@pytest.mark.parametrize("moment", ["yesterday", "0001-01-01T00:00:00+23:59"])
async def test_odd_fields_become_unknown_instead_of_errors(connect: Connect, wire: Wire, moment: str) -> None:
    """Only the id and the status are needed; new fields are ignored."""
    respond(
        wire,
        {
            "task_id": "t1",
            "status": "processing",
            "credit_cost": "NaN",
            "seed": "12",
            "duration": 8.0,
            "model": None,
            "ratio": 5,
            "video_url": {"url": "https://x"},
            "last_frame_url": "javascript:1",
            "error_code": {},
            "created_at": moment,
            "new_field": [1],
        },
    )

    assert await connect(wire.origin).status("t1") == TaskStatus("t1", TaskState.RUNNING, seed=12, duration_s=8)


@pytest.mark.parametrize(
    "told",
    [
        "2026-03-04T12:00:00Z",
        "2026-03-04T12:00:00.000Z",
        "2026-03-04T12:00:00",
        "2026-03-04 13:00:00+01:00",
        1772625600,
        1772625600000,
        "1772625600",
    ],
)
async def test_creation_times_are_read_in_every_usual_form(connect: Connect, wire: Wire, told: object) -> None:
    """ISO 8601 with and without an offset, seconds and milliseconds."""
    respond(wire, {"task_id": "t1", "status": "queued", "created_at": told})

    assert (await connect(wire.origin).status("t1")).created_at == datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "result", [None, {}, [], {"task_id": "t1"}, {"task_id": "t2", "status": "completed"}, {"status": 5}]
)
async def test_an_answer_about_nothing_is_asked_for_again(connect: Connect, wire: Wire, result: object) -> None:
    """No status, or another task's: nothing is concluded."""
    respond(wire, result)

    with pytest.raises(ProviderBusy):
        await connect(wire.origin).status("t1")


async def test_task_ids_cannot_change_the_address(connect: Connect, wire: Wire) -> None:
    """Whatever a task id contains, it stays one part of the path."""
    respond(wire, {"status": "queued"})
    await connect(wire.origin).status("../balance?x=1#y/%2e")

    assert wire.requests[0].raw_path == "/api/v1/video/task/..%2Fbalance%3Fx%3D1%23y%2F%252e"


# ------------------------------------------------------------------------------------- errors of all the reads


@pytest.mark.parametrize("status", [None, 200, 500])
@pytest.mark.parametrize("code", ERROR_CODES)
@pytest.mark.parametrize("route", READS)
async def test_every_code_on_every_read(
    movie: Seedance2Movie, emulator: Emulator, *, route: str, code: str, status: int | None
) -> None:
    """Only a dead key and an unknown task mean something; all else is asked for again."""
    kind = "error" if status is None else "status"
    emulator.faults.add(route, kind, code=code, **({} if status is None else {"status": status}))
    expected: type[ProviderError] = ProviderBusy
    if code == "INVALID_API_KEY":
        expected = ProviderAccount
    elif code == "TASK_NOT_FOUND" and route in ("status", "cancel"):
        expected = TaskNotFound
    if route == "cancel" and code in ("TASK_CANCEL_NOT_ALLOWED", "INVALID_PARAMETER"):
        assert await READS[route](movie) is None
        return
    with pytest.raises(ProviderError) as caught:
        await READS[route](movie)

    assert (type(caught.value), caught.value.code) == (expected, code)


@pytest.mark.parametrize("status", [200, 302, 403, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("kind", ["html", "garbage", "empty"])
@pytest.mark.parametrize("route", READS)
async def test_pages_of_proxies_mean_nothing_on_a_read(
    movie: Seedance2Movie, emulator: Emulator, *, route: str, kind: str, status: int
) -> None:
    """Not even a 404 says that a task is gone: it may be the proxy's."""
    emulator.faults.add(route, kind, status=status)
    with pytest.raises(ProviderBusy):
        await READS[route](movie)


@pytest.mark.parametrize("kind", ["lose_answer", "reset_before", "cut"])
@pytest.mark.parametrize("route", READS)
async def test_lost_answers_of_reads(movie: Seedance2Movie, emulator: Emulator, *, route: str, kind: str) -> None:
    """They are the provider's errors, not crashes."""
    emulator.faults.add(route, kind, times=None, cut_after_bytes=5)
    with pytest.raises(ProviderAmbiguous):
        await READS[route](movie)


async def test_reads_take_their_turn(movie: Seedance2Movie, rate: RecordingRate) -> None:
    """Each request counts on the account; a cancel is more urgent than a poll."""
    task_id = await create(movie)
    rate.taken.clear()
    await movie.status(task_id)
    await movie.cancel(task_id)
    await movie.balance()
    await listed(movie)

    assert [urgency for _, urgency in rate.taken] == [Urgency.POLL, Urgency.CANCEL, Urgency.POLL, Urgency.POLL]


# --------------------------------------------------------------------------------------------- cancel, balance


async def test_a_task_under_way_is_cancelled(movie: Seedance2Movie, emulator: Emulator) -> None:
    """The answer is the task's new state."""
    emulator.next_outcome(hang=True)
    task_id = await create(movie)
    answer = await movie.cancel(task_id)

    assert answer is not None
    assert answer.state is TaskState.CANCELLED
    assert emulator.tasks[task_id].status == "cancelled"


async def test_a_task_at_its_end_can_no_longer_be_cancelled(movie: Seedance2Movie, emulator: Emulator) -> None:
    """None says: it is too late, ask for its status."""
    task_id = await create(movie)
    await emulator.tasks[task_id].ended.wait()

    assert await movie.cancel(task_id) is None


async def test_the_balance_is_exact(movie: Seedance2Movie, emulator: Emulator) -> None:
    """What remains, as told."""
    emulator.account.used = Decimal("3250.5")

    assert await movie.balance() == Decimal("6749.5")


@pytest.mark.parametrize("result", [None, {}, {"remain_credits": "much"}, {"remain_credits": True}])
async def test_a_balance_that_cannot_be_read_is_no_balance(connect: Connect, wire: Wire, result: object) -> None:
    """It is asked for again."""
    respond(wire, result)

    with pytest.raises(ProviderBusy):
        await connect(wire.origin).balance()


# --------------------------------------------------------------------------------------------------------- list


def serve_rows(wire: Wire, rows: list[Any], *, page_size: int = 100, total: Any = ...) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        page = int(request.query["page"])
        data = rows[(page - 1) * page_size : page * page_size]
        result = {"data": data, "total": len(rows) if total is ... else total, "page": page, "page_size": page_size}
        return web.json_response({"code": "200", "result": result})

    wire.answer = answer


def row(number: int, *, at: datetime | None = None) -> dict[str, Any]:
    told = (at or datetime(2026, 3, 4, 12, tzinfo=UTC) - timedelta(minutes=number)).isoformat()
    return {"task_id": f"t{number}", "status": "completed", "seed": number, "created_at": told}


async def test_the_list_has_every_task_of_the_account(movie: Seedance2Movie, emulator: Emulator) -> None:
    """More than a page of them, newest first, each once."""
    made = [await create(movie) for _ in range(103)]
    found = await listed(movie)
    pages = [record.query for record in emulator.requests if record.route == "list"]

    assert [task.task_id for task in found] == made[::-1]
    assert [page["page"] for page in pages] == ["1", "2"]
    assert found[0].seed == 1234567


async def test_the_list_stops_where_tasks_are_too_old(connect: Connect, wire: Wire) -> None:
    """A page in order that ends before the moment is the last one asked for."""
    serve_rows(wire, [row(number) for number in range(1000)])
    since = datetime(2026, 3, 4, 12, tzinfo=UTC) - timedelta(minutes=150)
    found = await listed(connect(wire.origin), since)

    assert [task.task_id for task in found] == [f"t{number}" for number in range(151)]
    assert len(wire.requests) == 2


async def test_an_unordered_list_is_read_to_its_end(connect: Connect, wire: Wire) -> None:
    """Oldest first, the wanted task is on the last page; stopping early would prove it absent."""
    serve_rows(wire, [row(number) for number in reversed(range(250))])
    since = datetime(2026, 3, 4, 12, tzinfo=UTC) - timedelta(minutes=1)
    found = await listed(connect(wire.origin), since)

    assert [task.task_id for task in found] == ["t1", "t0"]


@pytest.mark.parametrize("total", [..., None, "45"])
async def test_smaller_pages_than_asked_for_end_nothing(connect: Connect, wire: Wire, total: object) -> None:
    """The rows that came are counted, with and without a total."""
    serve_rows(wire, [row(number) for number in range(45)], page_size=20, total=total)

    assert len(await listed(connect(wire.origin))) == 45


async def test_rows_come_as_objects_or_as_text(connect: Connect, wire: Wire) -> None:
    """The documentation shows text; what is neither is left out, what lacks fields is kept."""
    serve_rows(wire, [row(1), json.dumps(row(2)), "{ ... task objects ... }", None, 7, {"status": "x"}, {"task_id": 8}])
    found = await listed(connect(wire.origin))

    assert [task.task_id for task in found] == ["t1", "t2", "8"]
    assert found[2] == TaskStatus("8", TaskState.RUNNING)


async def test_a_list_without_end_proves_nothing(connect: Connect, wire: Wire) -> None:
    """After the last page that is asked for, the search fails instead of saying that a task is absent."""
    serve_rows(wire, [row(number) for number in range(PAGES_MAX * 100 + 1)])

    with pytest.raises(ProviderBusy, match="list_too_long"):
        await listed(connect(wire.origin))
    assert len(wire.requests) == PAGES_MAX


@pytest.mark.parametrize("total", [250, None])
async def test_a_list_that_repeats_itself_proves_nothing(connect: Connect, wire: Wire, total: object) -> None:
    """The same page again and again: rows that came before are not counted against the total."""

    async def answer(request: web.Request) -> web.StreamResponse:
        data = [row(number) for number in range(100)]
        return web.json_response({"code": "200", "result": {"data": data, "total": total, "page": 1}})

    wire.answer = answer

    with pytest.raises(ProviderBusy, match="list_repeats"):
        await listed(connect(wire.origin))
    assert len(wire.requests) == 2


async def test_a_list_that_grows_meanwhile_is_read_whole(connect: Connect, wire: Wire) -> None:
    """A task made between two pages moves the last row of the first page to the second one, where it comes again."""
    rows = [row(number) for number in range(150)]

    async def answer(request: web.Request) -> web.StreamResponse:
        page = int(request.query["page"])
        data = rows[(page - 1) * 100 : page * 100]
        total = len(rows)
        rows.insert(0, row(1000 + page, at=datetime(2026, 3, 4, 13, tzinfo=UTC)))
        return web.json_response({"code": "200", "result": {"data": data, "total": total}})

    wire.answer = answer
    found = await listed(connect(wire.origin))

    assert sorted(found, key=lambda task: task.task_id) == sorted(set(found), key=lambda task: task.task_id)
    assert {f"t{number}" for number in range(150)} <= {task.task_id for task in found}


@pytest.mark.parametrize("result", [None, {}, {"data": {}}, {"data": "x"}])
async def test_a_list_without_rows_proves_nothing(connect: Connect, wire: Wire, result: object) -> None:
    """An answer that is no list is not an empty one."""
    respond(wire, result)

    with pytest.raises(ProviderBusy):
        await listed(connect(wire.origin))


async def test_a_read_that_takes_too_long_is_given_up(connect: Connect, emulator: Emulator) -> None:
    """Slow answers end in the provider's error, before they come."""
    emulator.faults.add("status", "delay", delay_s=3)
    with pytest.raises(ProviderAmbiguous, match="timeout"):
        await connect(emulator.origin, HASTY).status("t1")
