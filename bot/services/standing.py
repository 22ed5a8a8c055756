"""Where members stand: which limits apply to them and why, and how a server's credits are used. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, members, standing
from bot.db.engine import Database
from bot.domain.budgets import FIXED_PERIODS, Level, period_bounds
from bot.domain.money import ZERO, Credits, Limit
from bot.ports import BudgetLine
from bot.services.levels import ALL, LevelBook, Source

MOST_SPENDERS = 10


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who may ask for nothing. `until` None: until somebody resumes them."""

    user_id: int
    until: datetime | None
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What applies to one member. `caps` are the channels' limits with their use, by channel id."""

    source: Source
    limit: Limit
    suspension: Suspension | None
    caps: Mapping[int, BudgetLine]


@dataclass(frozen=True, slots=True)
class Spender:
    """A member who spent credits in the running period."""

    user_id: int
    spent: Credits
    jobs: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A server's limits and use. Each list has (id, limit); `spenders` is of the running allowance period."""

    pool: BudgetLine
    everyone: Limit
    is_everyone_set: bool
    roles: Sequence[tuple[int, Limit]]
    members: Sequence[tuple[int, Limit]]
    caps: Mapping[int, BudgetLine]
    spenders: Sequence[Spender]
    suspensions: Sequence[Suspension]
    period_ends_at: datetime


class Standings:
    """Looks at limits and use for moderators."""

    def __init__(self, database: Database, clock: Clock, *, levels: LevelBook) -> None:
        self._database = database
        self._clock = clock
        self._levels = levels

    async def member(self, *, guild_id: int, user_id: int, role_ids: Sequence[int] | None) -> Standing:
        """Return where a member stands. `role_ids` None: the roles that they were last seen with."""
        now = self._clock.now()
        async with self._database.read() as connection:
            if role_ids is None:
                role_ids = await members.roles(connection, guild_id=guild_id, user_id=user_id) or ()
            source, limit = await self._levels.allowance_source(
                connection, guild_id=guild_id, user_id=user_id, role_ids=role_ids
            )
            held = await members.suspension_of(connection, guild_id=guild_id, user_id=user_id, now=now)
            limits = await standing.limits(connection, guild_id)
            caps = await self._caps(connection, guild_id, limits, now)
        return Standing(source, limit, None if held is None else _suspension(held), caps)

    async def overview(self, guild_id: int) -> Overview:
        """Return a server's limits and use."""
        now = self._clock.now()
        async with self._database.read() as connection:
            row = await guilds.find(connection, guild_id)
            limits = await standing.limits(connection, guild_id)
            starts_at, ends_at = self._levels.calendar(row, now).bounds(now)
            spenders = await standing.top_spenders(connection, guild_id, since=starts_at, limit=MOST_SPENDERS)
            suspended = await members.suspensions(connection, guild_id, now=now)
            pool = await self._pool(connection, guild_id, row, now)
            caps = await self._caps(connection, guild_id, limits, now)
        is_set = ("everyone", 0) in limits
        return Overview(
            pool=pool,
            everyone=limits["everyone", 0] if is_set else self._levels.rules.member_allowance,
            is_everyone_set=is_set,
            roles=_of_scope(limits, "role"),
            members=_of_scope(limits, "member"),
            caps=caps,
            spenders=[Spender(*one) for one in spenders],
            suspensions=[_suspension(one) for one in suspended],
            period_ends_at=ends_at,
        )

    async def _pool(self, connection: AsyncConnection, guild_id: int, row: Any, now: datetime) -> BudgetLine:
        limit = self._levels.rules.guild_pool if row is None else self._levels.pool_limit(row)
        used = await standing.use(connection, guild_id=guild_id, level=Level.POOL.value, subjects=[ALL], now=now)
        settled, held = used.get(ALL, (ZERO, ZERO))
        return BudgetLine(Level.POOL, limit, settled, held, period_bounds(FIXED_PERIODS[Level.POOL], now)[1])

    async def _caps(
        self, connection: AsyncConnection, guild_id: int, limits: Mapping[tuple[str, int], Limit], now: datetime
    ) -> dict[int, BudgetLine]:
        capped = dict(_of_scope(limits, "channel"))
        if not capped:
            return {}
        ends_at = self._levels.calendar(await guilds.find(connection, guild_id), now).bounds(now)[1]
        names = [str(channel_id) for channel_id in capped]
        used = await standing.use(connection, guild_id=guild_id, level=Level.CHANNEL.value, subjects=names, now=now)
        return {
            channel_id: BudgetLine(Level.CHANNEL, limit, *used.get(str(channel_id), (ZERO, ZERO)), ends_at)
            for channel_id, limit in capped.items()
        }


def _of_scope(limits: Mapping[tuple[str, int], Limit], scope: str) -> list[tuple[int, Limit]]:
    return [(subject, limit) for (kind, subject), limit in limits.items() if kind == scope]


def _suspension(row: Any) -> Suspension:
    return Suspension(row.user_id, row.until, row.reason, row.actor, row.at)
