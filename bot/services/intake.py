"""Taking in references, and whether there is room for another job."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from bot.clock import Clock
from bot.domain.catalog import Model
from bot.domain.errors import Refused
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
            Refused: `storage_full`: others are taking the room at this moment.
        """
        if not attachments:
            return ()
        size = sum(attachment.size_bytes for attachment in attachments)
        if not await self._fits(size):
            raise Refused("storage_full")
        self._coming += size
        try:
            kept = await self._references.store(attachments, model)
        finally:
            self._coming -= size
        self._stored += size
        return kept

    async def discard(self, references: Sequence[Reference]) -> None:
        """Remove stored references that no job came of."""
        for reference in references:
            await self._store.delete(reference.key)

    async def has_room(self) -> bool:
        """Whether folder and disk have room for another job; measured at most every ten seconds."""
        return await self._fits(0)

    async def _fits(self, size_bytes: int) -> bool:
        """Whether this many bytes would leave the room that one more job may need."""
        await self._measure()
        taken = self._coming + self._stored + size_bytes
        room = min(ROOM_FOR_A_JOB, self._max_bytes // 4)
        return self._used + taken + room <= self._max_bytes and self._free - taken >= ROOM_FOR_A_JOB

    async def _measure(self) -> None:
        """Look at the folder and the disk anew where the last look is old. Those who come meanwhile wait for it."""
        async with self._measuring:
            now = self._clock.monotonic()
            if now - self._measured_at < MEASURE_EVERY_S:
                return
            counted = self._stored
            self._used = await self._store.used_bytes()
            self._free = (await asyncio.to_thread(shutil.disk_usage, self._data_dir)).free
            self._measured_at = now
            self._stored -= counted
