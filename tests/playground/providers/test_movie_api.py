"""The seedance2-movie emulator answers as the provider's document says."""

import re
from decimal import Decimal
from typing import Any

import pytest

from playground.providers import Seedance2Movie
from playground.providers.movie_rules import MESSAGES, PRICE_PER_S
from tests.playground.providers.conftest import Api

MAPPED = {
    "INVALID_API_KEY": 401,
    "INVALID_PARAMETER": 400,
    "MISSING_PARAMETER": 400,
    "CONTENT_MODERATION_FAILED": 400,
    "TASK_CANCEL_NOT_ALLOWED": 400,
    "INSUFFICIENT_CREDIT": 402,
    "TASK_NOT_FOUND": 404,
    "RATE_LIMIT_EXCEEDED": 429,
    "CONCURRENCY_LIMIT_REACHED": 429,
    "INTERNAL_ERROR": 500,
    "TASK_SUBMIT_FAILED": 500,
    "SERVICE_BUSY": 503,
}
PRICES = [
    ("seedance-2.0", "1080p", 36.0),
    ("seedance-2.0", "720p", 14.4),
    ("seedance-2.0", "480p", 7.2),
    ("seedance-2.0-fast", "1080p", 26.496),
    ("seedance-2.0-fast", "720p", 11.52),
    ("seedance-2.0-fast", "480p", 5.76),
]
TEXT = {"type": "text", "text": "a cat"}


async def test_the_documents_request_is_answered_with_id_status_and_cost(api: Api) -> None:
    """Submit answers task_id, pending and the price of eight seconds."""
    status, body = await api.submit(
        model="seedance-2.0", resolution="720p", ratio="16:9", duration=8, generate_audio=False
    )

    assert status == 200
    assert (body["code"], body["message"]) == ("200", "Success")
    assert body["result"].keys() == {"task_id", "status", "credit_cost"}
    assert (body["result"]["status"], body["result"]["credit_cost"]) == ("pending", 14.4)


async def test_defaults_are_those_of_the_table(api: Api, movie: Seedance2Movie) -> None:
    """A body of content alone means standard model, 720p, 16:9, five seconds, no audio."""
    task = await api.ended()

    told = await api.status(task)
    assert (told["model"], told["resolution"], told["ratio"], told["duration"]) == ("seedance-2.0", "720p", "16:9", 5)
    assert (told["generate_audio"], told["seed"], told["last_frame_url"]) == (False, None, None)
    assert task.order.watermark is False


async def test_a_completed_task_has_every_documented_field(api: Api) -> None:
    """The status answer has exactly the fields of the document, with ISO times."""
    task = await api.ended(seed=77, return_last_frame=True, generate_audio=True, model="seedance-2.0-fast")

    told = await api.status(task)
    assert set(told) == {
        *("task_id", "model", "status", "resolution", "ratio", "duration", "generate_audio", "seed", "video_url"),
        *("last_frame_url", "error_code", "error_message", "credit_cost", "created_at", "updated_at"),
    }
    assert (told["status"], told["seed"], told["generate_audio"]) == ("completed", 77, True)
    assert told["video_url"].startswith(api.movie.origin)
    assert told["last_frame_url"].startswith(api.movie.origin)
    for name in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told[name])


async def test_a_task_passes_through_the_documented_statuses(api: Api) -> None:
    """Pending, queued, processing, completed, in this order."""
    task = await api.submitted()
    assert task.status == "pending"

    await task.ended.wait()

    assert [status for status, _ in task.status_history] == ["queued", "processing", "completed"]


@pytest.mark.parametrize(("model", "resolution", "cost"), PRICES)
async def test_eight_seconds_cost_what_the_table_says(api: Api, model: str, resolution: str, cost: float) -> None:
    """Price per second times duration, deducted when the task completes."""
    task = await api.ended(model=model, resolution=resolution, duration=8)

    assert (await api.status(task))["credit_cost"] == cost
    _, body = await api.call("GET", "/balance")
    assert body["result"] == {"total_credits": 1000, "used_credits": cost, "remain_credits": 1000 - cost}
    assert PRICE_PER_S[model, resolution] * 8 == Decimal(str(cost))


