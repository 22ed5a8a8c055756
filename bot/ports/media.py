"""Files as the services need them: the store, the intake, the workshop, links; and a budget as people see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.budgets import Level
from bot.domain.catalog import Model
from bot.domain.money import Credits
from bot.domain.requests import Attachment, Reference


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What probing a clip found."""

    size_bytes: int
    duration_s: float
    width: int
    height: int
    has_audio: bool


class MediaStore(Protocol):
    """Where references and kept clips are. Keys are ours, never a member's file name."""

    async def put(self, key: str, source: Path) -> None:
        """Move a finished local file under `key`, durably."""
        ...

    async def local(self, key: str) -> Path:
        """Return a readable local path of `key`.

        Raises:
            MediaRejected: it is gone.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove `key`; one already gone is fine."""
        ...

    async def keys(self, older_than_s: float) -> list[str]:
        """Return the keys of everything stored for longer than `older_than_s`: what no row names any more may go."""
        ...


class ReferenceIntake(Protocol):
    """Takes in what members attach: fetched at once, checked by content, stripped, stored."""

    async def store(self, attachments: Sequence[Attachment], model: Model) -> tuple[Reference, ...]:
        """Fetch, check and store attachments, in their order.

        Raises:
            MediaRejected: a file is not what the model takes; nothing of them is kept.
        """
        ...

    async def discard(self, references: Sequence[Reference]) -> None:
        """Remove stored references that no job came of."""
        ...

    async def has_room(self, jobs: int = 1) -> bool:
        """Whether the data folder can be written, and it and the disk have room for another job, or for so many."""
        ...


class MediaWorkshop(Protocol):
    """Work on files, all of it in bounded child processes."""

    async def fetch_clip(self, url: str, key: str) -> ClipInfo:
        """Download a clip under `key`, resuming what an earlier try left, and prove that it plays.

        Raises:
            DownloadFailed: not this time, or (`is_gone`) never.
            MediaRejected: what came is no playable video.
        """
        ...

    async def fit_clip(self, key: str, limit_bytes: int) -> Path | None:
        """Return the clip or a copy of at most `limit_bytes`, None where the quality would suffer too much."""
        ...

    async def fetch_picture(self, url: str, stem: str) -> str:
        """Download a picture under `stem`, a dot and its type's ending, and prove that it decodes. Returns its key.

        One that is already there is not fetched again.

        Raises:
            DownloadFailed: not this time, or (`is_gone`) never.
            MediaRejected: what came is no sound PNG, JPEG or WebP of at most 50 megapixels.
        """
        ...

    async def fit_picture(self, key: str, limit_bytes: int) -> Path | None:
        """Return the picture or a copy of at most `limit_bytes`, None where the quality would suffer too much.

        Raises:
            MediaRejected: the kept picture is gone.
        """
        ...

    async def preview(self, key: str) -> Path | None:
        """Return a JPEG of the clip's first frame, None where it cannot be made."""
        ...

    async def last_frame(self, key: str) -> Path | None:
        """Return a JPEG of the clip's last frame in the clip's own size, None where it cannot be made.

        Raises:
            MediaRejected: the kept clip is gone.
        """
        ...


class Links(Protocol):
    """Addresses on our own public listener."""

    def callback_url(self, provider: str, job_id: str, attempt: int) -> str | None:
        """Return the job's own unguessable callback address, None where callbacks are off. At most 512 characters."""
        ...

    def media_url(self, key: str, filename: str, *, expires_at: datetime) -> str | None:
        """Return a signed expiring link to a kept file, None without a public address."""
        ...


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One level as people see it. `available` None is unlimited."""

    level: Level
    limit: Credits | None
    settled: Credits
    held: Credits
    ends_at: datetime | None
