"""What the seedance-tv emulator takes and what it answers with 422."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.playground.providers.tv_api import SCENES, TvApi, tv_api

LONG = {"prompt": "a", "duration_secs": 8}
SHORT = {"prompt": "a", "duration_secs": 1}


@pytest.fixture
async def api() -> AsyncIterator[TvApi]:
    async with tv_api() as api:
        yield api


async def test_the_documents_own_examples_are_taken(api: TvApi) -> None:
    """Each request body that the document shows, and the shots that it describes."""
    bodies: list[dict[str, Any]] = [
        {"prompt": "A cinematic shot of a rainy London street"},
        {"prompt": "A photorealistic shot of a fox.", "aspect_ratio": "16:9", "duration_secs": 8},
        {"scenes": SCENES, "style": "photorealistic", "seed": 42},
        {"prompt": "A sleek 30-second ad for a lamp", "aspect_ratio": "9:16"},
        {"prompt": "A reveal", "camera": {"zoom": "in"}, "style": "cinematic", "motion_level": "high"},
        {"prompt": "A runner", "camera": {"pan": "left"}},
    ]

    assert [(await api.call("POST", "/videos", json=body))[0] for body in bodies] == [202] * len(bodies)

    orders = [task.order for task in api.tv.tasks.values()]
    assert [order.ratio for order in orders] == ["16:9", "16:9", "16:9", "9:16", "16:9", "16:9"]
    assert [order.duration for order in orders] == [5, 8, 7, 5, 5, 5]
    assert (orders[2].seed, orders[2].style, len(orders[2].shots)) == (42, "photorealistic", 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"aspect_ratio": "1:1"},
        {"duration_secs": 4},
        {"duration_secs": 15},
        {"seed": 0},
        {"seed": 2**31 - 1},
        {"style": "film-noir"},
        {"motion_level": "low"},
        {"camera": {"zoom": "out", "pan": "right", "tilt": "up"}},
        {"camera": {"tilt": "down"}},
        {"scenes": [LONG], "aspect_ratio": "9:16", "camera": {"zoom": "in"}, "motion_level": "high"},
        {"scenes": [LONG, {"prompt": "b", "duration_secs": 7}]},
        {"scenes": [SHORT] * 4},
    ],
    ids=str,
)
async def test_what_the_limits_allow_is_taken(api: TvApi, fields: dict[str, Any]) -> None:
    """The ends of every range."""
    assert (await api.submit(**fields))[0] == 202


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio"),
        ({"aspect_ratio": "21:9"}, "aspect_ratio"),
        ({"aspect_ratio": None}, "aspect_ratio"),
        ({"duration_secs": 3}, "duration_secs"),
        ({"duration_secs": 16}, "duration_secs"),
        ({"duration_secs": "8"}, "duration_secs"),
        ({"duration_secs": 8.0}, "duration_secs"),
        ({"duration_secs": True}, "duration_secs"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"seed": "42"}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 42.0}, "seed"),
        ({"style": "Anime"}, "style"),
        ({"style": ""}, "style"),
        ({"style": ["anime"]}, "style"),
        ({"motion_level": "medium"}, "motion_level"),
        ({"motion_level": 1}, "motion_level"),
        ({"camera": "zoom in"}, "camera"),
        ({"camera": {}}, "camera"),
        ({"camera": None}, "camera"),
        ({"camera": {"zoom": "left"}}, "camera.zoom"),
        ({"camera": {"pan": "up"}}, "camera.pan"),
        ({"camera": {"tilt": 5}}, "camera.tilt"),
        ({"camera": {"zoom": "in", "roll": "left"}}, "camera.roll"),
        ({"zoom": "in"}, "zoom"),
        ({"resolution": "1080p"}, "resolution"),
        ({"image_url": "https://example.com/a.png"}, "image_url"),
        ({"webhook_url": "https://example.com/"}, "webhook_url"),
        ({"model": "seedance-2.0"}, "model"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_named(api: TvApi, fields: dict[str, Any], where: str) -> None:
    """422 with the field in the details, and nothing is made or paid."""
    status, body = await api.call("POST", "/videos", json={"prompt": "a cat", **fields})

    assert (status, body["error"]) == (422, "Unprocessable Entity")
    assert [detail["field"] for detail in body["details"]] == [where]
    assert (len(api.tv.tasks), api.tv.account.used) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"scenes": []}, "scenes"),
        ({"scenes": {"prompt": "a", "duration_secs": 5}}, "scenes"),
        ({"scenes": None}, "scenes"),
        ({"scenes": ["a"]}, "scenes[0]"),
        ({"scenes": [LONG, {"duration_secs": 3}]}, "scenes[1].prompt"),
        ({"scenes": [{"prompt": "a"}]}, "scenes[0].duration_secs"),
        ({"scenes": [{"prompt": "a", "duration_secs": 0}]}, "scenes[0].duration_secs"),
        ({"scenes": [{"prompt": "a", "duration_secs": "4"}]}, "scenes[0].duration_secs"),
        ({"scenes": [{**LONG, "camera": {"zoom": "in"}}]}, "scenes[0].camera"),
        ({"scenes": [LONG, LONG]}, "scenes"),
        ({"scenes": [SHORT] * 3}, "scenes"),
        ({"scenes": [LONG], "prompt": "a"}, "prompt"),
        ({"scenes": [LONG], "duration_secs": 8}, "duration_secs"),
    ],
    ids=str,
)
async def test_wrong_scenes_are_named(api: TvApi, fields: dict[str, Any], where: str) -> None:
    """The scene counts from 0; all scenes together last 4-15 seconds, and stand in place of the prompt."""
    status, body = await api.call("POST", "/videos", json=fields)

    assert (status, [detail["field"] for detail in body["details"]]) == (422, [where])
    assert not api.tv.tasks


async def test_scenes_and_a_prompt_exclude_each_other(api: TvApi) -> None:
    """The details say why a known field is refused."""
    _, body = await api.call("POST", "/videos", json={"scenes": [LONG], "prompt": "a", "duration_secs": 8})

    assert {detail["message"] for detail in body["details"]} == {"must not be given together with scenes"}


async def test_all_that_is_wrong_is_told_at_once(api: TvApi) -> None:
    """A missing prompt too."""
    _, body = await api.call("POST", "/videos", json={"seed": "x", "aspect_ratio": "2:1"})

    assert body["details"] == [
        {"field": "prompt", "message": "is required"},
        {"field": "aspect_ratio", "message": "must be one of 16:9, 1:1, 9:16"},
        {"field": "seed", "message": "must be an integer from 0 to 2147483647"},
    ]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'"a"', b'{"prompt":"\xff"}', b'{"prompt":"a","prompt":"b"}', b'{"prompt":"a","seed":NaN}'],
)
async def test_a_body_that_is_no_object_of_json_is_refused(api: TvApi, data: bytes) -> None:
    """422 about the body as a whole."""
    status, body = await api.call("POST", "/videos", data=data, headers={"Content-Type": "application/json"})

    assert (status, [detail["field"] for detail in body["details"]]) == (422, ["body"])


async def test_the_content_type_must_be_json(api: TvApi) -> None:
    """As every example sends it."""
    data = json.dumps({"prompt": "a"}).encode()

    assert (await api.call("POST", "/videos", data=data, headers={"Content-Type": "text/plain"}))[0] == 422


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("object", {"error": {"code": 422, "message": "Unprocessable Entity", "details": [{"field": "seed"}]}}),
        ("errors", {"message": "Unprocessable Entity", "errors": {"seed": ["M"]}}),
        ("detail", {"detail": [{"loc": ["body", "seed"], "msg": "M", "type": "value_error"}]}),
        ("text", "Unprocessable Entity"),
    ],
)
async def test_details_come_in_several_shapes(shape: str, body: Any) -> None:
    """The document shows none."""
    async with tv_api(error_shape=shape) as api:
        status, told = await api.submit(seed=-1)
        missing = (await api.call("GET", "/videos/vid_0"))[1]

    message = "must be an integer from 0 to 2147483647"
    expected = json.loads(json.dumps(body).replace('"M"', json.dumps(message)))
    if shape == "object":
        expected["error"]["details"][0]["message"] = message
    assert (status, told) == (422, expected)
    assert "Not Found" in json.dumps(missing)


async def test_the_limits_can_be_turned(api: TvApi) -> None:
    """Longer clips, more words, fewer scenes and styles."""
    limits = api.tv.knobs.limits
    limits.duration_s_max, limits.prompt_characters_max, limits.scenes_max = 60, 5, 1
    limits.motion_levels, limits.styles = ("low", "medium", "high"), ("clay",)

    assert (await api.submit("a cat", duration_secs=60, motion_level="medium", style="clay"))[0] == 202
    assert (await api.submit("a dog!"))[0] == 422
    assert (await api.submit(scenes=[LONG, SHORT]))[0] == 422
    assert (await api.submit(style="anime"))[0] == 422
    assert (await api.call("GET", "/styles"))[1] == {"styles": ["clay"]}
