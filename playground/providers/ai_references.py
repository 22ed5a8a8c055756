"""How the seedance2ai emulator fetches references: by their addresses, as the provider's servers would."""

import asyncio
import io
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Literal

import aiohttp
import imageio_ffmpeg
from PIL import Image, UnidentifiedImageError

from playground.providers.ai_fields import invalid
from playground.providers.ai_tasks import Knobs, Reference

LARGEST_BYTES = 100 * 1024 * 1024
REDIRECTS_FOLLOWED = 3
PROBE_TIMEOUT_S = 30
PICTURE_FORMATS = ("PNG", "JPEG", "WEBP")
DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
VIDEO_STREAM = re.compile(r"Stream #.*Video: .*?, (\d{2,5})x(\d{2,5})")
VIDEO_CONTAINER = re.compile(r"Input #0, (?:[\w,]*,)?(?:mov|mp4|webm)(?:,|\b)")


class Fetcher:
    """Fetches addresses and looks at what came; nothing is believed because of its name."""

    def __init__(self, knobs: Knobs, session: aiohttp.ClientSession) -> None:
        self._knobs = knobs
        self._session = session

    async def fetch_all(self, urls: tuple[str, ...], only: Literal["image"] | None = None) -> list[Reference]:
        """Fetch all at once. Raises Refused with invalid_request for one that fails, or is not of kind `only`."""
        found = await asyncio.gather(*(self._fetch(url) for url in urls), return_exceptions=True)
        references: list[Reference] = []
        for result in found:
            if isinstance(result, BaseException):
                raise result
            if only is not None and result.kind != only:
                raise invalid("a reference is no picture")
            references.append(result)
        return references

    async def _fetch(self, url: str) -> Reference:
        if self._knobs.references_unreachable:
            raise invalid("a reference could not be fetched")
        timeout = aiohttp.ClientTimeout(total=self._knobs.fetch_timeout_s)
        try:
            async with self._session.get(url, timeout=timeout, max_redirects=REDIRECTS_FOLLOWED) as answer:
                if answer.status != 200:
                    raise invalid(f"a reference could not be fetched (HTTP {answer.status})")
                content_type = answer.content_type
                data = await _read(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise invalid("a reference could not be fetched") from error
        return await asyncio.to_thread(look_at, url, content_type, data)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    async for part in answer.content.iter_chunked(256 * 1024):
        parts += part
        if len(parts) > LARGEST_BYTES:
            raise invalid("a reference is too large")
    return bytes(parts)


def look_at(url: str, content_type: str, data: bytes) -> Reference:
    """Find out what the bytes are. Raises Refused unless a picture or video that the Content-Type announced."""
    if content_type.startswith("image/"):
        return _picture(url, content_type, data)
    if content_type.startswith("video/"):
        return _video(url, content_type, data)
    raise invalid(f"a reference is neither image nor video but {content_type}")


def _picture(url: str, content_type: str, data: bytes) -> Reference:
    try:
        with Image.open(io.BytesIO(data), formats=PICTURE_FORMATS) as picture:
            picture.load()
            return Reference(url, "image", content_type, picture.width, picture.height, data=data)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise invalid("a reference is no PNG, JPEG or WEBP picture") from error


def _video(url: str, content_type: str, data: bytes) -> Reference:
    with tempfile.TemporaryDirectory(prefix="reference-") as folder:
        path = Path(folder, "reference")
        path.write_bytes(data)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-protocol_whitelist", "file"]
        # The binary is the one that imageio-ffmpeg ships, and the only foreign thing is the file's content.
        try:
            probe = subprocess.run(  # noqa: S603
                [*command, "-i", str(path)], check=False, capture_output=True, timeout=PROBE_TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise invalid("a reference video's duration could not be probed") from error
    text = probe.stderr.decode("utf-8", "replace")
    duration, stream = DURATION.search(text), VIDEO_STREAM.search(text)
    if duration is None or stream is None or VIDEO_CONTAINER.search(text) is None:
        raise invalid("a reference video's duration could not be probed")
    seconds = int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3])
    return Reference(url, "video", content_type, int(stream[1]), int(stream[2]), duration_s=seconds)
