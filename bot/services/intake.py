"""Taking in references, and whether there is room for another job."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from bot.clock import Clock
from bot.domain.catalog import Model
from bot.domain.errors import MediaRejected, Refused
from bot.domain.requests import Attachment, Reference
from bot.media.references import References
from bot.media.store import LocalStore

MEASURE_EVERY_S = 10.0
#: Room that one more job may need: its references, its clip and a smaller copy of it.
ROOM_FOR_A_JOB = 256 * 1024 * 1024


class Intake:
    """The intake of references over the local store, with the folder's and the disk's bounds.

    What other processes store is seen at the next measurement; what this one takes in is counted at once.
    """

    def __init__(
        self, references: References, store: LocalStore, clock: Clock, *, data_dir: Path, max_bytes: int
    ) -> None:
        self._references = references
        self._store = store
        self._clock = clock
        self._data_dir = data_dir
        self._max_bytes = max_bytes
        self._measuring = asyncio.Lock()
        self._measured_at = float("-inf")
        self._used = 0
        self._free = 0
        self._coming = 0  # bytes of references that are being fetched
        self._stored = 0  # and of those stored since the measurement

    async def store(self, attachments: Sequence[Attachment], model: Model) -> tuple[Reference, ...]:
        """Fetch, check and store attachments; see `ReferenceIntake`.

        Raises:
            Refused: `storage_full`: others are taking the room at this moment, or the disk filled up meanwhile.
        """
        if not attachments:
            return ()
        size = sum(attachment.size_bytes for attachment in attachments)
        if not await self._fits(size, 1):
            raise Refused("storage_full")
        self._coming += size
        try:
            kept = await self._references.store(attachments, model)
        except (OSError, MediaRejected) as error:  # the child that cleans a picture cannot say why it failed
            if await asyncio.to_thread(self._look_free) < ROOM_FOR_A_JOB:
                raise Refused("storage_full") from error
            raise
        finally:
            self._coming -= size
        self._stored += size
        return kept

    async def discard(self, references: Sequence[Reference]) -> None:
        """Remove stored references that no job came of."""
        for reference in references:
            await self._store.delete(reference.key)

    async def has_room(self, jobs: int = 1) -> bool:
        """Whether folder and disk have room for so many more jobs; measured at most every ten seconds."""
        return await self._fits(0, jobs)

    async def _fits(self, size_bytes: int, jobs: int) -> bool:
        """Whether this many bytes would leave the room that so many more jobs may need."""
        await self._measure()
        taken = self._coming + self._stored + size_bytes
        room = jobs * min(ROOM_FOR_A_JOB, self._max_bytes // 4)
        return self._used + taken + room <= self._max_bytes and self._free - taken >= jobs * ROOM_FOR_A_JOB

    async def _measure(self) -> None:
        """Look at the folder and the disk anew where the last look is old. Those who come meanwhile wait for it."""
        async with self._measuring:
            now = self._clock.monotonic()
            if now - self._measured_at < MEASURE_EVERY_S:
                return
            counted = self._stored
            self._used = await self._store.used_bytes()
            self._free = await asyncio.to_thread(self._look_free)
            self._measured_at = now
            self._stored -= counted

    def _look_free(self) -> int:
        """Return how many bytes the disk can take: none where the folder cannot be written."""
        try:
            mark = self._store.work_file()
            mark.touch()
            mark.unlink()
            return shutil.disk_usage(self._data_dir).free
        except OSError:
            return 0
