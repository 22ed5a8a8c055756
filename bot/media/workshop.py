"""Clips: fetched, proven, fitted to a size limit, and their preview pictures. Pictures: see `made_pictures`."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.domain.errors import DownloadFailed, MediaRejected
from bot.domain.requests import MediaKind
from bot.media import mp4
from bot.media.child import Children
from bot.media.download import Downloader, discard
from bot.media.made_pictures import MadePictures
from bot.media.sniff import HEAD_BYTES, sniff
from bot.media.store import LocalStore
from bot.media.videos import AUDIO_BPS, Videos
from bot.ports import ClipInfo

ENCODES_AT_ONCE = 1
ENCODE_TRIES = 4
FIRST_FACTOR = 0.94  # room for the container; short clips overshoot their bit rate, so each further try takes less
NEXT_FACTOR = 0.9
LEAST_VIDEO_BPS = 150_000  # below this even 480 lines are a blur
LEAST_BITS_PER_PIXEL = 0.05  # at 24 frames a second; with less, fewer lines look better
FRAMES_PER_S = 24
HD_LINES, SD_LINES, HD_LEAST_BPS = 720, 480, 900_000


class Workshop:
    """Works on clips and pictures in a local store. See `MediaWorkshop`."""

    def __init__(self, store: LocalStore, downloader: Downloader, videos: Videos, children: Children) -> None:
        self._store = store
        self._downloader = downloader
        self._videos = videos
        self._pictures = MadePictures(store, downloader, children)
        self._encodes = asyncio.Semaphore(ENCODES_AT_ONCE)

    async def fetch_clip(self, url: str, key: str) -> ClipInfo:
        """Download a clip under `key`, resuming what an earlier try left, and prove that it plays.

        A sound clip that is already there is not fetched again.

        Raises:
            DownloadFailed: not this time, or (`is_gone`) never.
            MediaRejected: `video_broken`, what came is no playable video.
        """
        kept = await self._kept(key)
        if kept is not None:
            return kept
        part = self._store.work_file(hashlib.sha256(key.encode()).hexdigest()[:32])
        was_resumed = await self._downloader.fetch(url, part)
        try:
            info = await self._prove(part)
        except MediaRejected as error:
            await asyncio.to_thread(discard, part)
            if was_resumed:  # pieces of two files, perhaps: the next try starts from nothing
                raise DownloadFailed("download_mixed") from error
            raise
        await self._store.put(key, part)
        await asyncio.to_thread(discard, part)
        return info

    async def fit_clip(self, key: str, limit_bytes: int) -> Path | None:
        """Return a copy of at most `limit_bytes`, the clip itself if it fits, None if quality would suffer.

        A copy is made once for each limit and kept until the clip is deleted.
        """
        source = await self._store.local(key)
        if _size(source) <= limit_bytes:
            return source
        fitted = f"{key}.fit-{limit_bytes}.mp4"
        async with self._encodes:
            try:
                return await self._store.local(fitted)
            except MediaRejected:
                made = await self._encode(source, limit_bytes)
            if made is None:
                return None
            await self._store.put(fitted, made)
        return await self._store.local(fitted)

    async def fetch_picture(self, url: str, stem: str) -> str:
        """Download a picture under `stem`, a dot and its type's ending, and prove that it decodes. Returns its key."""
        return await self._pictures.fetch(url, stem)

    async def fit_picture(self, key: str, limit_bytes: int) -> Path | None:
        """Return a copy of at most `limit_bytes`, the picture itself if it fits, None if quality would suffer."""
        return await self._pictures.fit(key, limit_bytes)

    async def preview(self, key: str) -> Path | None:
        """Return a JPEG of the clip's first frame, None where it cannot be made."""
        return await self._picture(key, f"{key}.preview.jpg", self._videos.first_frame)

    async def last_frame(self, key: str) -> Path | None:
        """Return a JPEG of the clip's last frame in the clip's own size, None where it cannot be made."""
        return await self._picture(key, f"{key}.last.jpg", self._videos.last_frame)

    async def _picture(self, key: str, derived: str, make: Callable[[Path, Path, str], Awaitable[bool]]) -> Path | None:
        """Return a picture of a clip; it is made once and kept until the clip is deleted."""
        try:
            return await self._store.local(derived)
        except MediaRejected:
            source = await self._store.local(key)
        target = self._store.work_file()
        content_type = await asyncio.to_thread(_clip_type, source)
        if content_type is None or not await make(source, target, content_type):
            target.unlink(missing_ok=True)
            return None
        await self._store.put(derived, target)
        return await self._store.local(derived)

    async def _kept(self, key: str) -> ClipInfo | None:
        try:
            path = await self._store.local(key)
        except MediaRejected:
            return None
        try:
            return await self._prove(path)
        except MediaRejected:
            await self._store.delete(key)
            return None

    async def _prove(self, path: Path) -> ClipInfo:
        """Prove a clip by its own tables where they suffice (a millisecond), else by decoding it in a child."""
        content_type, info = await asyncio.to_thread(_inspect, path)
        if content_type is None:
            raise MediaRejected("video_broken")
        return info or await self._videos.prove(path, content_type)

    async def _encode(self, source: Path, limit_bytes: int) -> Path | None:
        info, content_type = await self._prove(source), await asyncio.to_thread(_clip_type, source)
        target, factor = self._store.work_file(), FIRST_FACTOR
        for _ in range(ENCODE_TRIES):
            video_bps, height = plan_encode(info, int(limit_bytes * factor))
            if video_bps < LEAST_VIDEO_BPS or content_type is None:
                break
            is_made = await self._videos.shrink(source, target, content_type, video_bps=video_bps, height=height)
            if is_made and _size(target) <= limit_bytes:
                return target
            factor *= NEXT_FACTOR
        target.unlink(missing_ok=True)
        return None


def plan_encode(info: ClipInfo, budget_bytes: int) -> tuple[int, int]:
    """Choose bits per second and lines for a clip that must fit a budget."""
    video_bps = int(budget_bytes * 8 / max(info.duration_s, 0.1)) - (AUDIO_BPS if info.has_audio else 0)
    if video_bps / (info.width * info.height * FRAMES_PER_S) > LEAST_BITS_PER_PIXEL:
        return video_bps, info.height // 2 * 2
    lines = HD_LINES if video_bps > HD_LEAST_BPS else SD_LINES
    return video_bps, min(lines, info.height // 2 * 2)


def _clip_type(path: Path) -> str | None:
    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    return found.content_type if found is not None and found.kind is MediaKind.VIDEO else None


def _inspect(path: Path) -> tuple[str | None, ClipInfo | None]:
    content_type = _clip_type(path)
    return content_type, mp4.read_clip(path) if content_type in ("video/mp4", "video/quicktime") else None


def _size(path: Path) -> int:
    return path.stat().st_size
