"""What a delivery posts: the clip fitted to the limit there, or a link with a picture; and what refusals teach."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.db import guilds
from bot.db.engine import Database
from bot.domain.errors import MediaRejected
from bot.domain.jobs import Job
from bot.ports import ClipFile, Links, MediaStore, MediaWorkshop
from bot.services.config import Timings
from bot.services.delivery_ladder import Rung

log = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
#: One request's whole size (Discord's message resource); the rest of the request needs a little room.
REQUEST_LIMIT_BYTES = 25 * MEBIBYTE - 64 * 1024
#: Direct messages take no more than this, whatever the guild takes.
DIRECT_LIMIT_BYTES = 10 * MEBIBYTE
LEARNED_FOR = timedelta(days=30)
#: Nothing below this is learned: what is refused then is not refused for its size, and goes as a bare link.
LEAST_LEARNED_BYTES = MEBIBYTE
#: Under this number of a guild stands what direct messages have taught.
DIRECT_MESSAGES = 0
PROVIDER_LINK_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Package:
    """What to post: the file, or a link with a picture where no file fits."""

    file: ClipFile | None = None
    link: str | None = None
    link_expires_at: datetime | None = None
    preview: ClipFile | None = None

    @property
    def size_bytes(self) -> int:
        """How much is uploaded."""
        return sum(part.size_bytes for part in (self.file, self.preview) if part is not None)


class Packing:
    """Makes packages, and remembers for thirty days what was too large for a guild."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        workshop: MediaWorkshop,
        store: MediaStore,
        links: Links,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._workshop = workshop
        self._store = store
        self._links = links
        self._timings = timings

    async def pack(self, held: Job, rung: Rung) -> Package:
        """Return what to post there. One read.

        Raises:
            MediaRejected: the kept clip is gone.
        """
        key = held.clip_key or ""
        limit_bytes = await self._limit_bytes(held, rung)
        try:
            fitted = await self._workshop.fit_clip(key, limit_bytes)
        except MediaRejected:
            await self._store.local(key)  # raises where it is gone; a clip that only cannot be fitted goes as a link
            fitted = None
        if fitted is not None:
            return Package(file=_file(fitted, f"seedance-{held.id}.mp4"))
        link, expires_at = self._link(held, key)
        preview = await self._preview(held, key)
        if preview is not None and preview.size_bytes > limit_bytes:
            preview = None
        return Package(link=link, link_expires_at=expires_at, preview=preview)

    async def smaller(self, held: Job, rung: Rung, refused: Package) -> Package:
        """Learn from a refusal for size, in one transaction, and return what to post instead: less than that.

        Raises:
            MediaRejected: the kept clip is gone.
        """
        sent = refused.size_bytes
        if sent <= LEAST_LEARNED_BYTES:
            link, expires_at = self._link(held, held.clip_key or "")
            return Package(link=link, link_expires_at=expires_at)
        lower = next((tier * MEBIBYTE for tier in (10, 8) if tier * MEBIBYTE < sent), sent // 2)
        lower = max(lower, LEAST_LEARNED_BYTES)
        async with self._database.begin() as connection:
            until = self._clock.now() + LEARNED_FOR
            await guilds.learn(connection, _scope(held, rung), limit_bytes=lower, until=until)
        log.warning("delivery.too_large", extra={"job_id": held.id, "size_bytes": sent, "lower_bytes": lower})
        return await self.pack(held, rung)

    async def _limit_bytes(self, held: Job, rung: Rung) -> int:
        async with self._database.read() as connection:
            learned = await guilds.learned(connection, _scope(held, rung), now=self._clock.now())
        usual = DIRECT_LIMIT_BYTES if rung.is_direct else min(held.size_limit_bytes, REQUEST_LIMIT_BYTES)
        return usual if learned is None else min(usual, learned)

    def _link(self, held: Job, key: str) -> tuple[str | None, datetime]:
        expires_at = self._clock.now() + self._timings.clip_retention
        link = self._links.media_url(key, f"seedance-{held.id}.mp4", expires_at=expires_at)
        if link is not None:
            return link, expires_at
        return held.result_url, held.updated_at + PROVIDER_LINK_LIFETIME

    async def _preview(self, held: Job, key: str) -> ClipFile | None:
        picture = await self._workshop.preview(key)
        return None if picture is None else _file(picture, f"seedance-{held.id}.jpg")


def _scope(held: Job, rung: Rung) -> int:
    return DIRECT_MESSAGES if rung.is_direct else held.guild_id


def _file(path: Path, filename: str) -> ClipFile:
    return ClipFile(path=path, filename=filename, size_bytes=path.stat().st_size)
