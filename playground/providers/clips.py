"""Real clips for the emulators: H.264 MP4s that show their prompt, and their last frames as PNG."""

import asyncio
import importlib.util
import io
import re
import subprocess
import tempfile
import textwrap
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import imageio_ffmpeg
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from playground.providers.mp4 import pad

FRAMES_PER_S = 12
ENCODERS_AT_ONCE = 2
ENCODE_TIMEOUT_S = 120
CLIPS_KEPT = 64
PROMPT_CHARACTERS_SHOWN = 700
HEIGHTS = {"480p": 480, "720p": 720, "1080p": 1080}
BAR_COLOUR = "0xffb703"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
# Fonts that the simcord package ships, by the script that needs them; a machine without them shows Pillow's own font.
SCRIPT_FONTS = (
    (re.compile(r"[\u0900-\u097f]"), "noto-sans-devanagari"),
    (re.compile(r"[\u0590-\u05ff]"), "noto-sans-hebrew"),
    (re.compile(r"[\u0600-\u06ff]"), "noto-sans-arabic"),
    (re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]"), "noto-sans-sc"),
    (re.compile(r""), "noto-sans-latin-v"),
)


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What a clip must look like. `size_bytes` is a minimum; `noise` reaches it by the pictures themselves."""

    prompt: str
    resolution: str = "720p"
    ratio: str = "16:9"
    duration_s: int = 5
    audio: bool = False
    caption: str = ""
    picture: bytes | None = None  # a start image, shown behind the text
    size_bytes: int = 0
    noise: bool = False

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in even pixels. The resolution names the shorter side, as 16:9 at 720p is 1280 x 720."""
        across, down = (int(part) for part in self.ratio.split(":"))
        short = HEIGHTS[self.resolution]
        long = round(short * max(across, down) / min(across, down) / 2) * 2
        return (long, short) if across >= down else (short, long)


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished MP4 and its last frame."""

    video: bytes
    last_frame: bytes


class ClipStudio:
    """Renders clips beside the event loop, at most two at once, and remembers the last few."""

    def __init__(self) -> None:
        self._encoders = asyncio.Semaphore(ENCODERS_AT_ONCE)
        self._kept: OrderedDict[ClipSpec, Clip] = OrderedDict()

    async def render(self, spec: ClipSpec) -> Clip:
        """Make the clip, or return the one made before. Raises subprocess.SubprocessError when ffmpeg fails."""
        if (kept := self._kept.get(spec)) is not None:
            self._kept.move_to_end(spec)
            return kept
        async with self._encoders:
            clip = await asyncio.to_thread(render, spec)
        self._kept[spec] = clip
        while len(self._kept) > CLIPS_KEPT:
            self._kept.popitem(last=False)
        return clip


def render(spec: ClipSpec) -> Clip:
    """Draw, encode and pad one clip; blocks for some 0.5 s. Raises subprocess.SubprocessError when ffmpeg fails."""
    picture = draw_picture(spec)
    with tempfile.TemporaryDirectory(prefix="clip-") as folder:
        still, target = Path(folder, "still.ppm"), Path(folder, "clip.mp4")
        picture.save(still)
        _ffmpeg(_encode_arguments(spec, still, target))
        video = target.read_bytes()
        frame = Path(folder, "last.png")
        _ffmpeg(["-sseof", "-0.5", "-i", str(target), "-update", "1", "-compression_level", "1", str(frame)])
        return Clip(pad(video, spec.size_bytes), frame.read_bytes())


def _ffmpeg(arguments: list[str]) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    # The binary is the one that imageio-ffmpeg ships, and every argument is made here.
    subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, timeout=ENCODE_TIMEOUT_S
    )


def _encode_arguments(spec: ClipSpec, still: Path, target: Path) -> list[str]:
    width, height = spec.dimensions
    bar, thickness = width // 8, max(4, height // 60)
    noise = ",noise=alls=60:allf=t+u" if spec.noise else ""
    travel = f"mod(t*{(width + bar) / 4:.0f}\\,{width + bar})-{bar}"
    graph = (
        f"[0:v]format=yuv420p,loop=loop=-1:size=1,setpts=N/{FRAMES_PER_S}/TB,fps={FRAMES_PER_S}{noise}[still];"
        f"[1:v]format=yuv420p[bar];[still][bar]overlay=x='{travel}':y={height - 2 * thickness}:eval=frame[video]"
    )
    arguments = ["-i", str(still), "-f", "lavfi", "-i", f"color=c={BAR_COLOUR}:s={bar}x{thickness}:r={FRAMES_PER_S}"]
    if spec.audio:
        arguments += ["-f", "lavfi", "-i", "sine=frequency=330:sample_rate=44100"]
    arguments += ["-filter_complex", graph, "-map", "[video]", "-t", str(spec.duration_s)]
    arguments += ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p"]
    if spec.noise and spec.size_bytes:
        rate = str(max(100_000, spec.size_bytes * 8 // spec.duration_s))
        arguments += ["-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate]
    if spec.audio:
        arguments += ["-map", "2:a", "-c:a", "aac", "-b:a", "64k"]
    return [*arguments, "-movflags", "+faststart", str(target)]


def draw_picture(spec: ClipSpec) -> Image.Image:
    """The still that the clip is made of: the prompt in large letters, the caption below, the start image behind."""
    width, height = spec.dimensions
    canvas = _background(spec, width, height)
    pen = ImageDraw.Draw(canvas)
    margin = min(width, height) // 14
    text, font = _fit(spec.prompt[:PROMPT_CHARACTERS_SHOWN], width - 2 * margin, height - 4 * margin, pen)
    pen.multiline_text((margin, margin), text, font=font, fill="white", stroke_width=2, stroke_fill="black")
    small = load_font(spec.caption, max(14, min(width, height) // 28))
    pen.text(
        (margin, height - 2 * margin), spec.caption, font=small, fill="#dddddd", stroke_width=1, stroke_fill="black"
    )
    return canvas


def _background(spec: ClipSpec, width: int, height: int) -> Image.Image:
    if spec.picture is not None:
        try:
            with Image.open(io.BytesIO(spec.picture)) as picture:
                return picture.convert("RGB").resize((width, height))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            pass  # not a picture after all: the plain ground will do
    red, green, blue = (40 + byte // 3 for byte in sha256(spec.prompt.encode()).digest()[:3])
    return Image.new("RGB", (width, height), (red, green, blue))


def _fit(prompt: str, width: int, height: int, pen: ImageDraw.ImageDraw) -> tuple[str, Font]:
    """Wrap the prompt in the largest letters that leave it inside the box; the smallest are used whatever happens."""
    size = max(14, min(width, height) // 8)
    while True:
        font = load_font(prompt, size)
        columns = max(4, int(width / max(1.0, font.getlength("n" * 20) / 20)))
        text = "\n".join("\n".join(textwrap.wrap(line, columns)) for line in prompt.splitlines())
        box = pen.multiline_textbbox((0, 0), text, font=font)
        if (box[2] <= width and box[3] <= height) or size <= 14:
            return text, font
        size = max(14, size * 4 // 5)


@lru_cache(maxsize=64)
def _font_of(name: str, size: int) -> Font:
    package = importlib.util.find_spec("simcord")
    for folder in package.submodule_search_locations or () if package else ():
        for path in Path(folder, "preview", "static", "fonts").glob(f"{name}*.ttf"):
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def load_font(text: str, size: int) -> Font:
    """A font of `size` pixels for the script that `text` is written in."""
    return next(_font_of(name, size) for script, name in SCRIPT_FONTS if script.search(text))
