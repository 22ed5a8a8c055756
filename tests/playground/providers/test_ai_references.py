"""The seedance2ai emulator really fetches references, looks at them, and makes real clips of the asked shape."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from playground.providers.ai_pictures import clip_pixels
from playground.providers.ai_rules import SEEDANCE2, VideoOrder, read_video
from playground.providers.ai_tasks import Reference
from tests.playground.providers.ai_api import GPT, NANO, AiApi, Host, ai_api, media_host, picture, video
from tests.waiting import until

START = {"mode": "image-to-video"}
MEDIA = {"mode": "media-to-video"}


@pytest.fixture
async def api() -> AsyncIterator[AiApi]:
    async with ai_api() as api:
        yield api


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with media_host() as host:
        yield host


async def test_start_and_end_frame_are_fetched(api: AiApi, host: Host) -> None:
    """Both are asked for, once each, and the task completes."""
    fields = {"image_url": host.picture("a.png"), "end_image_url": host.picture("b.jpg", kind="JPEG")}
    task = await api.ended(**START, **fields)

    assert task.status == "completed"
    assert sorted(host.asked) == ["a.png", "b.jpg"]
    assert [reference.kind for reference in task.references] == ["image", "image"]


async def test_media_are_fetched_before_the_answer(api: AiApi, host: Host) -> None:
    """Pictures and videos; the video's seconds are probed and charged, rounded up."""
    urls = [host.picture("a.webp", kind="WEBP"), host.video()]

    status, body = await api.submit(**MEDIA, media_urls=urls)

    assert (status, body["credits_used"]) == (202, 6 * (5 + 2))
    assert sorted(host.asked) == ["a.mp4", "a.webp"]
    found = api.ai.tasks[body["id"]].references
    assert [(reference.kind, reference.width, reference.height) for reference in found] == [
        ("image", 64, 64),
        ("video", 90, 160),
    ]


async def test_reference_seconds_are_free_with_the_knob_off(api: AiApi, host: Host) -> None:
    """The documents give no price for them."""
    api.ai.knobs.charges_reference_seconds = False

    assert (await api.submitted(**MEDIA, media_urls=[host.video()])).credits_used == 30


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("audio/mpeg", b"ID3"),
        ("text/html", b"<html>"),
        ("application/octet-stream", picture()),
        ("image/png", b"no picture"),
        ("image/gif", picture(kind="GIF")),
        ("video/mp4", b"no video"),
        ("video/mp4", picture()),
        ("image/png", b""),
    ],
)
async def test_bad_media_are_refused_at_once(api: AiApi, host: Host, content_type: str, data: bytes) -> None:
    """400 invalid_request, no task, no credits: wrong type, wrong bytes, or a type that the bytes do not fit."""
    url = host.put("x", content_type, data)

    assert (await api.refusal(**MEDIA, media_urls=[host.picture(), url]))[:2] == (400, "invalid_request")
    assert not api.ai.tasks
    assert api.ai.account.used == 0


@pytest.mark.parametrize(("container", "status"), [("mp4", 202), ("mov", 202), ("matroska", 400), ("avi", 400)])
async def test_a_video_must_tell_its_duration(api: AiApi, host: Host, container: str, status: int) -> None:
    """MP4 and MOV do; a stream without a duration does not, and other containers are no reference."""
    url = host.put("x", "video/x-any", video(container))

    assert (await api.submit(**MEDIA, media_urls=[url]))[0] == status


async def test_media_that_are_gone_are_refused_at_once(api: AiApi, host: Host) -> None:
    """An address that answers 404, or not at all."""
    for url in (f"{host.origin}/gone.png", "http://127.0.0.1:1/a.png"):
        assert (await api.refusal(**MEDIA, media_urls=[url]))[:2] == (400, "invalid_request")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/video/seedance2", {**START, "image_url": "{url}"}),
        (GPT, {"type": "image-to-image", "imageUrls": ["{url}"]}),
        (NANO, {"type": "image-to-image", "image_urls": ["{url}"]}),
    ],
)
@pytest.mark.parametrize("what", ["gone", "video"])
async def test_a_bad_picture_fails_the_task(
    api: AiApi, host: Host, path: str, fields: dict[str, Any], what: str
) -> None:
    """Accepted, then failed with invalid_request, and everything is refunded."""
    url = host.video() if what == "video" else f"{host.origin}/gone.png"
    task = await api.ended(path, **json.loads(json.dumps(fields).replace("{url}", url)))

    told = await api.status(task)
    assert (told["status"], told["error"]["code"]) == ("failed", "invalid_request")
    assert told["credits_refunded"] == told["credits_used"] > 0
    assert api.ai.account.used == 0


