"""Who may ask for what: the server's rules, then caps, then the hold. Runs inside the caller's transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import guilds, journal, members, work
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import BudgetRefused, Cheaper, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits, Limit
from bot.domain.requests import Spec
from bot.domain.rules import GuildRules, Place
from bot.services import settlement
from bot.services.levels import LevelBook

#: Refusals that a moderator's rule made, and not a mistake of the member: the log channel hears of them.
BY_RULE = frozenset(
    {
        "suspended",
        "suspended_until",
        "channel_not_allowed",
        "age_restricted",
        "blocked_word",
        "model_not_allowed",
        "rendering_not_allowed",
        "too_long",
        "resolution_too_high",
        "queued_cap",
    }
)


@dataclass(frozen=True, slots=True)
class Admission:
    """Checks one request against everything that a server and its budgets say."""

    catalog: Catalog
    levels: LevelBook

    async def check(
        self,
        connection: AsyncConnection,
        *,
        guild_id: int,
        user_id: int,
        place: Place,
        spec: Spec,
        now: datetime,
        rules: GuildRules | None = None,
    ) -> GuildRules:
        """Check suspension and rules; cheap, and done again whenever the job moves on by a person's doing.

        `rules` are the guild's where this transaction has read them already.

        Raises:
            Refused: `suspended`, or what `GuildRules.check` refuses.
        """
        held = await members.suspension_of(connection, guild_id=guild_id, user_id=user_id, now=now)
        if held is not None:
            key = "suspended" if held.until is None else "suspended_until"
            raise Refused(key, reason=held.reason, until_at=held.until)
        rules = rules or await guilds.rules(connection, guild_id)
        rules.check(spec, place)
        return rules

    async def check_job(self, connection: AsyncConnection, waiting: Job, *, now: datetime) -> GuildRules:
        """Check a stored job again, as of now.

        Raises:
            Refused: as `check`.
        """
        return await self.check(
            connection,
            guild_id=waiting.guild_id,
            user_id=waiting.user_id,
            place=Place(waiting.parent_channel_id or waiting.channel_id, waiting.is_age_restricted),
            spec=waiting.spec,
            now=now,
        )

    async def hold(
        self,
        connection: AsyncConnection,
        waiting: Job,
        rules: GuildRules,
        *,
        role_ids: tuple[int, ...],
        now: datetime,
        guild: Any = None,
    ) -> None:
        """Hold the job's quote on every level, then check the cap on waiting jobs.

        The job's row is there already, in a state that counts as waiting. The hold locks the member's rows, so that
        the count is exact. `guild` is the guild's row where this transaction has read it already.

        Raises:
            BudgetRefused: a level cannot take it; it carries the cheapest variant that is allowed and fits.
            Refused: `queued_cap`.
        """
        found = await self.levels.find(
            connection,
            guild_id=waiting.guild_id,
            user_id=waiting.user_id,
            provider=waiting.provider,
            now=now,
            role_ids=role_ids,
            channel_id=waiting.parent_channel_id or waiting.channel_id,
            settings=guild,
        )
        try:
            await settlement.hold(
                connection,
                found,
                job_id=waiting.id,
                cost=waiting.quote,
                guild_id=waiting.guild_id,
                actor=str(waiting.user_id),
                now=now,
            )
        except BudgetRefused as refusal:
            refusal.cheaper = await self._cheaper(connection, waiting, found, rules, now=now)
            raise
        count = await work.count_waiting(connection, guild_id=waiting.guild_id, user_id=waiting.user_id)
        if count > rules.queued_cap:
            raise Refused("queued_cap", cap=rules.queued_cap)

    async def _cheaper(
        self, connection: AsyncConnection, waiting: Job, found: settlement.Levels, rules: GuildRules, *, now: datetime
    ) -> Cheaper | None:
        """Find what would fit every level now, at any provider. `found` is as before the job's own hold."""
        if found.room == ZERO:
            return None
        others = set(self.catalog.rates) - {waiting.provider}
        rooms = await self.levels.provider_rooms(connection, others, now=now)
        rooms[waiting.provider] = found.room_at_provider
        return self.catalog.cheaper(waiting.spec, found.room, rooms=rooms, allowed=_allowed(rules, waiting))


def first_state(rules: GuildRules, cost: Credits, *, is_confirmed: bool) -> JobState:
    """Return where a job of this cost begins: with a quote, with a moderator's approval, or in the queue."""
    if not is_confirmed and _is_over(cost, rules.confirm_over):
        return JobState.QUOTED
    return JobState.AWAITING_APPROVAL if _is_over(cost, rules.approve_over) else JobState.QUEUED


async def note_refusal(
    database: Database, refusal: Refused, *, guild_id: int, user_id: int, channel_id: int, now: datetime
) -> None:
    """Tell the log channel of a refusal that a rule made or a budget. One transaction, none for other refusals."""
    if refusal.code not in BY_RULE and not isinstance(refusal, BudgetRefused):
        return
    async with database.begin() as connection:
        await journal.note(
            connection, guild_id, "refused", now=now, user_id=user_id, channel_id=channel_id, code=refusal.code
        )


def _is_over(cost: Credits, threshold: Limit) -> bool:
    return threshold is not None and cost > threshold


def _allowed(rules: GuildRules, waiting: Job) -> Callable[[str, int, str], bool]:
    """Return whether a variant (model, seconds, resolution) of a job is one that the server allows in its place."""

    def allows(model: str, seconds: int, resolution: str) -> bool:
        is_open = waiting.is_age_restricted or model not in rules.restricted_models
        return is_open and rules.allows_model(model) and rules.allows_size(seconds, resolution)

    return allows
