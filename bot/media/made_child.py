"""A program of its own: prove that one picture of a provider decodes, or write a smaller copy of it.

Run in a bounded child process, so it imports nothing of the bot:
`python -I made_child.py prove SOURCE MOST_PIXELS` prints `{"type": …, "width": …, "height": …}`;
`python -I made_child.py shrink SOURCE MOST_PIXELS TARGET MOST_BYTES` prints `{"type": …}` of what it wrote, or
`{"type": null}` where nothing decent is small enough. Either may print `{"code": …}`. Any other end means a broken
picture.
"""

import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
QUALITIES = (92, 85, 78)
SCALES = (1.0, 0.8, 0.64, 0.5, 0.36, 0.25)
#: A copy whose longer side has fewer pixels is none to show, unless the picture itself has no more.
LEAST_SIDE_PX = 768
WEBP_EFFORT = 2  # of 0 to 6: more takes seconds for a large picture and saves little


class Unfit(Exception):
    """The picture is refused. The text is JSON for the parent."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(json.dumps({"code": code, **params}))


def opened(source: Path, most_pixels: int) -> Image.Image:
    """Read a picture's header, and no more of it.

    Raises:
        Unfit: too many pixels.
    """
    Image.MAX_IMAGE_PIXELS = None  # the check below is stricter, and never only a warning
    image = Image.open(source, formats=("PNG", "JPEG", "WEBP"))
    pixels = image.width * image.height
    if pixels > most_pixels:
        raise Unfit("picture_too_many_pixels", pixels=pixels)
    return image


def prove(source: Path, most_pixels: int) -> dict[str, Any]:
    """Decode a picture and say what it is."""
    with opened(source, most_pixels) as image:
        image.load()
        return {"type": TYPES[str(image.format)], "width": image.width, "height": image.height}


def copies(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield a picture in ever fewer bytes: first as it is, then in fewer pixels."""
    has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    form = "WEBP" if has_alpha else "JPEG"
    profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA"} else None
    plain = image.convert("RGBA" if has_alpha else "RGB")
    for scale in SCALES:
        size = (max(1, round(plain.width * scale)), max(1, round(plain.height * scale)))
        if scale < 1 and max(size) < LEAST_SIDE_PX:
            return
        scaled = plain if scale == 1 else plain.resize(size, Image.Resampling.LANCZOS)
        for quality in QUALITIES:
            output = BytesIO()
            more = {"method": WEBP_EFFORT} if has_alpha else {"optimize": True}
            scaled.save(output, form, quality=quality, icc_profile=profile, **more)
            yield form, output.getvalue()


def shrink(source: Path, most_pixels: int, target: Path, most_bytes: int) -> dict[str, Any]:
    """Write the best copy of at most `most_bytes`, upright."""
    with opened(source, most_pixels) as image:
        image.load()
        upright = ImageOps.exif_transpose(image) or image
        for form, data in copies(upright):
            if len(data) <= most_bytes:
                target.write_bytes(data)
                return {"type": TYPES[form]}
    return {"type": None}


def main() -> None:
    """Do what the command line says."""
    act, source, most_pixels, *rest = sys.argv[1:]
    try:
        if act == "prove":
            answer = prove(Path(source), int(most_pixels))
        else:
            answer = shrink(Path(source), int(most_pixels), Path(rest[0]), int(rest[1]))
    except Unfit as error:
        sys.stdout.write(str(error))
        return
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
