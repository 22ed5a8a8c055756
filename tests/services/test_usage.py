"""Moderators' figures: what was asked for, what became of it, and who paid."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.db import guilds, tables
from bot.domain.budgets import UTC_CALENDAR
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.services import settlement
from bot.services.config import MoneyRules
from bot.services.levels import LevelBook
from bot.services.usage import Usage, UsageBy, UsageRow
from tests.services.world import CHANNEL, GUILD, USER, World, credits

MakeWorld = Callable[..., World]
MODEL, FAST = "seedance2-movie/seedance-2.0", "seedance2-movie/seedance-2.0-fast"
RICH = MoneyRules(member_allowance=None, guild_pool=None)


def usage_of(world: World) -> Usage:
    """The use case on a world's database."""
    return Usage(world.database, world.clock, levels=LevelBook(world.rules))


async def rows(world: World, by: UsageBy, *, days: int = 30, guild: int = GUILD) -> list[UsageRow]:
    """Report and check that the total is the sum of the rows."""
    report = await usage_of(world).report(guild, days, by)
    assert report.total.jobs == sum(row.jobs for row in report.rows)
    assert report.total.charged == sum((row.charged for row in report.rows), ZERO)
    assert report.total.pooled == sum((row.pooled for row in report.rows), ZERO)
    return list(report.rows)


async def asked_at(world: World, moment: datetime) -> Job:
    """Ask for a clip and let it be as if that had been at `moment`."""
    job = await world.accept()
    await world.change(job, created_at=moment)
    return job


async def live_in(world: World, zone: str) -> None:
    """Set the server's time zone."""
    async with world.database.begin() as connection:
        await guilds.save(connection, GUILD, zone=zone)


async def test_groups_by_member_model_and_channel(make_world: MakeWorld) -> None:
    """The most expensive first; another server's jobs are not there."""
    world = make_world(rules=RICH)
    await world.accept(user=USER)
    await world.accept(user=USER + 1, channel=CHANNEL + 1)
    await world.accept(user=USER + 1, model=FAST)
    await world.accept(user=USER + 2, guild=GUILD + 1)
    await world.run_until_quiet()
    fast = credits("7.2")
    nine = credits("9")

    members = await rows(world, UsageBy.MEMBER)
    models = await rows(world, UsageBy.MODEL)
    channels = await rows(world, UsageBy.CHANNEL)

    assert members == [
        UsageRow(USER + 1, 2, 2, 0, nine + fast, nine + fast),
        UsageRow(USER, 1, 1, 0, nine, nine),
    ]
    assert models == [UsageRow(MODEL, 2, 2, 0, nine * 2, nine * 2), UsageRow(FAST, 1, 1, 0, fast, fast)]
    assert [(row.key, row.jobs) for row in channels] == [(CHANNEL, 2), (CHANNEL + 1, 1)]


async def test_a_thread_counts_as_its_parent(make_world: MakeWorld) -> None:
    """Whatever was asked for in it."""
    world = make_world(rules=RICH)
    await world.accept(channel=CHANNEL)
    in_thread = await world.accept(channel=555)
    await world.change(in_thread, parent_channel_id=CHANNEL)

    assert [(row.key, row.jobs) for row in await rows(world, UsageBy.CHANNEL)] == [(CHANNEL, 2)]


async def test_only_what_was_delivered_costs(make_world: MakeWorld) -> None:
    """Open, cancelled and failed jobs count as asked for and cost nothing."""
    world = make_world(rules=RICH)
    await world.accept()
    await world.run_until_quiet()
    world.provider.auto_finish = False
    cancelled, failed, _open = [await world.accept() for _ in range(3)]
    await world.cancellation.request(cancelled.id, actor_id=USER, guild_id=GUILD, is_moderator=False)
    await fail(world, failed)

    assert await rows(world, UsageBy.MEMBER) == [UsageRow(USER, 4, 1, 1, credits("9"), credits("9"))]


async def fail(world: World, job: Job) -> None:
    """End a job without a clip."""
    async with world.database.begin() as connection:
        await settlement.release(connection, job_id=job.id, now=world.clock.now(), reason="no clip")
    await world.change(job, state=JobState.FAILED.value, finished_at=world.clock.now())


