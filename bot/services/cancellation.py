"""Cancelling: a column that is read before every step. A clip that is made is not cancelled but deleted."""

from collections.abc import Collection
from enum import StrEnum

from bot.clock import Clock
from bot.db import jobs
from bot.db.engine import Database
from bot.domain.errors import NotFound
from bot.domain.jobs import HOLDING, Job, JobState
from bot.services import settlement
from bot.services.acts import note_act
from bot.services.wake import Wake

AT_ONCE = frozenset({JobState.AWAITING_APPROVAL, JobState.QUEUED})


class CancelOutcome(StrEnum):
    """What became of a cancel request."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    TOO_LATE = "too_late"
    CANNOT = "cannot"  # its provider takes no cancel once it has the task
    IN_DOUBT = "in_doubt"  # the same, and nobody knows whether it has the task


#: What becomes of a cancel request where the provider takes none.
FIXED = {JobState.RUNNING: CancelOutcome.CANNOT, JobState.UNKNOWN: CancelOutcome.IN_DOUBT}


class Cancellation:
    """Takes cancel requests of members and moderators."""

    def __init__(self, database: Database, clock: Clock, *, wake: Wake, cancellable: Collection[str]) -> None:
        """`cancellable` are the providers that can cancel a task."""
        self._cancellable = cancellable
        self._database = database
        self._clock = clock
        self._wake = wake

    async def request(self, job_id: str, *, actor_id: int, guild_id: int | None, is_moderator: bool) -> CancelOutcome:
        """Cancel a waiting job at once; ask a running one to stop. One transaction.

        Raises:
            NotFound: no such job for this person.
        """
        async with self._database.begin() as connection:
            now = self._clock.now()
            found = await jobs.lock(connection, job_id)
            if found is None or not may_act(found, actor_id=actor_id, guild_id=guild_id, is_moderator=is_moderator):
                raise NotFound("job_not_found", job=job_id)
            if found.state not in HOLDING and found.state is not JobState.QUOTED:
                return CancelOutcome.TOO_LATE
            if found.provider not in self._cancellable and found.state in FIXED:
                return FIXED[found.state]
            if found.user_id != actor_id and found.cancel_requested_at is None:
                await note_act(
                    connection,
                    found.guild_id,
                    str(actor_id),
                    action="job.cancel",
                    subject=found.id,
                    detail=f"member {found.user_id}",
                    now=now,
                )
            if found.state is JobState.QUOTED:
                await jobs.move_locked(connection, found, JobState.CANCELLED, now=now, cause=f"cancelled by {actor_id}")
                return CancelOutcome.CANCELLED
            if found.state in AT_ONCE:
                await settlement.release(connection, job_id=found.id, now=now, reason=f"cancelled by {actor_id}")
                await jobs.move_locked(connection, found, JobState.CANCELLED, now=now, cause=f"cancelled by {actor_id}")
                outcome = CancelOutcome.CANCELLED
            else:
                if found.cancel_requested_at is None:
                    await jobs.update_any(connection, found.id, cancel_requested_at=now)
                await jobs.make_due(connection, found.id, now=now, states=(JobState.RUNNING, JobState.UNKNOWN))
                outcome = CancelOutcome.REQUESTED
        self._wake.up()
        return outcome


def may_act(found: Job, *, actor_id: int, guild_id: int | None, is_moderator: bool) -> bool:
    """Whether a person may act on a job: their own anywhere, a moderator's guild's otherwise; never across guilds."""
    if guild_id is not None and found.guild_id != guild_id:
        return False
    return found.user_id == actor_id or (is_moderator and guild_id is not None)
