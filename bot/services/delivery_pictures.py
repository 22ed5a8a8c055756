"""Which pictures a job has, where they are kept, and how far a delivery of them has come."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.errors import MediaRejected
from bot.domain.jobs import Job
from bot.domain.requests import Kind
from bot.ports import MediaStore, Posted

#: What the keys of kept pictures end with, by their type.
ENDINGS = ("png", "jpg", "webp")
#: What stands for a clip, or for a job's only picture, where pictures are counted.
ONE = (1,)


def is_pictures(job: Job) -> bool:
    """Whether a job is for pictures."""
    return job.spec.kind is Kind.IMAGE


def stem_of(job: Job) -> str:
    """Return what the keys of all pictures of a job begin with."""
    return f"pictures/{job.id}"


def addresses(job: Job) -> tuple[str, ...]:
    """Return where the provider has each picture; an empty text stands for one that can never be fetched."""
    return job.result_urls or (job.result_url or "",)


def numbers_of(job: Job) -> tuple[int, ...]:
    """Return the numbers, from 1, of all that a job has to show; a clip counts as one."""
    if not is_pictures(job) or not job.result_urls:
        return ONE
    return tuple(number for number, url in enumerate(job.result_urls, 1) if url)


async def kept_picture(store: MediaStore, job: Job, number: int) -> str:
    """Return the key of a kept picture.

    Raises:
        MediaRejected: it is gone.
    """
    for ending in ENDINGS:
        key = f"{stem_of(job)}.{number}.{ending}"
        try:
            await store.local(key)
        except MediaRejected:
            continue
        return key
    raise MediaRejected("file_gone")


@dataclass(slots=True)
class Progress:
    """What of a delivery has been posted. `rows` are its messages as they were written down (`delivery_part`).

    A message that was only meant is in doubt until it is looked up. At most one is: each is settled before the next.
    `is_alone`: Discord refused several pictures at once for their size, so each goes by itself.
    """

    numbers: tuple[int, ...]
    receipts: dict[int, Posted] = field(default_factory=dict)
    shown: set[int] = field(default_factory=set)
    doubts: list[Any] = field(default_factory=list)
    known: dict[int, tuple[datetime, int | None]] = field(default_factory=dict)
    is_alone: bool = False

    @classmethod
    def of(cls, job: Job, rows: Iterable[Any]) -> "Progress":
        """Read how far a delivery has come."""
        progress = cls(numbers_of(job))
        for row in rows:
            progress.known[row.part] = (row.intended_at, row.message_id)
            if row.message_id is None:
                progress.doubts.append(row)
            else:
                progress.note(row.part, pictures_of(row) or progress.numbers, Posted(row.channel_id, row.message_id))
        return progress

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of what has not been posted."""
        return tuple(number for number in self.numbers if number not in self.shown)

    @property
    def wanted(self) -> tuple[int, ...]:
        """The numbers of what the next message should bring if it can."""
        return self.missing[:1] if self.is_alone else self.missing

    @property
    def next_part(self) -> int:
        """The number of the next message. One that surely does not exist gives its number back."""
        return max(self.receipts, default=-1) + 1

    @property
    def first(self) -> Posted:
        """The delivery's first message."""
        return self.receipts[min(self.receipts)]

    def note(self, part: int, numbers: Iterable[int], posted: Posted) -> None:
        """Note a message that people see."""
        self.receipts[part] = posted
        self.shown.update(numbers)


def pictures_of(row: Any) -> tuple[int, ...]:
    """Return the numbers of the pictures that a message was written down with; none for a clip's."""
    return tuple(int(number) for number in row.pictures.split(",")) if row.pictures else ()