async def test_given_up_is_failed_only_where_it_was_tried(make_world: MakeWorld) -> None:
    """An approval that lapsed is no failure; a clip that never came is one."""
    world = make_world(rules=RICH)
    lapsed, lost = [await world.accept() for _ in range(2)]
    for job, sent_at in ((lapsed, None), (lost, world.clock.now())):
        await fail(world, job)
        await world.change(job, state=JobState.EXPIRED.value, submitted_at=sent_at)

    assert [(row.jobs, row.failed) for row in await rows(world, UsageBy.MEMBER)] == [(2, 1)]


async def test_a_refund_gives_the_member_back_and_the_pool_nothing(world: World) -> None:
    """The provider was paid."""
    job = await world.accept()
    await world.run_until_quiet()
    async with world.database.begin() as connection:
        await settlement.refund(connection, job_id=job.id, actor="1", reason="sorry", now=world.clock.now())

    assert await rows(world, UsageBy.MEMBER) == [UsageRow(USER, 1, 1, 0, ZERO, credits("9"))]


@pytest.mark.parametrize(
    ("allowance", "granted", "charged"), [("50", None, "12"), ("9", "5", "12"), ("9", "1", "10"), ("9", None, "9")]
)
async def test_a_cost_above_the_hold(make_world: MakeWorld, allowance: str, granted: str | None, charged: str) -> None:
    """The member pays what the allowance and then the wallet have, the pool carries all of it."""
    world = make_world(rules=MoneyRules(member_allowance=credits(allowance), guild_pool=None))
    world.provider.on_submit = lambda task: setattr(task, "cost", Decimal(12))
    if granted:
        amount = credits(granted)
        await world.budgets.grant(
            guild_id=GUILD, actor_id=1, user_id=USER, amount=amount, reason="prize", expires_at=None
        )
    await world.accept()
    await world.run_until_quiet()

    assert await rows(world, UsageBy.MEMBER) == [UsageRow(USER, 1, 1, 0, credits(charged), credits("12"))]


async def test_a_quote_alone_is_no_job(world: World) -> None:
    """What never held anything is not counted, whether it still waits or has lapsed."""
    job = await world.accept()
    columns = [column for column in tables.job.c if column.name not in {"id", "state"}]
    async with world.database.begin() as connection:
        for key, state in (("QUOTE0000001", JobState.QUOTED), ("QUOTE0000002", JobState.EXPIRED)):
            copied = sa.select(sa.literal(key), sa.literal(state.value), *columns).where(tables.job.c.id == job.id)
            names = ["id", "state", *(column.name for column in columns)]
            await connection.execute(sa.insert(tables.job).from_select(names, copied))

    assert [row.jobs for row in await rows(world, UsageBy.MEMBER)] == [1]


