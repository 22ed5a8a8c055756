"""The seedance-tv emulator's clips are real: their length, dimensions, and one shot per scene."""

import io
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from PIL import Image

from playground.providers.clips import ClipSpec, draw_picture
from tests.playground.providers.test_clips import probe
from tests.playground.providers.tv_api import SCENES, tv_api


def colour_at(clip: Path, second: float) -> tuple[int, int, int]:
    """The ground of the picture that is shown at `second`: its corner, where no letter is."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-ss", str(second), "-i", str(clip)]
    command += ["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
    shown = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
    with Image.open(io.BytesIO(shown)) as picture:
        return picture.convert("RGB").getpixel((8, 8))  # type: ignore[return-value]


def ground_of(prompt: str) -> tuple[int, int, int]:
    """The colour that the studio gives to a prompt."""
    return draw_picture(ClipSpec(prompt, "1080p")).getpixel((8, 8))  # type: ignore[return-value]


def near(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Whether two colours differ by no more than the encoder's loss."""
    return all(abs(left - right) < 12 for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize(("ratio", "dimensions"), [("16:9", "1920x1080"), ("1:1", "1080x1080"), ("9:16", "1080x1920")])
async def test_a_clip_has_the_length_and_ratio_that_were_asked(ratio: str, dimensions: str, tmp_path: Path) -> None:
    """1080p, "the default resolution", whatever the ratio; the picture shows the prompt."""
    async with tv_api(fixed_clip=None) as api:
        task = await api.ended("a green cat", aspect_ratio=ratio, duration_secs=4)
        status, clip, headers = await api.get((await api.status(task))["url"])

    assert (status, headers["Content-Type"]) == (200, "video/mp4")
    words = probe(clip, tmp_path)
    assert "Duration: 00:00:04.0" in words
    assert "Video: h264" in words and dimensions in words
    assert near(colour_at(tmp_path / "clip.mp4", 2), ground_of("a green cat"))


@pytest.mark.parametrize("outcome", [{}, {"size_bytes": 3_000_000}, {"size_bytes": 3_000_000, "noise": True}])
async def test_each_scene_is_a_shot_of_its_own(outcome: dict[str, Any], tmp_path: Path) -> None:
    """Four seconds of the first, then three of the second, of any size that was ordered."""
    async with tv_api(fixed_clip=None) as api:
        api.tv.next_outcome(**outcome)
        task = await api.ended(scenes=SCENES)
        clip = (await api.get((await api.status(task))["url"]))[1]

    assert "Duration: 00:00:07.0" in probe(clip, tmp_path)
    assert len(clip) >= outcome.get("size_bytes", 0)
    if "noise" not in outcome:
        first, second = (ground_of(str(scene["prompt"])) for scene in SCENES)
        shown = [colour_at(tmp_path / "clip.mp4", at) for at in (0.5, 3.8, 4.2, 6.5)]
        assert all(near(colour, ground) for colour, ground in zip(shown, (first, first, second, second), strict=True))
        assert not near(first, second)