async def test_pictures_may_be_fetched_at_submission(api: AiApi, host: Host) -> None:
    """With the knob on, a bad picture is refused before there is a task; a good one is fetched once."""
    api.ai.knobs.pictures_fetched_at_submit = True

    assert (await api.refusal(**START, image_url=f"{host.origin}/gone.png"))[:2] == (400, "invalid_request")
    await api.ended(**START, image_url=host.picture())
    assert host.asked == ["gone.png", "a.png"]


async def test_references_can_be_made_unreachable(api: AiApi, host: Host) -> None:
    """By the knob for all, by an outcome for one task."""
    api.ai.next_outcome(reference_fails=True)
    failed = await api.ended(**START, image_url=host.picture())
    api.ai.knobs.references_unreachable = True

    assert (failed.status, failed.error_code) == ("failed", "invalid_request")
    assert (await api.refusal(**MEDIA, media_urls=[host.picture()]))[:2] == (400, "invalid_request")


async def test_a_slow_reference_keeps_its_key_busy(api: AiApi, host: Host) -> None:
    """While media are fetched, the same key is a conflict; a reference that never comes is refused in time."""
    url = host.picture("slow.png")
    host.held.clear()
    api.ai.knobs.fetch_timeout_s = 0.3
    first = asyncio.create_task(api.submit(key="one", **MEDIA, media_urls=[url]))
    await until(lambda: "slow.png" in host.asked)

    assert (await api.refusal(key="one", **MEDIA, media_urls=[url]))[:2] == (409, "idempotency_conflict")
    assert (await first)[0] == 400
    host.held.set()


async def test_a_clip_is_a_real_video_of_the_asked_shape(tmp_path: Path) -> None:
    """H.264 with sound, four seconds, 720 x 1280; without sound when that was asked; the last frame is a picture."""
    async with ai_api(fixed_clip=None) as api:
        loud = (await api.status(await api.ended(aspect_ratio="9:16", duration="4")))["output"]
        mute = (await api.status(await api.ended(aspect_ratio="9:16", duration="4", generate_audio=False)))["output"]
        facts = []
        for output in (loud, mute):
            (tmp_path / "clip.mp4").write_bytes((await api.get(output["video_url"]))[1])
            facts.append(probe(tmp_path / "clip.mp4"))
        frame = (await api.get(loud["last_frame_url"]))[1]

    assert all("720x1280" in text and "h264" in text and "Duration: 00:00:04.0" in text for text in facts)
    assert ["Audio:" in text for text in facts] == [True, False]
    assert frame.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("fields", "reference", "pixels"),
    [
        ({}, None, (1280, 720)),
        ({"aspect_ratio": "1:1"}, None, (720, 720)),
        ({"aspect_ratio": "21:9", "resolution": "1080p"}, None, (2520, 1080)),
        ({"quality_tier": "pro", "resolution": "1080p-plus"}, None, (1920, 1080)),
        ({"quality_tier": "pro", "resolution": "4k"}, None, (3840, 2160)),
        ({"aspect_ratio": "adaptive"}, None, (1280, 720)),
        ({"aspect_ratio": "adaptive"}, (300, 400), (720, 960)),
        ({"aspect_ratio": "adaptive"}, (1000, 10), (1680, 720)),
    ],
)
def test_pixels_follow_resolution_and_ratio(
    fields: dict[str, Any], reference: tuple[int, int] | None, pixels: tuple[int, int]
) -> None:
    """The resolution is the shorter side; adaptive takes the first reference's ratio within limits."""
    order: VideoOrder = read_video({"prompt": "a cat", **fields}, SEEDANCE2, allows_loopback=True)
    references = [Reference("", "image", "image/png", *reference)] if reference else []

    assert clip_pixels(order, references) == pixels


def probe(path: Path) -> str:
    """What ffmpeg says about a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    text = subprocess.run(command, check=False, capture_output=True, timeout=30).stderr.decode()
    assert re.search(r"Stream .*Video:", text), text
    return text
