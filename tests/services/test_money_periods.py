"""Holds that outlive their periods, grants that expire under them, limits lowered below what is used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.db import tables
from bot.domain.budgets import Account, Level, Period
from bot.domain.errors import BudgetRefused
from bot.domain.jobs import Job, JobState, TaskState
from bot.domain.money import ZERO
from bot.domain.requests import GenerationRequest
from bot.services.config import MoneyRules, Timings
from tests.services.fakes import P1
from tests.services.world import CHANNEL, GUILD, USER, World, accounts, credits

MakeWorld = Callable[..., World]
MO = 1
S = JobState
LONG = Timings(job_deadline_s=400 * 86_400, unknown_deadline_s=400 * 86_400)


async def running(world: World, **options: object) -> Job:
    """A job of nine credits that its provider works on."""
    world.provider.auto_finish = False
    return await world.until_state(await world.accept(**options), S.RUNNING)


async def finish(world: World, job: Job, cost: str) -> None:
    """Let its provider end the job at a cost of its own."""
    found = await world.job(job)
    world.provider.tasks[found.task_id or ""].cost = Decimal(cost)
    world.provider.auto_finish = True
    await world.until_state(job, S.DELIVERED)


async def on(world: World, level: Level) -> list[tuple[str, str]]:
    """What is settled and held on each row of a level, the oldest row first."""
    rows = sorted((a for a in await accounts(world.database) if a.level is level), key=lambda a: a.id)
    return [(str(a.settled), str(a.held)) for a in rows]


async def grant(world: World, amount: str, days: int | None = None) -> None:
    """Put credits into the member's wallet."""
    expires_at = None if days is None else world.clock.now() + timedelta(days=days)
    await world.budgets.grant(
        guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits(amount), reason="x", expires_at=expires_at
    )


async def test_a_cost_above_the_hold_asks_the_period_of_the_hold(make_world: MakeWorld) -> None:
    """The allowance's length and zone changed meanwhile and a new period is in use: it pays nothing of the old job."""
    rules = MoneyRules(home_guild_id=GUILD, member_allowance=credits("20"))
    world = make_world(rules=rules, timings=LONG)
    job = await running(world)
    await world.moderation.change(GUILD, MO, {"zone": "Pacific/Kiritimati", "period": Period.DAY})
    world.clock.advance(8 * 86_400)
    await world.accept(duration_s=4, resolution="480p")

    await finish(world, job, "31")

    first, second = await on(world, Level.ALLOWANCE)
    assert first == ("20.0", "0.0")
    assert "9.0" not in second
    entries = await world.entries(job)
    assert entries["allowance", "extra"] == credits("11")
    assert entries["pool", "overrun"] == credits("11")


async def test_a_longer_period_begins_where_the_last_one_ended(make_world: MakeWorld) -> None:
    """The operator makes days into weeks: the week that has begun long ago does not count a used day again."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, allowance_period=Period.DAY))
    await world.accept()
    world.clock.advance(86_400)
    world.rules = MoneyRules(home_guild_id=GUILD, allowance_period=Period.WEEK)
    world.restart()
    await world.accept()

    b = tables.budget.c
    async with world.database.read() as connection:
        query = sa.select(b.starts_at, b.ends_at).where(b.level == Level.ALLOWANCE.value).order_by(b.id)
        day, week = (await connection.execute(query)).all()
    assert week.starts_at == day.ends_at
    assert week.ends_at.weekday() == 0


async def test_a_late_success_is_overrun_on_the_pool_of_its_own_month(make_world: MakeWorld) -> None:
    """Held in one month, found in the next after it was given up: neither the new month's row nor the member pays."""
    world = make_world(timings=Timings(job_deadline_s=300, unknown_deadline_s=1200))
    world.clock.advance((datetime.fromisoformat("2026-03-31T23:50:00:00+00:00") - world.clock.now()).total_seconds())
    job = await running(world)
    await world.until_state(job, S.EXPIRED)
    other = await world.accept(duration_s=4)

    await finish(world, job, "9")

    march, april = await on(world, Level.POOL)
    assert (march, april) == (("9.0", "0.0"), (str(ZERO + other.quote), "0.0"))
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == other.quote


