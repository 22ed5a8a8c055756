"""A program of its own: check one picture, strip what it tells about its maker, prove that it decodes.

Run as `python -I picture_child.py TYPE SOURCE TARGET MOST_PIXELS` in a bounded child process, so it imports nothing of
the bot. It writes TARGET and prints one line of JSON: `{"width": …, "height": …}` or `{"code": …}`. Any other end means
a broken picture. Metadata is cut out of the file without touching the picture's own data; only a picture that is stored
turned is encoded again, because the tag that says so is cut as well. Colour profiles stay.
"""

import json
import re
import struct
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
ORIENTATION_TAG = 0x0112  # Exif 2.32, 4.6.4
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUALITY = 95

# PNG, third edition: what the picture's own pixels and colours need.
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"bKGD", b"cICP"}
# WebP container specification: VP8X flags, and what a still picture needs.
WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"}
WEBP_METADATA_FLAGS = 0x08 | 0x04  # Exif, XMP
# JPEG (ITU T.81, table B.1): a marker inside entropy-coded data, restarts and stuffed bytes aside.
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_END, JPEG_SCAN, JPEG_COMMENT = 0xD9, 0xDA, 0xFE
JPEG_APPLICATION = range(0xE0, 0xF0)


class Unfit(Exception):
    """The picture is refused. The text is JSON for the parent."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(json.dumps({"code": code, **params}))


class Parts:
    """A picture's file taken apart: its size by header, what is kept of it, and its Exif block."""

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self.kept: list[bytes] = []
        self.exif = b""

    def grow(self, width: int, height: int) -> None:
        """Note a size that a header names; the largest counts."""
        self.width, self.height = max(self.width, width), max(self.height, height)


def take_apart_png(data: bytes) -> Parts:
    """Walk a PNG's chunks up to its end mark."""
    parts, at = Parts(), len(PNG_SIGNATURE)
    parts.kept.append(PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body, end = data[at + 8 : at + 8 + length], at + 12 + length
        if end > len(data):
            raise Unfit("picture_broken")
        if kind == b"IHDR":
            parts.grow(*struct.unpack_from(">II", body))
        elif kind == b"acTL" and struct.unpack_from(">I", body)[0] > 1:
            raise Unfit("picture_animated")
        elif kind == b"eXIf":
            parts.exif = b"Exif\0\0" + body
        if kind in PNG_KEPT:
            parts.kept.append(data[at:end])
        at = end
    return parts


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield a JPEG's segments (marker, bytes); a scan comes with its entropy-coded data. Stops at the end mark."""
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if data[at] != 0xFF:
            raise Unfit("picture_broken")
        marker = data[at + 1]
        if marker == JPEG_END:
            return
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if marker == JPEG_SCAN:
            following = JPEG_MARKER.search(data, end)
            end = following.start() if following else len(data) + 1
        if end > len(data):
            raise Unfit("picture_broken")
        yield marker, data[at:end]
        at = end


def take_apart_jpeg(data: bytes) -> Parts:
    """Walk a JPEG's segments up to its end mark; whatever hangs behind it (second pictures, clips) is left out."""
    parts = Parts()
    parts.kept.append(b"\xff\xd8")
    for marker, segment in jpeg_segments(data):
        body = segment[4:]
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", body, 1)
            parts.grow(width, height)
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            parts.exif = parts.exif or body
        if marker == 0xE0 and body.startswith(b"JFIF\0"):
            parts.kept.append(b"\xff\xe0\0\x10" + body[:12] + b"\0\0")  # its own thumbnail cut off
        elif is_needed(marker, body):
            parts.kept.append(segment)
    parts.kept.append(b"\xff\xd9")
    return parts


def is_needed(marker: int, body: bytes) -> bool:
    """Tell whether a JPEG segment carries pixels or colours, not words about them."""
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\0")
    if marker == 0xEE:
        return body.startswith(b"Adobe")
    return marker not in JPEG_APPLICATION and marker != JPEG_COMMENT


def take_apart_webp(data: bytes) -> Parts:
    """Walk a WebP's chunks."""
    parts, at = Parts(), 12
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            raise Unfit("picture_broken")
        if kind in (b"ANIM", b"ANMF"):
            raise Unfit("picture_animated")
        if kind == b"EXIF":
            parts.exif = body if body.startswith(b"Exif\0\0") else b"Exif\0\0" + body
        if kind in WEBP_KEPT:
            parts.grow(*webp_size(kind, body))
            if kind == b"VP8X":
                body = bytes([body[0] & ~WEBP_METADATA_FLAGS]) + body[1:]
            parts.kept.append(kind + struct.pack("<I", length) + body + b"\0" * (length % 2))
        at += 8 + length + length % 2
    size = 4 + sum(map(len, parts.kept))
    parts.kept.insert(0, b"RIFF" + struct.pack("<I", size) + b"WEBP")
    return parts


def webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Read the width and height that a WebP chunk names, zeros where it names none."""
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return 0, 0


def orientation(exif: bytes) -> int:
    """Read how a picture is turned, 1 for upright or unreadable."""
    block = Image.Exif()
    try:
        block.load(exif)
        return int(block.get(ORIENTATION_TAG, 1))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1


TAKE_APART = {"image/png": take_apart_png, "image/jpeg": take_apart_jpeg, "image/webp": take_apart_webp}


def clean(content_type: str, data: bytes, most_pixels: int) -> tuple[bytes, int, int]:
    """Return the picture without metadata, upright, with its width and height in pixels.

    Raises:
        Unfit: too many pixels by its header, more than one picture, or broken.
    """
    parts = TAKE_APART[content_type](data)
    pixels = parts.width * parts.height
    if pixels > most_pixels:
        raise Unfit("picture_too_many_pixels", pixels=pixels)
    stripped = b"".join(parts.kept)
    form = FORMATS[content_type]
    Image.MAX_IMAGE_PIXELS = most_pixels
    with Image.open(BytesIO(stripped), formats=(form,)) as image:
        if image.width * image.height > pixels:
            raise Unfit("picture_broken")
        image.load()
        turn = TURNS.get(orientation(parts.exif)) if parts.exif else None
        if turn is None:
            return stripped, image.width, image.height
        upright = image.transpose(turn)
        upright.info = {key: image.info[key] for key in ("transparency",) if key in image.info}
        output = BytesIO()
        upright.save(output, form, quality=QUALITY, icc_profile=image.info.get("icc_profile"))
        return output.getvalue(), upright.width, upright.height


def main() -> None:
    """Do what the command line says."""
    content_type, source, target, most_pixels = sys.argv[1:]
    try:
        cleaned, width, height = clean(content_type, Path(source).read_bytes(), int(most_pixels))
    except Unfit as error:
        sys.stdout.write(str(error))
        return
    Path(target).write_bytes(cleaned)
    sys.stdout.write(json.dumps({"width": width, "height": height}))


if __name__ == "__main__":
    main()
