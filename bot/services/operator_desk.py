"""The operator's desk inside Discord: figures of the whole installation, pools, and pausing providers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import board, breakers, guilds, reports, work
from bot.db.engine import Database
from bot.domain.budgets import Level
from bot.domain.errors import NotFound, Refused
from bot.domain.money import ZERO, Credits, Limit
from bot.ports import BreakerState, BudgetLine
from bot.services.balances import Balances, Figure
from bot.services.breaker import SharedBreaker
from bot.services.budgets import Budgets
from bot.services.cards import Cards
from bot.services.levels import LevelBook

MOST_NAMED = 10
MOST_REDRAWN = 200


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Room for data in bytes: used, allowed by DATA_DIR_MAX_BYTES, and free on the disk."""

    used_bytes: int
    limit_bytes: int
    free_bytes: int


Measure = Callable[[], Awaitable[DiskUse]]


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """One provider. `is_silent`: its callbacks do not arrive; None where there are none."""

    name: str
    breaker: BreakerState
    balance: Figure | None
    is_silent: bool | None
    today: BudgetLine


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """What a guild may spend this month, and has spent."""

    guild_id: int
    line: BudgetLine


@dataclass(frozen=True, slots=True)
class Status:
    """The installation now. `parked` and `unresolved` name some jobs of each kind, the oldest first."""

    providers: Sequence[ProviderFigures]
    jobs: Mapping[str, int]
    parked: Sequence[str]
    unresolved: Sequence[str]
    today: BudgetLine
    pools: Sequence[PoolFigures]
    disk: DiskUse


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRules:
    """What the settings say. `guild_id` is where `/operator` is registered, None for nowhere.

    `announcing` are the providers that were given an address to announce the end of tasks at.
    """

    operator_ids: frozenset[int]
    guild_id: int | None
    providers: Sequence[str]
    announcing: frozenset[str]
    unknown_deadline_s: float


class OperatorDesk:
    """What an operator sees and does. Who is one is decided by `is_operator`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        rules: DeskRules,
        levels: LevelBook,
        breaker: SharedBreaker,
        balances: Balances,
        budgets: Budgets,
        cards: Cards,
        measure: Measure,
    ) -> None:
        self._database = database
        self._clock = clock
        self.rules = rules
        self._levels = levels
        self._breaker = breaker
        self._balances = balances
        self._budgets = budgets
        self._cards = cards
        self._measure = measure

    def is_operator(self, user_id: int) -> bool:
        """Whether a person may use the desk."""
        return user_id in self.rules.operator_ids

    async def status(self) -> Status:
        """Return the figures. One read, beside asking balances that are ten minutes old."""
        now = self._clock.now()
        balances = {name: await self._balances.figure(name) for name in self.rules.providers}
        disk = await self._measure()
        before = now - timedelta(seconds=self.rules.unknown_deadline_s)
        async with self._database.read() as connection:
            jobs: dict[str, int] = {}
            for state, _, count in await reports.count_by_state(connection):
                jobs[state] = jobs.get(state, 0) + count
            return Status(
                providers=[await self._provider(connection, name, balances[name]) for name in self.rules.providers],
                jobs=jobs,
                parked=await board.parked(connection, limit=MOST_NAMED),
                unresolved=await board.unresolved(connection, unknown_before=before, limit=MOST_NAMED),
                today=await self._line(connection, Level.INSTANCE, "all", self._levels.rules.instance_daily),
                pools=await self._pools(connection),
                disk=disk,
            )

    async def _provider(self, connection: AsyncConnection, name: str, balance: Figure | None) -> ProviderFigures:
        row = await breakers.read(connection, name)
        is_silent = await work.are_callbacks_silent(connection, name) if name in self.rules.announcing else None
        daily = self._levels.rules.provider_daily.get(name)
        today = await self._line(connection, Level.PROVIDER, name, daily)
        state = BreakerState(row.reason is not None, row.reason, row.probe_at, row.create_failures > 0)
        return ProviderFigures(name, state, balance, is_silent, today)

    async def _line(self, connection: AsyncConnection, level: Level, subject: str, limit: Limit) -> BudgetLine:
        rows = await board.shared_budgets(connection, level, now=self._clock.now())
        row = next((one for one in rows if one.subject == subject), None)
        if row is None:
            return BudgetLine(level, limit, ZERO, ZERO, None)
        return BudgetLine(level, limit, Credits(row.settled_milli), Credits(row.held_milli), row.ends_at)

    async def _pools(self, connection: AsyncConnection) -> list[PoolFigures]:
        rows = {row.guild_id: row for row in await board.shared_budgets(connection, Level.POOL, now=self._clock.now())}
        found = []
        for guild in await guilds.every(connection):
            row = rows.get(guild.guild_id)
            settled, held = (ZERO, ZERO) if row is None else (Credits(row.settled_milli), Credits(row.held_milli))
            line = BudgetLine(Level.POOL, self._levels.pool_limit(guild), settled, held, row and row.ends_at)
            found.append(PoolFigures(guild.guild_id, line))
        return sorted(found, key=lambda one: (-one.line.settled.milli, one.guild_id))

    async def pool_limit(self, guild_id: int) -> Limit:
        """Return what a guild's pool allows a month. A guild without a row has the installation's default."""
        async with self._database.read() as connection:
            row = await guilds.find(connection, guild_id)
        return self._levels.rules.guild_pool if row is None else self._levels.pool_limit(row)

    async def set_pool(self, guild_id: int, *, actor_id: int, limit: Limit) -> None:
        """Set what a guild may spend a month; None is unlimited. One transaction.

        Raises:
            NotFound: `guild_not_found`, the bot is not in such a guild.
        """
        async with self._database.read() as connection:
            row = await guilds.find(connection, guild_id)
        if row is None or row.removed_at is not None:
            raise NotFound("guild_not_found", guild=str(guild_id))
        await self._budgets.set_pool(guild_id=guild_id, actor=str(actor_id), limit=limit)

    async def pause(self, provider: str | None) -> Sequence[str]:
        """Stop submissions to one provider or all; cards of waiting jobs say so. Returns the paused ones.

        Raises:
            Refused: `unknown_provider`.
        """
        chosen = self._chosen(provider)
        for name in chosen:
            await self._breaker.pause_provider(name)
            await self._redraw(name)
        return chosen

    async def resume(self, provider: str | None) -> Sequence[str]:
        """Let submissions to one provider or all go on, whatever stopped them. Returns the resumed ones.

        Raises:
            Refused: `unknown_provider`.
        """
        chosen = self._chosen(provider)
        for name in chosen:
            await self._breaker.resume_provider(name)
            await self._redraw(name)
        return chosen

    def _chosen(self, provider: str | None) -> Sequence[str]:
        if provider is None:
            return self.rules.providers
        if provider not in self.rules.providers:
            raise Refused("unknown_provider", provider=provider, providers=", ".join(self.rules.providers))
        return [provider]

    async def _redraw(self, provider: str) -> None:
        async with self._database.read() as connection:
            waiting = await board.waiting_for(connection, provider, limit=MOST_REDRAWN)
        for job_id in waiting:
            self._cards.touch(job_id)