async def test_a_grant_that_expires_while_it_is_held_still_pays(make_world: MakeWorld) -> None:
    """What is not needed goes back to it and is gone; what is needed beyond comes from live grants alone."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=ZERO), timings=LONG)
    await grant(world, "100", None)
    await grant(world, "12", 2)
    cheap, dear = await running(world), await running(world)
    assert await on(world, Level.WALLET) == [("0.0", "6.0"), ("0.0", "12.0")]
    world.clock.advance(3 * 86_400)

    world.provider.tasks[(await world.job(dear)).task_id or ""].cost = Decimal(10)
    await finish(world, cheap, "5")
    await world.until_state(dear, S.DELIVERED)

    assert await on(world, Level.WALLET) == [("7.0", "0.0"), ("8.0", "0.0")]
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).wallet == credits("93")


async def test_what_is_held_cannot_be_revoked(make_world: MakeWorld) -> None:
    """Everything else can; what the hold gives back can be taken then."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=ZERO))
    await grant(world, "10")
    job = await running(world)

    async def revoke() -> tuple[str, str]:
        done = await world.budgets.revoke(guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits("50"), reason="x")
        return str(done[0]), str(done[1])

    assert await revoke() == ("1.0", "0.0")
    await finish(world, job, "6")
    assert await revoke() == ("3.0", "0.0")


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_an_overrun_job_gives_back_what_its_member_paid(make_world: MakeWorld, is_deleted: bool) -> None:
    """And no more, once, also when the member's data were deleted meanwhile; the pool keeps its overrun."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("10")))
    job = await running(world)
    await finish(world, job, "14")
    await world.run_until_quiet()
    if is_deleted:
        await world.privacy.delete(USER)

    done = await world.refunds.refund(job.id, guild_id=GUILD, actor_id=MO, reason="x")

    assert done.given == credits("10")
    assert await on(world, Level.ALLOWANCE) == [("0.0", "0.0")]
    assert await on(world, Level.POOL) == [("14.0", "0.0")]


@pytest.mark.parametrize("level", [Level.INSTANCE, Level.PROVIDER])
async def test_a_day_lowered_below_what_is_used_refuses_until_midnight_utc(make_world: MakeWorld, level: Level) -> None:
    """What runs is settled all the same; the next UTC day is a new one."""

    def limited(amount: str) -> MoneyRules:
        known: dict = {"instance_daily": credits(amount)}
        known = known if level is Level.INSTANCE else {"provider_daily": {P1: credits(amount)}}
        return MoneyRules(home_guild_id=GUILD, member_allowance=None, **known)

    world = make_world(rules=limited("30"))
    world.clock.advance((datetime.fromisoformat("2026-12-31T23:50:00+00:00") - world.clock.now()).total_seconds())
    job = await running(world)
    world.rules = limited("5")
    world.restart()

    with pytest.raises(BudgetRefused) as caught:
        await world.accept(duration_s=4, resolution="480p")
    assert (caught.value.level, caught.value.available, caught.value.limit) == (level.value, ZERO, credits("5"))
    assert caught.value.frees_at == datetime.fromisoformat("2027-01-01T00:00:00+00:00")
    assert caught.value.cheaper is None

    world.clock.advance(600)
    await world.accept(duration_s=4, resolution="480p")
    await finish(world, job, "9")
    assert await on(world, level) == [("9.0", "0.0"), ("0.0", "3.6")]


async def test_a_threads_jobs_count_for_its_parents_cap(world: World) -> None:
    """One cap for the channel and all of its threads."""
    await world.settle_in()
    await world.budgets.set_limit(guild_id=GUILD, actor_id=MO, scope="channel", subject=CHANNEL, credits=credits("10"))
    await world.accept()
    thread = replace(world.requester(channel=CHANNEL), channel_id=CHANNEL + 5)
    request = GenerationRequest("a boat")

    with pytest.raises(BudgetRefused) as caught:
        await world.generation.accept(thread, request, world.generation.check(request))

    assert (caught.value.level, caught.value.available) == ("channel", credits("1"))


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_what_a_provider_keeps_for_a_failed_task_is_a_loss(make_world: MakeWorld, is_given_up: bool) -> None:
    """On provider and instance, also where the job had been given up before; pool and member pay nothing."""
    world = make_world(timings=Timings(job_deadline_s=300, unknown_deadline_s=1200))
    world.provider.traits = replace(world.provider.traits, charges_failures=True)
    job = await running(world)
    if is_given_up:
        await world.until_state(job, S.EXPIRED)
    task = world.provider.tasks[(await world.job(job)).task_id or ""]
    task.state, task.cost = TaskState.FAILED, Decimal(4)

    await world.run_until_quiet()

    assert await world.state(job) is (S.EXPIRED if is_given_up else S.FAILED)
    assert (await world.job(job)).watch_until is None
    for level in (Level.INSTANCE, Level.PROVIDER):
        assert sum(Decimal(settled) for settled, _ in await on(world, level)) == 4
    for level in (Level.POOL, Level.ALLOWANCE):
        assert await on(world, level) == [("0.0", "0.0")]


async def test_a_loss_is_booked_once(world: World) -> None:
    """A cancelled task is watched, and says each time what it cost."""
    world.provider.traits = replace(world.provider.traits, charges_failures=True)
    job = await running(world)
    await world.cancellation.request(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False)
    task = world.provider.tasks[(await world.job(job)).task_id or ""]
    task.state, task.cost = TaskState.CANCELLED, Decimal(4)

    await world.run_until_quiet()

    assert await world.state(job) is S.CANCELLED
    assert (await world.entries(job))["provider", "loss"] == credits("4")


async def test_a_late_success_takes_the_place_of_a_loss(world: World) -> None:
    """The provider is paid for the clip alone, and the member pays nothing."""
    world.provider.traits = replace(world.provider.traits, charges_failures=True)
    job = await running(world)
    task = world.provider.tasks[(await world.job(job)).task_id or ""]
    task.state, task.cost = TaskState.FAILED, Decimal(4)
    await world.until_state(job, S.FAILED)
    assert await on(world, Level.PROVIDER) == [("4.0", "0.0")]

    task.state = TaskState.RUNNING
    await finish(world, job, "9")

    assert await world.state(job) is S.DELIVERED
    for level in (Level.INSTANCE, Level.PROVIDER, Level.POOL):
        assert await on(world, level) == [("9.0", "0.0")]
    assert await on(world, Level.ALLOWANCE) == [("0.0", "0.0")]


def test_a_row_beyond_its_limit_has_nothing_left() -> None:
    """Never less than nothing, whatever it is beyond it by."""
    assert Account(Level.POOL, 1, credits("5"), credits("9"), credits("1")).available == ZERO
