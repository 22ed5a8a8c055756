"""Pictures that providers made: fetched, proven, kept as they came, and fitted to a size limit."""

import asyncio
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.errors import DownloadFailed, MediaRejected
from bot.media import made_child
from bot.media.child import MEBIBYTE, Bounds, Children
from bot.media.download import Downloader, discard
from bot.media.pictures import MILLION, MOST_PIXELS
from bot.media.sniff import extension
from bot.media.store import LocalStore

#: Far more than 50 megapixels take in any of the three formats that providers document.
PICTURE_BYTES_MAX = 256 * MEBIBYTE
MEMORY_BYTES = 1536 * MEBIBYTE
PROOF_BOUNDS = Bounds(wall_s=40, cpu_s=20, memory_bytes=MEMORY_BYTES, file_bytes=MEBIBYTE)
SHRINK_BOUNDS = Bounds(wall_s=120, cpu_s=90, memory_bytes=MEMORY_BYTES, file_bytes=64 * MEBIBYTE)
PROGRAM = made_child.__file__
ENDINGS = ("png", "jpg", "webp")
SHRINKS_AT_ONCE = 1


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A sound picture: its type by content, and its size in pixels."""

    content_type: str
    width: int
    height: int


class MadePictures:
    """Works on pictures in a local store. See `MediaWorkshop`."""

    def __init__(self, store: LocalStore, downloader: Downloader, children: Children) -> None:
        self._store = store
        self._downloader = downloader
        self._children = children
        self._shrinks = asyncio.Semaphore(SHRINKS_AT_ONCE)

    async def fetch(self, url: str, stem: str) -> str:
        """Download a picture under `stem`, a dot and its type's ending, and prove that it decodes. Returns its key.

        One that is already there is not fetched again: nothing is kept before it is proven.

        Raises:
            DownloadFailed: not this time, or (`is_gone`) never.
            MediaRejected: what came is no sound PNG, JPEG or WebP of at most 50 megapixels.
        """
        kept = await self._kept(stem, ENDINGS)
        if kept is not None:
            return kept
        part = self._store.work_file(hashlib.sha256(stem.encode()).hexdigest()[:32])
        was_resumed = await self._downloader.fetch(url, part, most_bytes=PICTURE_BYTES_MAX)
        try:
            made = await self._prove(part)
        except MediaRejected as error:
            await asyncio.to_thread(discard, part)
            if was_resumed:  # pieces of two files, perhaps: the next try starts from nothing
                raise DownloadFailed("download_mixed") from error
            raise
        key = f"{stem}.{extension(made.content_type)}"
        await self._store.put(key, part)
        await asyncio.to_thread(discard, part)
        return key

    async def fit(self, key: str, limit_bytes: int) -> Path | None:
        """Return a copy of at most `limit_bytes`, the picture itself if it fits, None if quality would suffer.

        A copy is made once for each limit and kept until the picture is deleted.

        Raises:
            MediaRejected: the picture is gone.
        """
        source = await self._store.local(key)
        if source.stat().st_size <= limit_bytes:
            return source
        stem = f"{key}.fit-{limit_bytes}"
        async with self._shrinks:
            fitted = await self._kept(stem, ENDINGS) or await self._shrink(source, stem, limit_bytes)
        return None if fitted is None else await self._store.local(fitted)

    async def _kept(self, stem: str, endings: tuple[str, ...]) -> str | None:
        for ending in endings:
            try:
                await self._store.local(f"{stem}.{ending}")
            except MediaRejected:
                continue
            return f"{stem}.{ending}"
        return None

    async def _prove(self, path: Path) -> MadePicture:
        finished = await self._children.run(_command("prove", path), PROOF_BOUNDS)
        if not finished.is_ok:
            raise MediaRejected("picture_broken")
        answer = _answer(finished.stdout)
        return MadePicture(answer["type"], answer["width"], answer["height"])

    async def _shrink(self, source: Path, stem: str, limit_bytes: int) -> str | None:
        target = self._store.work_file()
        finished = await self._children.run(_command("shrink", source, target, limit_bytes), SHRINK_BOUNDS)
        content_type = _answer(finished.stdout)["type"] if finished.is_ok else None
        if content_type is None:
            target.unlink(missing_ok=True)
            return None
        key = f"{stem}.{extension(content_type)}"
        await self._store.put(key, target)
        return key


def _command(act: str, source: Path, *rest: object) -> tuple[str, ...]:
    return (sys.executable, "-I", "-B", PROGRAM, act, str(source), str(MOST_PIXELS), *map(str, rest))


def _answer(stdout: bytes) -> dict[str, Any]:
    """Read what the child says.

    Raises:
        MediaRejected: it refuses the picture.
    """
    answer: dict[str, Any] = json.loads(stdout)
    if answer.get("code") == "picture_too_many_pixels":
        pixels_m = -(-answer["pixels"] // MILLION)
        raise MediaRejected("picture_too_many_pixels", pixels_m=pixels_m, most_m=MOST_PIXELS // MILLION)
    return answer
