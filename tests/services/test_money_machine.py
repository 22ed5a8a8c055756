"""Any order of holds, settlements, calendars, limits and grants: sums equal balances, nothing beyond a limit."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.db import guilds, jobs, money, tables
from bot.db.engine import Database
from bot.domain.budgets import Level
from bot.domain.errors import BudgetRefused
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.services import settlement
from bot.services.config import MoneyRules
from bot.services.operator import verify_ledger
from tests.manual_clock import ManualClock
from tests.services.fakes import P1
from tests.services.world import GUILD, USER, World, accounts

T = TypeVar("T")
MEMBERS = st.sampled_from([USER, USER + 1])
LIMITS = st.one_of(st.none(), st.sampled_from([Credits(200_000), Credits(30_000), Credits(10_000), Credits(0)]))
#: Actual costs in thousandths of the hold: nothing, below, equal, above.
SHARES = st.sampled_from([0, 1, 500, 999, 1000, 1001, 1500, 3000])
PICK = st.integers(0, 10_000)


class MoneyMachine(RuleBasedStateMachine):
    """Real services on a real database; the model knows only what each open job holds where."""

    proved = 0  # lives that ended with an exact ledger and nothing held

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.run(self._begin())

    async def _begin(self) -> None:
        self.database = Database(await self.new_url())
        rules = MoneyRules(
            member_allowance=Credits(30_000),
            guild_pool=Credits(200_000),
            instance_daily=Credits(120_000),
            provider_daily={P1: Credits(100_000)},
        )
        self.world = World(self.database, ManualClock(), self.folder, rules=rules)
        self.holds: dict[str, dict[str, Credits]] = {}
        self.released: list[Job] = []
        self.settled: list[Job] = []

    async def new_url(self) -> str:
        raise NotImplementedError

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self._end())
            type(self).proved += 1
            self.runner.close()
            shutil.rmtree(self.folder)

    async def _end(self) -> None:
        for job_id in list(self.holds):
            await self._release(job_id)
        assert await verify_ledger(self.database) == []
        assert all(account.held == ZERO for account in await accounts(self.database))
        await self.database.dispose()

    # ---------------------------------------------------------------------------------------------------- rules

    @rule(user=MEMBERS, resolution=st.sampled_from(["480p", "720p", "1080p"]), duration_s=st.integers(4, 15))
    def accept(self, user: int, resolution: str, duration_s: int) -> None:
        self.run(self._accept(user, resolution, duration_s))

    @rule(user=MEMBERS, count=st.integers(1, 3))
    def accept_some(self, user: int, count: int) -> None:
        for _ in range(count):
            self.run(self._accept(user, "480p", 4))

    async def _accept(self, user: int, resolution: str, duration_s: int) -> None:
        try:
            job = await self.world.accept(user=user, resolution=resolution, duration_s=duration_s)
        except BudgetRefused as refusal:
            assert refusal.available < refusal.needed
            assert refusal.cheaper is None or refusal.cheaper.cost <= refusal.available
            return
        async with self.database.read() as connection:
            parts, is_open = await money.holds(connection, job.id)
        assert is_open
        assert {
            p.level: p.amount for p in parts if p.level in (Level.INSTANCE, Level.PROVIDER, Level.POOL)
        } == dict.fromkeys((Level.INSTANCE, Level.PROVIDER, Level.POOL), job.quote)
        self.holds[job.id] = {p.account: p.amount for p in parts}

    def _pick(self, pick: int) -> str:
        return list(self.holds)[pick % len(self.holds)]

    @precondition(lambda self: self.holds)
    @rule(pick=PICK, share=SHARES)
    def settle(self, pick: int, share: int) -> None:
        self.run(self._settle(self._pick(pick), share))

    async def _settle(self, job_id: str, share: int) -> None:
        before = await self._rows()
        async with self.database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            assert found is not None
            actual = Credits(found.quote.milli * share // 1000)
            done = await settlement.settle(connection, finished=found, actual=actual, now=self.world.clock.now())
            await self._move(connection, job_id, JobState.FETCHING)
        held = self.holds.pop(job_id)
        after = await self._rows()
        for account, amount in held.items():
            assert after[account].held == before[account].held - amount
        changed = {key for key in after if after[key] != before.get(key)}
        assert changed <= set(held) | {key for key in after if key.startswith("grant:")}
        member_paid = sum((after[k].settled - before[k].settled for k in changed if _is_members(after[k])), ZERO)
        assert member_paid + done.overrun == actual
        self.settled.append(found)

    @precondition(lambda self: self.holds)
    @rule(pick=PICK, loss=st.sampled_from([0, 0, 500]))
    def release(self, pick: int, loss: int) -> None:
        self.run(self._release(self._pick(pick), Credits(loss)))

    async def _release(self, job_id: str, loss: Credits = ZERO) -> None:
        before = await self._rows()
        now = self.world.clock.now()
        async with self.database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            assert found is not None
            assert await settlement.release(connection, job_id=job_id, now=now, reason="x", loss=loss)
            assert not await settlement.release(connection, job_id=job_id, now=now, reason="again")
            await self._move(connection, job_id, JobState.FAILED)
        after = await self._rows()
        held = self.holds.pop(job_id)
        assert {k: before[k].held - after[k].held for k in after if before[k].held != after[k].held} == {
            k: v for k, v in held.items() if v
        }
        self.released.append(found)

    async def _move(self, connection: Any, job_id: str, state: JobState) -> None:
        await connection.execute(sa.update(tables.job).where(tables.job.c.id == job_id).values(state=state.value))

    @precondition(lambda self: self.released)
    @rule(pick=PICK)
    def late_success(self, pick: int) -> None:
        """A released job's task shows up: overrun on the original pool, members pay nothing."""
        self.run(self._late(self.released.pop(pick % len(self.released))))

    async def _late(self, job: Job) -> None:
        before = await self._rows()
        async with self.database.begin() as connection:
            await settlement.book_late(connection, job_id=job.id, actual=job.quote, now=self.world.clock.now())
        after = await self._rows()
        assert all(after[key] == before[key] for key in after if _is_members(after[key]))

    @precondition(lambda self: self.settled)
    @rule(pick=PICK)
    def refund(self, pick: int) -> None:
        self.run(self._refund(self.settled.pop(pick % len(self.settled))))

    async def _refund(self, job: Job) -> None:
        before = await self._rows()
        async with self.database.begin() as connection:
            given = await settlement.refund(
                connection, job_id=job.id, actor="1", reason="x", now=self.world.clock.now()
            )
        after = await self._rows()
        assert sum((before[k].settled - after[k].settled for k in after), ZERO) == given
        assert all(after[key] == before[key] for key in after if not _is_members(after[key]))

    @rule(hours=st.sampled_from([1, 13, 24, 24 * 7, 24 * 31]))
    def pass_time(self, hours: int) -> None:
        self.world.clock.advance(hours * 3600)

    @rule(
        zone=st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Amsterdam", "America/Havana"]),
        week_start=st.integers(0, 6),
        period=st.sampled_from(["day", "week", "month"]),
    )
    def change_calendar(self, zone: str, week_start: int, period: str) -> None:
        self.run(self._change_calendar(zone=zone, week_start=week_start, allowance_period=period))

    async def _change_calendar(self, **values: Any) -> None:
        async with self.database.begin() as connection:
            await guilds.save(connection, GUILD, **values)

    @rule(user=MEMBERS, amount=st.integers(1, 60_000), expires_h=st.sampled_from([None, 5, 200]))
    def grant(self, user: int, amount: int, expires_h: int | None) -> None:
        expires_at = None if expires_h is None else self.world.clock.now() + timedelta(hours=expires_h)
        self.run(
            self.world.budgets.grant(
                guild_id=GUILD, actor_id=1, user_id=user, amount=Credits(amount), reason="x", expires_at=expires_at
            )
        )

    @rule(user=MEMBERS, amount=st.integers(1, 60_000))
    def revoke(self, user: int, amount: int) -> None:
        taken, left = self.run(
            self.world.budgets.revoke(guild_id=GUILD, actor_id=1, user_id=user, amount=Credits(amount), reason="x")
        )
        assert ZERO <= taken <= Credits(amount)
        assert taken == Credits(amount) or left == ZERO

    @rule(scope=st.sampled_from(["everyone", "member"]), user=MEMBERS, limit=st.one_of(LIMITS, st.just("inherit")))
    def set_limit(self, scope: str, user: int, limit: Any) -> None:
        self.run(self.world.budgets.set_limit(guild_id=GUILD, actor_id=1, scope=scope, subject=user, credits=limit))

    @rule(limit=LIMITS)
    def set_pool(self, limit: Credits | None) -> None:
        self.run(self.world.budgets.set_pool(guild_id=GUILD, actor="operator", limit=limit))

    # ------------------------------------------------------------------------------------------------ invariants

    async def _rows(self) -> dict[str, Any]:
        return {account.key: account for account in await accounts(self.database)}

    @invariant()
    def is_exact(self) -> None:
        if hasattr(self, "world"):
            self.run(self._is_exact())

    async def _is_exact(self) -> None:
        assert await verify_ledger(self.database) == []
        rows = await self._rows()
        held = dict.fromkeys(rows, ZERO)
        for parts in self.holds.values():
            for account, amount in parts.items():
                held[account] = held[account] + amount
        assert {key: row.held for key, row in rows.items()} == held
        await self._is_within(rows)
        await self._periods_do_not_overlap()

    async def _is_within(self, rows: dict[str, Any]) -> None:
        """Nothing is beyond the highest limit that ever stood, but by recorded overruns; a wallet never is."""
        highest = getattr(self, "highest", {})
        entry = tables.ledger_entry.c
        async with self.database.read() as connection:
            query = (
                sa.select(entry.account, sa.func.sum(entry.amount_milli))
                .where(entry.kind.in_(("extra", "overrun", "loss")))
                .group_by(entry.account)
            )
            beyond = {account: int(total) for account, total in await connection.execute(query)}
        for key, row in rows.items():
            limit = 10**18 if row.limit is None else row.limit.milli
            highest[key] = max(limit, highest.get(key, 0))
            allowed = (
                limit if row.level is Level.WALLET else highest[key] + (0 if _is_members(row) else beyond.get(key, 0))
            )
            assert row.settled.milli + row.held.milli <= allowed, row
            assert row.settled.milli >= 0
        self.highest = highest

    async def _periods_do_not_overlap(self) -> None:
        b = tables.budget.c
        async with self.database.read() as connection:
            query = sa.select(b.level, b.guild_id, b.subject, b.starts_at, b.ends_at).order_by(
                b.level, b.guild_id, b.subject, b.starts_at
            )
            found = (await connection.execute(query)).all()
        for one, following in itertools.pairwise(found):
            if one[:3] == following[:3]:
                assert one.ends_at <= following.starts_at


