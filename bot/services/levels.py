"""Which budget rows a job must fit: limits by rule, periods by calendar, rows made when first needed."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import guilds, money
from bot.domain.budgets import FIXED_PERIODS, UTC_CALENDAR, Calendar, Level, Period, period_bounds
from bot.domain.errors import InvariantBroken
from bot.domain.money import Limit
from bot.services.config import MoneyRules
from bot.services.settlement import Levels

ALL = "all"


@dataclass(frozen=True, slots=True)
class _Wanted:
    level: Level
    guild_id: int
    subject: str
    limit: Limit
    calendar: Calendar = UTC_CALENDAR


@dataclass(frozen=True, slots=True)
class LevelBook:
    """Finds a job's budget rows. Every method runs inside the caller's transaction."""

    rules: MoneyRules

    async def find(
        self, connection: AsyncConnection, *, guild_id: int, user_id: int, provider: str, now: datetime
    ) -> Levels:
        """Return the rows that a job of this member must fit, with their limits brought up to date."""
        settings = await guilds.get(connection, guild_id)
        daily = self.rules.provider_daily.get(provider)
        limit = await self.allowance_limit(connection, guild_id=guild_id, user_id=user_id)
        wanted = (
            _Wanted(Level.INSTANCE, 0, ALL, self.rules.instance_daily),
            _Wanted(Level.PROVIDER, 0, provider, daily),
            _Wanted(Level.POOL, guild_id, ALL, self.pool_limit(settings)),
            _Wanted(Level.ALLOWANCE, guild_id, str(user_id), limit, self.calendar(settings)),
        )
        *shared, allowance = [await self._row(connection, one, now) for one in wanted]
        grants = await money.grants(connection, guild_id=guild_id, user_id=user_id, now=now)
        return Levels(tuple(shared), allowance, tuple(grants))

    def pool_limit(self, settings: Any) -> Limit:
        """Return what a guild's pool allows a month: as the operator set it, else unlimited for the home guild and
        guilds that an operator owns, else the installation's default."""
        if settings.pool_is_set:
            return guilds.pool_limit(settings)
        is_home = settings.guild_id == self.rules.home_guild_id
        if is_home or settings.owner_id in self.rules.operator_ids:
            return None
        return self.rules.guild_pool

    def calendar(self, settings: Any) -> Calendar:
        """Return a guild's reckoning of allowance periods. `settings` None: a guild that has no row yet."""
        if settings is None:
            return Calendar(period=self.rules.allowance_period)
        period = Period(settings.allowance_period) if settings.allowance_period else self.rules.allowance_period
        return Calendar(settings.zone, period, settings.week_start)

    async def allowance_limit(self, connection: AsyncConnection, *, guild_id: int, user_id: int) -> Limit:
        """Return a member's allowance: their own, else everyone's, else the installation's default."""
        rules = await guilds.quotas(connection, guild_id=guild_id, user_id=user_id)
        for scope in ("member", "everyone"):
            if scope in rules:
                return rules[scope]
        return self.rules.member_allowance

    async def _row(self, connection: AsyncConnection, wanted: _Wanted, now: datetime) -> money.BudgetRow:
        row = await self._find(connection, wanted, now)
        if row is None:
            await self._begin(connection, wanted, now)
            row = await self._find(connection, wanted, now)
        if row is None:
            raise InvariantBroken(f"no {wanted.level} budget after it was made")
        if row.account.limit != wanted.limit:
            await money.set_limit(connection, row.account, wanted.limit)
            return replace(row, account=replace(row.account, limit=wanted.limit))
        return row

    async def _find(self, connection: AsyncConnection, wanted: _Wanted, now: datetime) -> money.BudgetRow | None:
        return await money.find_budget(
            connection, wanted.level, guild_id=wanted.guild_id, subject=wanted.subject, now=now
        )

    async def _begin(self, connection: AsyncConnection, wanted: _Wanted, now: datetime) -> None:
        """Begin the calendar period around `now`; after a change of calendar it begins where the last one ended."""
        period = FIXED_PERIODS.get(wanted.level, wanted.calendar.period)
        starts_at, ends_at = period_bounds(
            period, now, zone=wanted.calendar.zone, week_start=wanted.calendar.week_start
        )
        last = await money.last_end(connection, wanted.level, guild_id=wanted.guild_id, subject=wanted.subject)
        if last is not None and last > starts_at:
            starts_at = last
        await money.add_budget(
            connection,
            wanted.level,
            guild_id=wanted.guild_id,
            subject=wanted.subject,
            starts_at=starts_at,
            ends_at=ends_at,
            limit=wanted.limit,
        )
