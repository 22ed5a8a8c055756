"""What the seedance2ai emulator makes: clips of its own sizes, and pictures that show their prompt."""

import io
import os
from dataclasses import dataclass

from PIL import Image

from playground.providers.ai_rules import PictureOrder, VideoOrder
from playground.providers.ai_tasks import Outcome, Picture, PictureFormat, Reference, Task
from playground.providers.clips import ClipSpec, draw_picture

SHORT_SIDES = {"720p": 720, "1080p": 1080, "1080p-plus": 1080, "4k": 2160}
LONG_SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
WIDEST = 21 / 9  # of clips, as in the documents' list
NARROWEST = 3  # of pictures: 1:3


@dataclass(frozen=True, slots=True)
class SizedSpec(ClipSpec):
    """A clip or picture whose pixels are given, not read off the resolution and the ratio."""

    width: int = 1280
    height: int = 720

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height


def clip_spec(task: Task, order: VideoOrder) -> SizedSpec:
    """The clip of a video task: in the asked ratio, or in the first reference's when that is adaptive."""
    width, height = clip_pixels(order, task.references)
    return SizedSpec(
        prompt=order.prompt,
        duration_s=order.duration,
        audio=order.generate_audio,
        caption=" · ".join(_facts(order)),
        picture=_first_picture(task.references),
        size_bytes=task.outcome.size_bytes,
        noise=task.outcome.noise,
        width=width,
        height=height,
    )


def clip_pixels(order: VideoOrder, references: list[Reference]) -> tuple[int, int]:
    """Even width and height; the resolution names the shorter side."""
    across, down = _shape("16:9" if order.ratio == "adaptive" else order.ratio)
    if order.ratio == "adaptive" and references:
        across, down = references[0].width, references[0].height
    short = SHORT_SIDES[order.resolution]
    stretch = min(WIDEST, max(across, down) / min(across, down))
    long = round(short * stretch / 2) * 2
    return (long, short) if across >= down else (short, long)


def picture_pixels(order: PictureOrder, references: list[Reference]) -> tuple[int, int]:
    """Width and height; the resolution names the longer side. `auto` follows the first reference, else is square."""
    across, down = _shape("1:1" if order.ratio == "auto" else order.ratio)
    if order.ratio == "auto" and references:
        across, down = references[0].width, references[0].height
    long = LONG_SIDES[order.resolution]
    short = max(long // NARROWEST, round(long * min(across, down) / max(across, down)))
    return (long, short) if across >= down else (short, long)


def draw_pictures(task: Task, order: PictureOrder, default: PictureFormat) -> list[Picture]:
    """Draw what a picture task asked for; blocks for up to some seconds at 4K."""
    width, height = picture_pixels(order, task.references)
    kind = order.output_format or default
    background = _first_picture(task.references)
    pictures = []
    for number in range(1, order.count - min(task.outcome.missing_pictures, order.count) + 1):
        facts = [order.model, order.channel or "", order.resolution, order.ratio, f"{number}/{order.count}"]
        caption = " · ".join(fact for fact in facts if fact)
        spec = SizedSpec(order.prompt, caption=caption, picture=background, width=width, height=height)
        pictures.append(Picture(f"image/{kind}", _encode(draw_picture(spec), kind, task.outcome)))
    return pictures


def _encode(picture: Image.Image, kind: str, outcome: Outcome) -> bytes:
    if outcome.noise:
        static = Image.frombytes("RGB", picture.size, os.urandom(picture.width * picture.height * 3))
        picture = Image.blend(picture, static, 0.4)
    target = io.BytesIO()
    picture.save(target, kind.upper(), compress_level=1, quality=88, method=0)
    return target.getvalue()


def _facts(order: VideoOrder) -> list[str]:
    facts = [order.model, order.quality_tier, order.channel, order.resolution, order.ratio, f"{order.duration} s"]
    if order.end_image_url is not None:
        facts.append("end frame")
    if order.media_urls:
        facts.append(f"{len(order.media_urls)} media")
    if order.fixed_lens:
        facts.append("fixed lens")
    return facts


def _first_picture(references: list[Reference]) -> bytes | None:
    return next((reference.data for reference in references if reference.kind == "image"), None)


def _shape(ratio: str) -> tuple[int, int]:
    across, down = ratio.split(":")
    return int(across), int(down)