def _is_members(account: Any) -> bool:
    return account.level in (Level.ALLOWANCE, Level.WALLET)


def test_money_on_sqlite(sqlite_template: Path) -> None:
    """Every run on a database file of its own."""

    class OnSqlite(MoneyMachine):
        async def new_url(self) -> str:
            shutil.copyfile(sqlite_template, self.folder / "bot.db")
            return f"sqlite+aiosqlite:///{self.folder / 'bot.db'}"

    assert _proved(OnSqlite, examples=18, steps=30) >= 18


def test_money_on_postgresql(postgres_url: str) -> None:
    """Every run on the same database, emptied."""

    class OnPostgres(MoneyMachine):
        async def new_url(self) -> str:
            database = Database(postgres_url)
            async with database.begin() as connection:
                names = ", ".join(f'"{name}"' for name in tables.metadata.tables)
                await connection.exec_driver_sql(f"TRUNCATE {names} CASCADE")
            await database.dispose()
            return postgres_url

    assert _proved(OnPostgres, examples=6, steps=20) >= 6


def _proved(machine: type[MoneyMachine], *, examples: int, steps: int) -> int:
    """Play so many lives of so many steps; how many ended with an exact ledger and nothing held."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=(Phase.generate,),  # shrinking would outlast the patience of a test run
        ),
    )
    return machine.proved
