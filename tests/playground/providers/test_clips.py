"""Clips are real: ffmpeg decodes them, with the size, length and sound that were ordered."""

import asyncio
import io
import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

from playground.providers.clips import ClipSpec, ClipStudio, draw_picture, render
from playground.providers.mp4 import pad
from tests.playground.providers.conftest import Api


def probe(clip: bytes, folder: Path) -> str:
    """Decode every frame and return ffmpeg's words; an undecodable clip fails the test."""
    path = folder / "clip.mp4"
    path.write_bytes(clip)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-xerror", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stderr


@pytest.mark.parametrize(
    ("resolution", "ratio", "dimensions"),
    [
        ("480p", "16:9", (854, 480)),
        ("720p", "9:16", (720, 1280)),
        ("480p", "1:1", (480, 480)),
        ("480p", "4:3", (640, 480)),
        ("480p", "3:4", (480, 640)),
        ("720p", "21:9", (1680, 720)),
        ("1080p", "16:9", (1920, 1080)),
    ],
)
def test_resolution_and_ratio_give_the_dimensions(resolution: str, ratio: str, dimensions: tuple[int, int]) -> None:
    """The resolution is the shorter side."""
    assert ClipSpec("x", resolution, ratio).dimensions == dimensions


def test_a_clip_is_h264_with_aac_and_a_last_frame(tmp_path: Path) -> None:
    """Codec, pixels, seconds, sound, and a PNG of the same size; the index comes first."""
    clip = render(ClipSpec("A cat", "480p", "9:16", 4, audio=True))

    words = probe(clip.video, tmp_path)
    assert re.search(r"Video: h264.*yuv420p.*480x854", words)
    assert "Duration: 00:00:04.0" in words
    assert "Audio: aac" in words
    assert clip.video.index(b"moov") < clip.video.index(b"mdat")
    with Image.open(io.BytesIO(clip.last_frame)) as frame:
        assert (frame.format, frame.size) == ("PNG", (480, 854))


def test_a_padded_clip_has_exactly_the_bytes_and_still_plays(tmp_path: Path) -> None:
    """The filling is ignored by the decoder."""
    clip = render(ClipSpec("A cat", "480p", duration_s=4, size_bytes=2_000_000))

    assert len(clip.video) == 2_000_000
    assert "Audio" not in probe(clip.video, tmp_path)
    assert pad(clip.video, 5) == clip.video


def test_a_noisy_clip_is_big_by_its_pictures(tmp_path: Path) -> None:
    """Nothing to strip: the bit rate itself is high."""
    clip = render(ClipSpec("A cat", "480p", duration_s=4, size_bytes=2_000_000, noise=True))

    rate = re.search(r"Video: h264.* (\d+) kb/s", probe(clip.video, tmp_path))
    assert len(clip.video) >= 2_000_000
    assert rate is not None
    assert int(rate[1]) > 3000


def test_different_prompts_look_different() -> None:
    """The prompt is in the picture, in any script, long or with line breaks."""
    prompts = ["a cat", "a dog", "桜の下の猫", "قطة تجري", "word " * 400, "one\ntwo", "x" * 6000]

    pictures = {draw_picture(ClipSpec(prompt, "480p")).tobytes() for prompt in prompts}

    assert len(pictures) == len(prompts)


def test_the_start_image_is_behind_the_text() -> None:
    """A red picture makes a red clip; bytes that are no picture do not hurt."""
    red = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(red, "PNG")

    assert draw_picture(ClipSpec("x", "480p", picture=red.getvalue())).getpixel((800, 240)) == (255, 0, 0)
    assert draw_picture(ClipSpec("x", "480p", picture=b"nothing")).size == (854, 480)


async def test_the_same_clip_is_made_once() -> None:
    """Equal orders share the finished clip."""
    studio = ClipStudio()
    spec = ClipSpec("A cat", "480p", duration_s=4)

    assert await studio.render(spec) is await studio.render(spec)


async def test_a_task_delivers_its_own_real_clip(api: Api, tmp_path: Path) -> None:
    """From submit to a decodable file of the ordered length, and the last frame."""
    api.movie.knobs.fixed_clip = None
    task = await api.ended("A spaceship", resolution="480p", duration=6, ratio="21:9", return_last_frame=True)
    told = await api.status(task)

    status, clip, headers = await api.get(told["video_url"])

    assert (status, headers["Content-Type"]) == (200, "video/mp4")
    words = await asyncio.to_thread(probe, clip, tmp_path)
    assert "1120x480" in words
    assert "Duration: 00:00:06.0" in words
    assert (await api.get(told["last_frame_url"]))[1].startswith(b"\x89PNG")
