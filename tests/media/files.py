"""Files that members might attach, made on the fly."""

import io
import struct
import subprocess
import zlib
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

SECRET = b"+40.6894-074.0447"


def picture(form: str, size: tuple[int, int] = (320, 200), *, turned: bool = False, located: bool = False) -> bytes:
    """A noisy picture, its left upper corner red; `located` adds a GPS position and words, `turned` a rotation tag."""
    image = Image.effect_noise(size, 60).convert("RGB")
    image.paste((255, 0, 0), (0, 0, 40, 40))
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    if located:
        exif[0x010E] = SECRET.decode()
        exif.get_ifd(0x8825)[2] = (40.0, 41.0, 22.0)
    output = io.BytesIO()
    image.save(output, form, quality=90, exif=exif if turned or located else b"", comment=SECRET if located else b"")
    return output.getvalue()


def animated(form: str) -> bytes:
    """A picture of two frames."""
    output = io.BytesIO()
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("red", "blue")]
    frames[0].save(output, form, save_all=True, append_images=frames[1:], duration=100)
    return output.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG that claims a size; `pixels` is its unpacked data, which may be far too little."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def make_clip(target: Path, *options: str, seconds: float = 2, size: str = "320x180") -> Path:
    """Render a test clip with sound and a location in its metadata."""
    sources = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=24:d={seconds}", "-f", "lavfi", "-i", f"sine=d={seconds}")
    words = ("-metadata", f"location={SECRET.decode()}/", "-metadata", "title=holiday")
    coding = options or ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-movflags", "+faststart")
    command = (imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *sources, *coding, *words, str(target))
    subprocess.run(command, check=True, timeout=60)
    return target
