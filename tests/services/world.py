"""Real services on a real database, with fakes at the ports alone, driven step by step by a manual clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import guilds, jobs, tables
from bot.db.engine import Database
from bot.domain.budgets import Account, Level
from bot.domain.catalog import MODELS, PRICES, Catalog, Model, Price
from bot.domain.errors import LeaseLost
from bot.domain.jobs import FINAL, CardTarget, Job, JobState
from bot.domain.money import Credits
from bot.domain.requests import GenerationRequest
from bot.domain.rules import GuildRules
from bot.services.admission import Admission
from bot.services.approvals import Approvals
from bot.services.balances import Balances
from bot.services.board import Board
from bot.services.breaker import SharedBreaker
from bot.services.budgets import Budgets
from bot.services.callbacks import Callbacks
from bot.services.cancellation import Cancellation
from bot.services.cards import Cards
from bot.services.clip_reports import ClipReports
from bot.services.config import MoneyRules, Timings
from bot.services.delivery import Delivery
from bot.services.dispatch import Dispatch
from bot.services.fetching import Fetching
from bot.services.generation import Generation, Requester
from bot.services.guilds import Guilds
from bot.services.leases import Leases
from bot.services.levels import LevelBook
from bot.services.moderation import Moderation
from bot.services.operator import verify_ledger
from bot.services.operator_desk import DeskRules, DiskUse, OperatorDesk
from bot.services.pacing import RateView
from bot.services.privacy import Privacy
from bot.services.queries import Queries
from bot.services.quotes import Quotes
from bot.services.refunds import Refunds
from bot.services.rerun import Rerun
from bot.services.retention import Retention
from bot.services.sharing import Sharing
from bot.services.standing import Standings
from bot.services.status import StatusCheck
from bot.services.styles import Styles
from bot.services.submission import Submitter
from bot.services.usage import Usage
from bot.services.wake import Wake
from bot.workers.steps import AT_ONCE, Steps
from tests.manual_clock import ManualClock
from tests.services.fakes import (
    P1,
    FakeBreaker,
    FakeIntake,
    FakeLinks,
    FakeMessenger,
    FakeProvider,
    FakeStore,
    FakeWorkshop,
)

GUILD, CHANNEL, USER, OWNER = 1, 10, 100, 999
QUIET_AFTER_S = 3 * 86_400.0
MAX_TURNS = 20_000
#: What tests have that are about something else: no quotes first, and room for many waiting jobs.
QUIET_RULES = GuildRules(confirm_over=None, queued_cap=1000)


class PointedDatabase(Database):
    """A database whose commits are points where a test may strike."""

    point: Callable[[str], None] = staticmethod(lambda _name: None)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """As `Database.begin`, with a point before and one after the commit."""
        async with super().begin() as connection:
            yield connection
            self.point("commit")
        self.point("committed")


async def _an_empty_disk() -> DiskUse:
    return DiskUse(0, 10**10, 10**12)


def credits(text: str) -> Credits:
    """Write an amount as people do."""
    return Credits.parse(text)


def catalog(models: tuple[Model, ...] = MODELS, prices: tuple[Price, ...] = PRICES) -> Catalog:
    """P1's catalogue at a rate of one."""
    return Catalog.build(
        providers=[P1],
        rates={P1: Decimal(1)},
        models=models,
        prices=prices,
        default_model="seedance2-movie/seedance-2.0",
    )