async def test_days_begin_at_midnight_in_the_servers_zone(make_world: MakeWorld) -> None:
    """The day on which summer time begins has 23 hours; days without jobs are there as well."""
    world = make_world(rules=RICH)
    await live_in(world, "Europe/Amsterdam")
    for moment in (
        datetime(2026, 3, 28, 22, 59, tzinfo=UTC),  # 23:59 on the 28th
        datetime(2026, 3, 28, 23, 0, tzinfo=UTC),  # 00:00 on the 29th
        datetime(2026, 3, 29, 21, 59, tzinfo=UTC),  # 23:59 on the 29th
        datetime(2026, 3, 29, 22, 0, tzinfo=UTC),  # 00:00 on the 30th
    ):
        await asked_at(world, moment)
    world.clock.advance((datetime(2026, 3, 31, 10, 0, tzinfo=UTC) - world.clock.now()).total_seconds())

    report = await usage_of(world).report(GUILD, 3, UsageBy.DAY)
    found = await rows(world, UsageBy.DAY, days=4)

    assert [(row.key, row.jobs) for row in found] == [
        (date(2026, 3, 28), 1),
        (date(2026, 3, 29), 2),
        (date(2026, 3, 30), 1),
        (date(2026, 3, 31), 0),
    ]
    assert (report.zone, report.starts_at) == ("Europe/Amsterdam", datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    assert report.total.jobs == 3


async def test_the_day_on_which_summer_time_ends_has_25_hours(make_world: MakeWorld) -> None:
    """Both of its ends belong to it."""
    world = make_world(rules=RICH)
    await live_in(world, "America/New_York")
    for moment in (
        datetime(2026, 11, 1, 3, 59, tzinfo=UTC),  # 23:59 on the 31st
        datetime(2026, 11, 1, 4, 0, tzinfo=UTC),
        datetime(2026, 11, 2, 4, 59, tzinfo=UTC),
        datetime(2026, 11, 2, 5, 0, tzinfo=UTC),  # 00:00 on the 2nd
    ):
        await asked_at(world, moment)
    world.clock.advance((datetime(2026, 11, 2, 12, 0, tzinfo=UTC) - world.clock.now()).total_seconds())

    assert [row.jobs for row in await rows(world, UsageBy.DAY, days=3)] == [1, 2, 1]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Havana", "Asia/Kathmandu"])
async def test_a_year_of_days_is_whole(make_world: MakeWorld, zone: str) -> None:
    """Each noon of 365 days falls into its own day, and what is older into none."""
    world = make_world(rules=RICH)
    await live_in(world, zone)
    job = await world.accept()
    starts_at = (await usage_of(world).report(GUILD, 365, UsageBy.DAY)).starts_at

    for place in (0, 1, 180, 363):
        await world.change(job, created_at=starts_at + timedelta(days=place, hours=12))
        found = await rows(world, UsageBy.DAY, days=365)
        assert [n for n, row in enumerate(found) if row.jobs] == [place]
    await world.change(job, created_at=starts_at - timedelta(microseconds=1))
    assert not any(row.jobs for row in await rows(world, UsageBy.DAY, days=365))


async def test_a_server_without_a_row_has_empty_days_in_utc(world: World) -> None:
    """Reading makes no row."""
    report = await usage_of(world).report(4711, 2, UsageBy.DAY)

    assert report.zone == UTC_CALENDAR.zone
    assert report.rows == (UsageRow(date(2026, 3, 3)), UsageRow(date(2026, 3, 4)))
    async with world.database.read() as connection:
        assert await guilds.find(connection, 4711) is None


async def test_audit_tells_who_changed_what_and_why(world: World) -> None:
    """The newest first, this server's only, and no older than asked for."""
    amount = Credits(5_000)
    give = {"user_id": USER, "amount": amount, "expires_at": None}
    await world.budgets.grant(guild_id=GUILD, actor_id=7, reason="too old", **give)
    world.clock.advance(2 * 86_400)
    await world.budgets.grant(guild_id=GUILD, actor_id=8, reason="prize", **give)
    await world.budgets.grant(guild_id=GUILD + 1, actor_id=8, reason="elsewhere", **give)
    await world.budgets.set_pool(guild_id=GUILD, actor="operator", limit=None)

    lines = await usage_of(world).audit(GUILD, 1)

    assert [(line.actor, line.action, line.reason) for line in lines] == [
        ("operator", "pool.set", ""),
        ("8", "quota.grant", "prize"),
    ]
    assert (lines[1].subject, lines[1].detail, lines[1].at) == (str(USER), "5.0", world.clock.now())
    assert len(await usage_of(world).audit(GUILD, 3)) == 3


async def test_a_calendar_that_waited_counts_from_its_moment_on(world: World) -> None:
    """Days are those of the zone in force."""
    moment = world.clock.now() + timedelta(days=1)
    async with world.database.begin() as connection:
        await guilds.save(connection, GUILD, next_zone="Asia/Tokyo", next_week_start=0, next_calendar_at=moment)

    before = await usage_of(world).report(GUILD, 1, UsageBy.DAY)
    world.clock.advance(86_400)
    after = await usage_of(world).report(GUILD, 1, UsageBy.DAY)

    assert (before.zone, after.zone) == ("UTC", "Asia/Tokyo")
    assert after.starts_at == datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
