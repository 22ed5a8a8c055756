"""Taking in references, and whether there is room for another job."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from bot.clock import Clock
from bot.domain.catalog import Model
from bot.domain.requests import Attachment, Reference
from bot.media.references import References
from bot.media.store import LocalStore

MEASURE_EVERY_S = 10.0
#: Room that one more job may need: its references, its clip and a smaller copy of it.
ROOM_FOR_A_JOB = 256 * 1024 * 1024


class Intake:
    """The intake of references over the local store, with the folder's and the disk's bounds."""

    def __init__(
        self, references: References, store: LocalStore, clock: Clock, *, data_dir: Path, max_bytes: int
    ) -> None:
        self._references = references
        self._store = store
        self._clock = clock
        self._data_dir = data_dir
        self._max_bytes = max_bytes
        self._measured_at = float("-inf")
        self._has_room = True

    async def store(self, attachments: Sequence[Attachment], model: Model) -> tuple[Reference, ...]:
        """Fetch, check and store attachments; see `ReferenceIntake`."""
        return await self._references.store(attachments, model) if attachments else ()

    async def discard(self, references: Sequence[Reference]) -> None:
        """Remove stored references that no job came of."""
        for reference in references:
            await self._store.delete(reference.key)

    async def has_room(self) -> bool:
        """Whether folder and disk have room for another job; measured at most every ten seconds."""
        now = self._clock.monotonic()
        if now - self._measured_at >= MEASURE_EVERY_S:
            self._measured_at = now
            used = await self._store.used_bytes()
            disk = await asyncio.to_thread(shutil.disk_usage, self._data_dir)
            room = min(ROOM_FOR_A_JOB, self._max_bytes // 4)
            self._has_room = used + room <= self._max_bytes and disk.free >= ROOM_FOR_A_JOB
        return self._has_room