@dataclass
class World:
    """One bot. `restart` makes its services anew on the same database, as another start of the process would."""

    database: Database
    clock: ManualClock
    folder: Path
    rules: MoneyRules = field(default_factory=lambda: MoneyRules(home_guild_id=GUILD))
    timings: Timings = field(default_factory=Timings)
    places: dict[str, int] = field(default_factory=lambda: {P1: 5})
    cancellable: frozenset[str] = frozenset({P1})
    guild_rules: GuildRules = QUIET_RULES
    desk_rules: DeskRules = field(
        default_factory=lambda: DeskRules(
            operator_ids=frozenset({OWNER}),
            guild_id=None,
            providers=[P1],
            announcing=frozenset({P1}),
            unknown_deadline_s=86_400,
        )
    )
    offered: Catalog = field(default_factory=catalog)
    rate: RateView | None = None

    def __post_init__(self) -> None:
        self.provider = FakeProvider(self.clock)
        self.messenger = FakeMessenger(self.clock)
        self.store = FakeStore(self.folder)
        self.workshop = FakeWorkshop(self.folder)
        self.intake = FakeIntake()
        self.links = FakeLinks()
        self.breaker = FakeBreaker()
        (self.folder / "file").touch()
        self.restart()

    def restart(self) -> None:
        """Build every service anew."""
        database, clock, providers = self.database, self.clock, {P1: self.provider}
        self.wake = Wake()
        levels = LevelBook(self.rules)
        admission = Admission(self.offered, levels)
        self.cards = Cards(
            database,
            clock,
            messenger=self.messenger,
            breaker=self.breaker,
            places=self.places,
            cancellable=self.cancellable,
            timings=self.timings,
        )
        self.generation = Generation(
            database,
            clock,
            catalog=self.offered,
            admission=admission,
            intake=self.intake,
            links=self.links,
            wake=self.wake,
            timings=self.timings,
        )
        self.quotes = Quotes(database, clock, admission=admission, wake=self.wake, timings=self.timings)
        self.approvals = Approvals(
            database,
            clock,
            admission=admission,
            messenger=self.messenger,
            store=self.store,
            wake=self.wake,
            timings=self.timings,
        )
        self.budgets = Budgets(database, clock)
        self.queries = Queries(database, clock, levels=levels)
        self.standings = Standings(database, clock, levels=levels)
        self.usage = Usage(database, clock, levels=levels)
        self.board = Board(database)
        self.refunds = Refunds(database, clock)
        self.clip_reports = ClipReports(database, clock)
        self.privacy = Privacy(database, clock, store=self.store)
        balances = Balances(database, clock, providers=providers, breaker=self.breaker, filled_from={})
        self.operator_desk = OperatorDesk(
            database,
            clock,
            rules=self.desk_rules,
            levels=levels,
            breaker=SharedBreaker(database, clock),
            balances=balances,
            budgets=self.budgets,
            cards=self.cards,
            measure=_an_empty_disk,
        )
        self.moderation = Moderation(database, clock, levels=levels, catalog=self.offered)
        self.rerun = Rerun(
            database, generation=self.generation, catalog=self.offered, store=self.store, workshop=self.workshop
        )
        self.sharing = Sharing(
            database,
            clock,
            messenger=self.messenger,
            workshop=self.workshop,
            store=self.store,
            links=self.links,
            timings=self.timings,
        )
        self.cancellation = Cancellation(database, clock, wake=self.wake, cancellable=self.cancellable)
        self.callbacks = Callbacks(database, clock, wake=self.wake)
        self.guilds = Guilds(database, clock)
        self.styles = Styles(database, clock, providers=providers, catalog=self.offered)
        self.retention = Retention(database, clock, store=self.store, cards=self.cards, timings=self.timings)
        self.leases = Leases(database, clock, lease_s=self.timings.lease_s)
        self.dispatch = Dispatch(
            database, clock, breaker=self.breaker, places=self.places, cards=self.cards, rate=self.rate
        )
        submitter = Submitter(
            database,
            clock,
            providers=providers,
            breaker=self.breaker,
            store=self.store,
            links=self.links,
            timings=self.timings,
            rate=self.rate,
        )
        self.status = StatusCheck(
            database,
            clock,
            providers=providers,
            breaker=self.breaker,
            catalog=self.offered,
            submitter=submitter,
            timings=self.timings,
        )
        fetching = Fetching(database, clock, workshop=self.workshop, providers=providers, timings=self.timings)
        self.delivery = Delivery(
            database,
            clock,
            messenger=self.messenger,
            workshop=self.workshop,
            store=self.store,
            links=self.links,
            wake=self.wake,
            timings=self.timings,
        )
        self.steps = Steps(submitter, self.status, fetching, self.delivery, self.quotes, self.approvals)

    def strike(self, point: Callable[[str], None]) -> None:
        """Call `point` at every port call and commit."""
        self.provider.point = self.messenger.point = self.workshop.point = point
        if isinstance(self.database, PointedDatabase):
            self.database.point = point

    # ------------------------------------------------------------------------------------------------- asking

    def requester(self, *, user: int = USER, guild: int = GUILD, channel: int = CHANNEL, **values: object) -> Requester:
        """Say who asks."""
        card = CardTarget(1, "token", self.clock.now() + timedelta(seconds=900), channel, message_id=77)
        known: dict = {"role_ids": (), "locale": "en-US", "public_locale": "en-US", "card": card}
        known |= {"guild_owner_id": OWNER, "size_limit_bytes": 10 * 1024 * 1024}
        return Requester(
            guild_id=guild, channel_id=channel, parent_channel_id=channel, user_id=user, **(known | values)
        )

    async def accept(
        self,
        prompt: str = "a red boat",
        *,
        user: int = USER,
        guild: int = GUILD,
        channel: int = CHANNEL,
        is_age_restricted: bool = False,
        **options: object,
    ) -> Job:
        """Ask for a clip; 9 credits where nothing else is said."""
        await self.settle_in(guild)
        request = GenerationRequest(prompt, **options)
        requester = self.requester(user=user, guild=guild, channel=channel, is_age_restricted=is_age_restricted)
        return await self.generation.accept(requester, request, self.generation.check(request))

    async def settle_in(self, guild: int = GUILD) -> None:
        """Give a guild that has no settings yet those of this world."""
        async with self.database.read() as connection:
            row = await guilds.find(connection, guild)
        if row is None or row.settings == "{}":
            async with self.database.begin() as connection:
                await guilds.save_rules(connection, guild, self.guild_rules)

    async def set_rules(self, guild: int = GUILD, **values: object) -> None:
        """Change a guild's settings behind the moderators' backs."""
        async with self.database.begin() as connection:
            rules = await guilds.rules(connection, guild)
            await guilds.save_rules(connection, guild, replace(rules, **values))

    async def job(self, job: Job) -> Job:
        """Read a job."""
        async with self.database.read() as connection:
            found = await jobs.get(connection, job.id)
        assert found is not None
        return found

    async def state(self, job: Job) -> JobState:
        """Read a job's state."""
        return (await self.job(job)).state

    async def causes(self, job: Job) -> list[str]:
        """Read a job's history."""
        return [event.cause for event in await self.queries.history(job.id)]

    async def change(self, job: Job, **values: object) -> None:
        """Change a job's row behind everybody's back."""
        async with self.database.begin() as connection:
            await jobs.update_any(connection, job.id, **values)

    async def entries(self, job: Job | None = None) -> dict[tuple[str, str], Credits]:
        """Read the ledger as {(level, kind): sum}."""
        return await ledger(self.database, None if job is None else job.id)

    # ------------------------------------------------------------------------------------------------- working

    async def turn(self) -> int:
        """Dispatch, claim everything that is due, run each claimed job's steps. Returns how many things were done.

        Cards are shown before it ends: whatever moves the clock next finds none on its way.
        """
        done = await self.dispatch.run()
        claimed, _ = await self.leases.claim(most=32)
        for held in claimed:
            await self.work(held)
        await self.cards.stop()
        return done + len(claimed)

    async def work(self, held: Job) -> None:
        """Run a claimed job's steps while they follow at once."""
        current: Job | None = held
        try:
            while current is not None:
                moved = await self.steps.run(current)
                if moved is not None:
                    self.cards.touch(moved.id)
                current = moved if moved is not None and moved.state in AT_ONCE else None
        except LeaseLost:
            return

    async def next_at(self) -> datetime | None:
        """Say when something is due next, queued jobs included."""
        async with self.database.read() as connection:
            due = await jobs.next_due_at(connection)
            queued = (
                await connection.execute(
                    sa.select(sa.func.min(tables.job.c.run_at)).where(tables.job.c.state == JobState.QUEUED.value)
                )
            ).scalar()
        moments = [m for m in (due, queued if isinstance(queued, datetime) else None) if m is not None]
        return min(moments, default=None)

    async def run_until_quiet(self, *, within_s: float = QUIET_AFTER_S) -> None:
        """Work, moving the clock to whatever is due next, until nothing is or `within_s` have passed."""
        until = self.clock.now() + timedelta(seconds=within_s)
        for _ in range(MAX_TURNS):
            if await self.turn():
                continue
            due = await self.next_at()
            if due is None or max(due, self.clock.now()) > until:
                break
            is_stuck = due <= self.clock.now()  # queued, and no place or a breaker open
            self.clock.advance(60.0 if is_stuck else (due - self.clock.now()).total_seconds())
        else:
            raise AssertionError("never quiet")
        await self.cards.stop()

    async def run_for(self, seconds: float) -> None:
        """Work for `seconds`, and leave the clock at their end."""
        until = self.clock.now() + timedelta(seconds=seconds)
        await self.run_until_quiet(within_s=seconds)
        if self.clock.now() < until:
            self.clock.advance((until - self.clock.now()).total_seconds())

    async def until_state(self, job: Job, *states: JobState, within_s: float = QUIET_AFTER_S) -> Job:
        """Work until a job is in one of `states`."""
        until = self.clock.now() + timedelta(seconds=within_s)
        while (found := await self.job(job)).state not in states:
            assert self.clock.now() <= until, f"{found.state}: {await self.causes(job)}"
            if not await self.turn():
                due = await self.next_at()
                assert due is not None, f"{found.state}: {await self.causes(job)}"
                self.clock.advance(max(0.1, (due - self.clock.now()).total_seconds()))
        return found

    async def close(self) -> None:
        """Prove the ledger and that no finished job holds anything."""
        await self.cards.stop()
        assert await verify_ledger(self.database) == []
        async with self.database.read() as connection:
            holding = await connection.execute(
                sa.select(tables.job.c.id, tables.job.c.state)
                .join(tables.hold, tables.hold.c.job_id == tables.job.c.id)
                .where(tables.hold.c.is_open.is_(sa.true()), tables.job.c.state.in_([s.value for s in FINAL]))
            )
            assert holding.all() == []