async def test_credits_are_deducted_only_at_the_end(api: Api, movie: Seedance2Movie) -> None:
    """Post-pay: a running task has cost nothing yet, a failed one never does."""
    movie.next_outcome(hang=True)
    movie.next_outcome(error_code="CONTENT_MODERATION_FAILED")
    running = await api.submitted()
    failed = await api.ended()

    assert movie.account.used == 0
    told = await api.status(failed)
    assert (told["status"], told["credit_cost"], told["error_code"]) == ("failed", 0, "CONTENT_MODERATION_FAILED")
    assert told["error_message"] == MESSAGES["CONTENT_MODERATION_FAILED"]
    await movie.finish(running.id)
    assert movie.account.used == 9


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 3},
        {"duration": 16},
        {"duration": 8.0},
        {"duration": "8"},
        {"duration": True},
        {"generate_audio": 1},
        {"generate_audio": "true"},
        {"watermark": None},
        {"return_last_frame": 0},
        {"model": "seedance-3"},
        {"model": None},
        {"resolution": "4k"},
        {"ratio": "adaptive"},
        {"ratio": 16},
        {"seed": -2},
        {"seed": True},
        {"seed": 1.5},
        {"seed": None},
        {"callback_url": "https://example.org/" + "x" * 500},
        {"callback_url": "ftp://example.org"},
        {"callback_url": 5},
        {"content": []},
        {"content": "a cat"},
        {"content": ["a cat"]},
        {"content": [{"type": "picture", "picture": "x"}]},
        {"content": [{"type": "text", "text": ""}]},
        {"content": [{"type": "text", "text": 5}]},
        {"content": [TEXT, {"type": "image_url", "image_url": "api/uploads/1/never.png"}]},
        {"content": [TEXT, {"type": "image_url", "image_url": "https://example.org/a.png"}]},
        {"content": [TEXT, {"type": "video_url", "video_url": "api/uploads/1/never.mp4"}]},
        {"content": [TEXT, {"type": "audio_url", "audio_url": "never.mp3"}]},
    ],
    ids=str,
)
async def test_a_wrong_value_is_an_invalid_parameter(api: Api, wrong: dict[str, Any]) -> None:
    """Wrong types, ranges and words are refused with 400, and no task comes of it."""
    status, body = await api.submit(**wrong)

    assert (status, body["code"]) == (400, "INVALID_PARAMETER")
    assert body["message"].startswith("Invalid parameter: ")
    assert not api.movie.tasks


@pytest.mark.parametrize("body", [{}, {"content": [{"text": "a"}]}, {"content": [{"type": "text"}]}], ids=str)
async def test_what_is_missing_is_named(api: Api, body: dict[str, Any]) -> None:
    """A missing content, type or value is MISSING_PARAMETER."""
    status, answer = await api.call("POST", "/task", json=body)

    assert (status, answer["code"]) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"data": b"\xff\xfe", "headers": {"Content-Type": "application/json"}},
        {"data": b'{"content":[{"type":"text","text":"a"}]}', "headers": {"Content-Type": "text/plain"}},
        {"json": [TEXT]},
    ],
    ids=["cut", "not UTF-8", "plain text", "an array"],
)
async def test_only_json_objects_are_taken(api: Api, options: dict[str, Any]) -> None:
    """The request format is application/json in UTF-8."""
    status, answer = await api.call("POST", "/task", **options)

    assert (status, answer["code"]) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("duration", [4, 15])
async def test_the_ends_of_the_ranges_are_taken(api: Api, duration: int) -> None:
    """Four and fifteen seconds, seed -1 and a callback address of 512 characters are in range."""
    url = "http://127.0.0.1:9/".ljust(512, "x")
    status, _ = await api.submit(duration=duration, seed=-1, callback_url=url, resolution="480p")

    assert status == 200


async def test_unknown_fields_are_ignored_and_recorded(api: Api) -> None:
    """The document does not forbid them."""
    task = await api.submitted(camera="left")

    assert task.order.unknown_fields == {"camera": "left"}
    assert b'"camera"' in task.body


async def test_every_content_type_is_taken(api: Api) -> None:
    """Text, uploaded picture and video, audio by address, and a sample id."""
    picture = await api.upload("scene.png", "image/png")
    video = await api.upload("scene.mp4", "video/mp4")
    content = [
        TEXT,
        {"type": "image_url", "image_url": picture},
        {"type": "video_url", "video_url": video},
        {"type": "audio_url", "audio_url": "https://example.org/a.mp3"},
        {"type": "sample_id", "sample_id": "s-1"},
    ]

    status, _ = await api.submit(content=content)

    assert status == 200


async def test_an_upload_of_another_key_or_kind_is_refused(api: Api) -> None:
    """A file_path counts for the key that uploaded it, and a video is no picture."""
    picture, video = await api.upload(), await api.upload("scene.mp4", "video/mp4")
    api.movie.add_account("other", 100)
    other = Api(api.movie, api.session, "other")

    assert (await other.submit(content=[{"type": "image_url", "image_url": picture}]))[0] == 400
    assert (await api.submit(content=[{"type": "image_url", "image_url": video}]))[0] == 400
    assert (await api.submit(content=[{"type": "image_url", "image_url": picture}]))[0] == 200


