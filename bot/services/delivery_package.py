"""What a delivery posts: clip or pictures fitted to the limits there, or a link; and what refusals teach."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.db import guilds
from bot.db.engine import Database
from bot.domain.errors import MediaRejected
from bot.domain.jobs import Job
from bot.ports import ClipFile, ClipPost, Links, MediaStore, MediaWorkshop
from bot.services.config import Timings
from bot.services.delivery_ladder import Rung
from bot.services.delivery_pictures import ONE, addresses, is_pictures, kept_picture

log = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
#: One request's whole size (Discord's message resource); the rest of the request needs a little room.
REQUEST_LIMIT_BYTES = 25 * MEBIBYTE - 64 * 1024
#: Direct messages take no more than this, whatever the guild takes.
DIRECT_LIMIT_BYTES = 10 * MEBIBYTE
#: Files of one message (resources/message, Create Message).
MOST_FILES = 10
LEARNED_FOR = timedelta(days=30)
#: Nothing below this is learned: what is refused then is not refused for its size, and goes as a bare link.
LEAST_LEARNED_BYTES = MEBIBYTE
#: Under this number of a guild stands what direct messages have taught.
DIRECT_MESSAGES = 0
PROVIDER_LINK_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Package:
    """What to post in one message: the clip, some pictures, or a link (to a clip with a preview) where no file fits.

    `numbers` are those of the pictures in it.
    """

    file: ClipFile | None = None
    link: str | None = None
    link_expires_at: datetime | None = None
    preview: ClipFile | None = None
    pictures: tuple[ClipFile, ...] = ()
    numbers: tuple[int, ...] = ()

    @property
    def size_bytes(self) -> int:
        """How much is uploaded."""
        return sum(part.size_bytes for part in (self.file, self.preview, *self.pictures) if part is not None)

    def fill(self, post: ClipPost) -> ClipPost:
        """Return a message with this in it."""
        return replace(
            post,
            file=self.file,
            link=self.link,
            link_expires_at=self.link_expires_at,
            preview=self.preview,
            pictures=self.pictures,
            numbers=self.numbers,
        )


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

    async def pack(self, held: Job, rung: Rung, numbers: Sequence[int] = ONE) -> Package:
        """Return what the next message there brings: the clip, or as many of the pictures `numbers` as it takes, in
        their order. One read.

        Raises:
            MediaRejected: the kept clip or picture is gone.
        """
        limit_bytes = await self._limit_bytes(held, rung)
        if is_pictures(held):
            return await self._pictures(held, numbers, limit_bytes)
        key = held.clip_key or ""
        try:
            fitted = await self._workshop.fit_clip(key, limit_bytes)
        except MediaRejected:
            await self._store.local(key)  # raises where it is gone; a clip that only cannot be fitted goes as a link
            fitted = None
        if fitted is not None:
            return Package(file=_file(fitted, f"seedance-{held.id}.mp4"))
        preview = await self._preview(held, key)
        if preview is not None and preview.size_bytes > limit_bytes:
            preview = None
        return replace(await self._linked(held, ONE), preview=preview)

    async def smaller(self, held: Job, rung: Rung, refused: Package) -> Package:
        """Learn from a refusal for size, in one transaction, and return what to post instead: less than that. Several
        pictures teach nothing yet: the first of them goes alone.

        Raises:
            MediaRejected: the kept clip or picture is gone.
        """
        if len(refused.pictures) > 1:
            return await self.pack(held, rung, refused.numbers[:1])
        sent, numbers = refused.size_bytes, refused.numbers or ONE
        if sent <= LEAST_LEARNED_BYTES:
            return await self._linked(held, numbers)
        lower = next((tier * MEBIBYTE for tier in (10, 8) if tier * MEBIBYTE < sent), sent // 2)
        lower = max(lower, LEAST_LEARNED_BYTES)
        async with self._database.begin() as connection:
            until = self._clock.now() + LEARNED_FOR
            await guilds.learn(connection, _scope(held, rung), limit_bytes=lower, until=until)
        log.warning("delivery.too_large", extra={"job_id": held.id, "size_bytes": sent, "lower_bytes": lower})
        return await self.pack(held, rung, numbers)

    async def _pictures(self, held: Job, numbers: Sequence[int], limit_bytes: int) -> Package:
        """Take pictures while they fit into one request; one that fits nowhere goes alone, as a link."""
        taken: list[ClipFile] = []
        room_bytes = REQUEST_LIMIT_BYTES
        for number in numbers[:MOST_FILES]:
            key = await kept_picture(self._store, held, number)
            fitted = await self._workshop.fit_picture(key, limit_bytes)
            if fitted is None or (size := fitted.stat().st_size) > room_bytes:
                break
            taken.append(_file(fitted, f"seedance-{held.id}-{number}{fitted.suffix}"))
            room_bytes -= size
        if not taken:
            return await self._linked(held, numbers[:1])
        return Package(pictures=tuple(taken), numbers=tuple(numbers[: len(taken)]))

    async def _limit_bytes(self, held: Job, rung: Rung) -> int:
        async with self._database.read() as connection:
            learned = await guilds.learned(connection, _scope(held, rung), now=self._clock.now())
        usual = DIRECT_LIMIT_BYTES if rung.is_direct else min(held.size_limit_bytes, REQUEST_LIMIT_BYTES)
        return usual if learned is None else min(usual, learned)

    async def _linked(self, held: Job, numbers: Sequence[int]) -> Package:
        """Return a link to the kept file, else to the provider's."""
        if is_pictures(held):
            key = await kept_picture(self._store, held, numbers[0])
            filename = f"seedance-{held.id}-{numbers[0]}.{key.rpartition('.')[2]}"
        else:
            key, filename = held.clip_key or "", f"seedance-{held.id}.mp4"
        expires_at = self._clock.now() + self._timings.clip_retention
        link = self._links.media_url(key, filename, expires_at=expires_at)
        if link is None:
            found = addresses(held) if is_pictures(held) else (held.result_url,)
            link, expires_at = found[numbers[0] - 1], held.updated_at + PROVIDER_LINK_LIFETIME
        return Package(link=link, link_expires_at=expires_at, numbers=tuple(numbers) if is_pictures(held) else ())

    async def _preview(self, held: Job, key: str) -> ClipFile | None:
        picture = await self._workshop.preview(key)
        return None if picture is None else _file(picture, f"seedance-{held.id}.jpg")


def _scope(held: Job, rung: Rung) -> int:
    return DIRECT_MESSAGES if rung.is_direct else held.guild_id


def _file(path: Path, filename: str) -> ClipFile:
    return ClipFile(path=path, filename=filename, size_bytes=path.stat().st_size)