async def ledger(database: Database, job_id: str | None = None) -> dict[tuple[str, str], Credits]:
    """Sum the ledger's entries by level and kind."""
    e, b = tables.ledger_entry, tables.budget
    async with database.read() as connection:
        levels = {f"budget:{row.id}": row.level for row in await connection.execute(sa.select(b.c.id, b.c.level))}
        query = sa.select(e) if job_id is None else sa.select(e).where(e.c.job_id == job_id)
        rows = (await connection.execute(query)).all()
    sums: dict[tuple[str, str], Credits] = {}
    for row in rows:
        key = (levels.get(row.account, Level.WALLET.value), row.kind)
        sums[key] = sums.get(key, Credits(0)) + Credits(row.amount_milli)
    return sums


async def accounts(database: Database) -> list[Account]:
    """Read every budget and grant."""
    async with database.read() as connection:
        budgets = (await connection.execute(sa.select(tables.budget).order_by(tables.budget.c.id))).all()
        grants = (await connection.execute(sa.select(tables.wallet_grant).order_by(tables.wallet_grant.c.id))).all()
    found = [
        Account(
            Level(row.level),
            row.id,
            None if row.limit_milli is None else Credits(row.limit_milli),
            Credits(row.settled_milli),
            Credits(row.held_milli),
        )
        for row in budgets
    ]
    return found + [
        Account(
            Level.WALLET,
            row.id,
            Credits(row.granted_milli - row.revoked_milli),
            Credits(row.settled_milli),
            Credits(row.held_milli),
        )
        for row in grants
    ]


async def gather_outcomes(*calls: object) -> tuple[list[Job], list[Exception]]:
    """Run calls at once; return what they gave and what they raised."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return (
        [r for r in results if not isinstance(r, BaseException)],
        [r for r in results if isinstance(r, Exception)],
    )
