"""Which budget rows a job must fit: limits by rule, periods by calendar, rows made when first needed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import guilds, money, privacy
from bot.domain.budgets import FIXED_PERIODS, UTC_CALENDAR, Calendar, Level, Period
from bot.domain.errors import InvariantBroken
from bot.domain.money import ZERO, Limit
from bot.services.config import MoneyRules
from bot.services.settlement import Levels

ALL = "all"

#: Where an allowance comes from: (`member` | `role` | `everyone` | `default`, the id of the member or role).
Source = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Wanted:
    level: Level
    guild_id: int
    subject: str
    limit: Limit
    calendar: Calendar = UTC_CALENDAR

    @property
    def key(self) -> money.BudgetKey:
        """How its row is found."""
        return self.level, self.guild_id, self.subject


@dataclass(frozen=True, slots=True)
class LevelBook:
    """Finds a job's budget rows. Every method runs inside the caller's transaction."""

    rules: MoneyRules

    async def find(
        self,
        connection: AsyncConnection,
        *,
        guild_id: int,
        user_id: int,
        provider: str,
        now: datetime,
        role_ids: Sequence[int] = (),
        channel_id: int = 0,
        settings: Any = None,
    ) -> Levels:
        """Return the rows that a job of this member must fit, locked, with their limits brought up to date.

        `channel_id` is the parent's in a thread. A channel without a cap has no row. `settings` is the guild's row
        where this transaction has read it already.
        """
        subject = await privacy.allowance_subject(connection, guild_id=guild_id, user_id=user_id, now=now)
        settings = settings or await guilds.get(connection, guild_id)
        daily = self.rules.provider_daily.get(provider)
        quotas = await guilds.quotas(
            connection, guild_id=guild_id, user_id=user_id, role_ids=role_ids, channel_id=channel_id
        )
        calendar = self.calendar(settings, now)
        wanted = [
            _Wanted(Level.INSTANCE, 0, ALL, self.rules.instance_daily),
            _Wanted(Level.PROVIDER, 0, provider, daily),
            _Wanted(Level.POOL, guild_id, ALL, self.pool_limit(settings)),
        ]
        if ("channel", channel_id) in quotas:
            cap = quotas["channel", channel_id]
            wanted.append(_Wanted(Level.CHANNEL, guild_id, str(channel_id), cap, calendar))
        wanted.append(_Wanted(Level.ALLOWANCE, guild_id, subject, self._best(quotas, user_id)[1], calendar))
        *shared, allowance = await self._rows(connection, wanted, now)
        grants = await money.grants(connection, guild_id=guild_id, user_id=user_id, now=now)
        return Levels(tuple(shared), allowance, tuple(grants))

    async def provider_rooms(
        self, connection: AsyncConnection, providers: Iterable[str], *, now: datetime
    ) -> dict[str, Limit]:
        """Return what each provider's day still takes; None is unlimited. Only looks: no row is made or locked."""
        rooms: dict[str, Limit] = {}
        for provider in providers:
            limit = self.rules.provider_daily.get(provider)
            row = await money.find_budget(connection, Level.PROVIDER, guild_id=0, subject=provider, now=now)
            rooms[provider] = limit if row is None else replace(row.account, limit=limit).available
        return rooms

    def pool_limit(self, settings: Any) -> Limit:
        """Return what a guild's pool allows a month: as the operator set it, else unlimited for the home guild and
        guilds that an operator owns, else the installation's default."""
        if settings.pool_is_set:
            return guilds.pool_limit(settings)
        is_home = settings.guild_id == self.rules.home_guild_id
        if is_home or settings.owner_id in self.rules.operator_ids:
            return None
        return self.rules.guild_pool

    def calendar(self, settings: Any, now: datetime) -> Calendar:
        """Return a guild's reckoning of allowance periods at `now`; one that waits holds from its own moment on.

        `settings` None: a guild that has no row yet.
        """
        if settings is None:
            return Calendar(period=self.rules.allowance_period)
        since = settings.next_calendar_at
        if since is not None and since <= now:
            waiting = settings.next_allowance_period
            return Calendar(settings.next_zone, self._period(waiting), settings.next_week_start, since)
        return Calendar(settings.zone, self._period(settings.allowance_period), settings.week_start)

    def _period(self, name: str | None) -> Period:
        return Period(name) if name else self.rules.allowance_period

    async def allowance_limit(
        self, connection: AsyncConnection, *, guild_id: int, user_id: int, role_ids: Sequence[int] = ()
    ) -> Limit:
        """Return a member's allowance: their own, else the best of their roles', else everyone's, else the default."""
        return (await self.allowance_source(connection, guild_id=guild_id, user_id=user_id, role_ids=role_ids))[1]

    async def allowance_source(
        self, connection: AsyncConnection, *, guild_id: int, user_id: int, role_ids: Sequence[int] = ()
    ) -> tuple[Source, Limit]:
        """Return where a member's allowance comes from, and how much it is."""
        quotas = await guilds.quotas(connection, guild_id=guild_id, user_id=user_id, role_ids=role_ids)
        return self._best(quotas, user_id)

    def _best(self, quotas: Mapping[tuple[str, int], Limit], user_id: int) -> tuple[Source, Limit]:
        if ("member", user_id) in quotas:
            return ("member", user_id), quotas["member", user_id]
        of_roles = [(key, limit) for key, limit in quotas.items() if key[0] == "role"]
        if of_roles:
            return max(of_roles, key=lambda one: (one[1] is None, one[1] or ZERO))
        if ("everyone", 0) in quotas:
            return ("everyone", 0), quotas["everyone", 0]
        return ("default", 0), self.rules.member_allowance

    async def _rows(
        self, connection: AsyncConnection, wanted: Sequence[_Wanted], now: datetime
    ) -> list[money.BudgetRow]:
        """Return the rows, locked in the order of `wanted`; those that have not begun are made first."""
        keys = [one.key for one in wanted]
        found = await money.lock_budgets(connection, keys, now=now)
        missing = [one for one in wanted if one.key not in found]
        if missing:
            for one in missing:
                await self._begin(connection, one, now)
            found = await money.lock_budgets(connection, keys, now=now)
        return [await self._brought_up_to_date(connection, one, found.get(one.key)) for one in wanted]

    async def _brought_up_to_date(
        self, connection: AsyncConnection, wanted: _Wanted, row: money.BudgetRow | None
    ) -> money.BudgetRow:
        if row is None:
            raise InvariantBroken(f"no {wanted.level} budget after it was made")
        if row.account.limit != wanted.limit:
            await money.set_limit(connection, row.account, wanted.limit)
            return replace(row, account=replace(row.account, limit=wanted.limit))
        return row

    async def _begin(self, connection: AsyncConnection, wanted: _Wanted, now: datetime) -> None:
        """Begin the calendar period around `now`; after a change of calendar it begins where the last one ended."""
        fixed = FIXED_PERIODS.get(wanted.level)
        calendar = wanted.calendar if fixed is None else Calendar(period=fixed)
        starts_at, ends_at = calendar.bounds(now)
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