@pytest.mark.parametrize(
    "path", ["/balance", "/tasks", "/task/x", "/task/x/cancel", "/task", "/upload/presign"], ids=str
)
async def test_every_route_wants_the_key(api: Api, path: str) -> None:
    """A wrong, missing or disabled key is 401 everywhere."""
    method = "POST" if path.endswith(("cancel", "/task", "presign")) else "GET"
    for key in ("", "wrong"):
        status, body = await Api(api.movie, api.session, key).call(method, path)
        assert (status, body) == (401, {"code": "INVALID_API_KEY", "message": MESSAGES["INVALID_API_KEY"]})
    api.movie.account.enabled = False
    assert (await api.call(method, path))[0] == 401


@pytest.mark.parametrize("code", sorted(MESSAGES))
async def test_every_code_comes_with_its_documented_http_status(api: Api, code: str) -> None:
    """Mapped codes by their status, the rest in HTTP 200; all in 200 when the knob says so."""
    api.movie.faults.add("submit", "error", code=code, times=2)

    assert (await api.submit()) == (MAPPED.get(code, 200), {"code": code, "message": MESSAGES[code]})
    api.movie.knobs.errors_as_http_200 = True
    assert (await api.submit()) == (200, {"code": code, "message": MESSAGES[code]})


def test_the_document_has_seventeen_codes() -> None:
    """No code is left out."""
    assert len(MESSAGES) == 17


async def test_errors_of_its_own_come_in_http_200_too(api: Api) -> None:
    """The knob is for errors that the emulator finds itself as well."""
    api.movie.knobs.errors_as_http_200 = True

    assert (await api.submit(duration=3)) == (
        200,
        {"code": "INVALID_PARAMETER", "message": "Invalid parameter: duration must be 4-15"},
    )


async def test_an_empty_account_cannot_submit(api: Api) -> None:
    """402 when less is left than the task costs."""
    api.movie.account.used = Decimal(1000) - Decimal("8.999")

    status, body = await api.submit()

    assert (status, body["code"]) == (402, "INSUFFICIENT_CREDIT")


async def test_tasks_are_listed_newest_first_by_pages(api: Api) -> None:
    """Pages count from 1, hold task objects, and can be filtered by status."""
    tasks = [await api.ended(str(number), seed=number) for number in range(5)]
    api.movie.next_outcome(error_code="INTERNAL_ERROR")
    failed = await api.ended()

    _, second = await api.call("GET", "/tasks", params={"page": 2, "page_size": 2})
    _, filtered = await api.call("GET", "/tasks", params={"status": "failed"})
    _, beyond = await api.call("GET", "/tasks", params={"page": 9})

    assert [task["seed"] for task in second["result"]["data"]] == [3, 2]
    assert second["result"]["data"][0] == await api.status(tasks[3])
    assert (second["result"]["total"], second["result"]["page"], second["result"]["page_size"]) == (6, 2, 2)
    assert [task["task_id"] for task in filtered["result"]["data"]] == [failed.id]
    assert (beyond["result"]["data"], beyond["result"]["page_size"]) == ([], 20)


@pytest.mark.parametrize(
    "query", [{"page": "0"}, {"page": "x"}, {"page_size": "0"}, {"page_size": "101"}, {"status": "done"}], ids=str
)
async def test_wrong_list_parameters_are_refused(api: Api, query: dict[str, str]) -> None:
    """The ranges of the document hold."""
    status, body = await api.call("GET", "/tasks", params=query)

    assert (status, body["code"]) == (400, "INVALID_PARAMETER")


async def test_a_task_of_another_key_is_not_found(api: Api) -> None:
    """Status, cancel and list show only the key's own tasks."""
    task = await api.ended()
    api.movie.add_account("other", 100)
    other = Api(api.movie, api.session, "other")

    assert (await other.call("GET", f"/task/{task.id}"))[0] == 404
    assert (await other.call("POST", f"/task/{task.id}/cancel"))[1]["code"] == "TASK_NOT_FOUND"
    assert (await other.call("GET", "/tasks"))[1]["result"]["total"] == 0


async def test_a_cancelled_task_stays_cancelled_and_free(api: Api) -> None:
    """Cancel answers id and status; a second one is not allowed."""
    api.movie.next_outcome(render_s=60)
    task = await api.submitted()

    first = await api.call("POST", f"/task/{task.id}/cancel")
    second = await api.call("POST", f"/task/{task.id}/cancel")

    assert first[1]["result"] == {"task_id": task.id, "status": "cancelled"}
    assert (second[0], second[1]["code"]) == (400, "TASK_CANCEL_NOT_ALLOWED")
    assert (await api.status(task))["status"] == "cancelled"
    assert api.movie.account.used == 0
