"""Pictures that members attach: checked, stripped and proven in a child process."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import MediaRejected
from bot.media import picture_child
from bot.media.child import MEBIBYTE, Bounds, Children

MOST_PIXELS = 50_000_000
MILLION = 1_000_000
# A picture of 50 megapixels takes 200 MB decoded; the decoder and a turned copy take as much again each.
BOUNDS = Bounds(wall_s=40, cpu_s=20, memory_bytes=1536 * MEBIBYTE, file_bytes=256 * MEBIBYTE)
PROGRAM = picture_child.__file__


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """A sound picture's size in pixels, as it is seen upright."""

    width: int
    height: int


async def clean_picture(children: Children, source: Path, target: Path, content_type: str) -> PictureInfo:
    """Write a copy of a picture to `target` without metadata, upright, proven to decode.

    Raises:
        MediaRejected: `picture_too_many_pixels` by its header, before any decoding; `picture_animated`;
            `picture_broken`, also where it needs more memory or time than a picture may.
    """
    arguments = (sys.executable, "-I", "-B", PROGRAM, content_type, str(source), str(target), str(MOST_PIXELS))
    finished = await children.run(arguments, BOUNDS)
    if not finished.is_ok:
        raise MediaRejected("picture_broken")
    answer = json.loads(finished.stdout)
    code = answer.get("code")
    if code == "picture_too_many_pixels":
        raise MediaRejected(code, pixels_m=-(-answer["pixels"] // MILLION), most_m=MOST_PIXELS // MILLION)
    if code is not None:
        raise MediaRejected(code)
    return PictureInfo(answer["width"], answer["height"])
