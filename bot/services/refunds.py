"""Refunds: a moderator gives a member a delivered job's credits back. Provider, pool and instance were paid."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import board, jobs, money
from bot.db.engine import Database
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.services import settlement
from bot.services.acts import note_act

MOST_SUGGESTED = 25
SUGGESTED_FROM = 200


@dataclass(frozen=True, slots=True)
class Refund:
    """What was given back. `lapsed` is the part of `given` that went to a period or grant that is over: it can no
    longer be spent, and only a new grant helps the member."""

    job: Job
    given: Credits
    lapsed: Credits


class Refunds:
    """Gives credits back, once per job."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def refund(self, job_id: str, *, guild_id: int, actor_id: int, reason: str) -> Refund:
        """Give the member what a delivered job cost them, to the rows that paid it. One transaction.

        Raises:
            NotFound: `refund_not_found`, no such job in this guild.
            Refused: `refund_not_delivered`, `refunded_before` or `nothing_charged`.
        """
        now = self._clock.now()
        async with self._database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            if found is None or found.guild_id != guild_id:
                raise NotFound("refund_not_found", job=job_id)
            if found.state is not JobState.DELIVERED:
                raise Refused("refund_not_delivered", job=found.id, state=found.state.value)
            if not await board.mark_refunded(connection, found.id, now=now):
                raise Refused("refunded_before", job=found.id)
            paid = await self._paid(connection, found.id)
            actor = str(actor_id)
            given = await settlement.refund(connection, job_id=found.id, actor=actor, reason=reason, now=now)
            if given == ZERO:
                raise Refused("nothing_charged", job=found.id)
            live = await board.spendable(connection, list(paid), now=now)
            await note_act(
                connection,
                guild_id,
                actor,
                action="job.refund",
                subject=found.id,
                detail=f"member {found.user_id}, {given} credits",
                now=now,
                reason=reason,
            )
        return Refund(found, given, sum((amount for key, amount in paid.items() if key not in live), ZERO))

    async def suggest(self, guild_id: int, prefix: str) -> list[Job]:
        """Return the guild's jobs that can be refunded, for autocomplete: an id, or a public prompt, with `prefix`."""
        async with self._database.read() as connection:
            found = await board.refundable(connection, guild_id, limit=SUGGESTED_FROM)
        wanted = prefix.strip().lower()
        return [one for one in found if _is_like(one, wanted)][:MOST_SUGGESTED]

    async def _paid(self, connection: AsyncConnection, job_id: str) -> dict[str, Credits]:
        return dict(await money.paid_by_member(connection, job_id))


def _is_like(one: Job, wanted: str) -> bool:
    return wanted in one.id.lower() or (not one.is_private and wanted in one.spec.prompt.lower())
