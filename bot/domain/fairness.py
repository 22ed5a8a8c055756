"""Who is next when a provider's places are fewer than its waiting jobs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.jobs import JobId

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting job of one member in one guild."""

    job_id: JobId
    guild_id: int
    user_id: int
    created_at: datetime


def choose_next(
    waiting: Iterable[Waiting],
    guild_served_at: Mapping[int, datetime],
    member_served_at: Mapping[tuple[int, int], datetime],
) -> Waiting | None:
    """Choose the guild served least recently, then its member served least recently, then the oldest job."""
    return min(
        waiting,
        default=None,
        key=lambda w: (
            guild_served_at.get(w.guild_id, LONG_AGO),
            w.guild_id,
            member_served_at.get((w.guild_id, w.user_id), LONG_AGO),
            w.created_at,
            w.job_id,
        ),
    )
