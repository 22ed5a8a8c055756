"""What moderators decide: rules, calendars, suspensions; noted, guarded against each other, and never half done."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.db import guilds, tables
from bot.domain.budgets import Period
from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.rules import GuildRules, PublicPrompts
from bot.services.moderation import fingerprint
from tests.services.world import GUILD, USER, World

MO, OTHER_MO = 900, 901


async def audit(world: World) -> list[tuple[str, str, str, str, str]]:
    """Read the audit as (actor, action, subject, detail, reason)."""
    a = tables.audit.c
    async with world.database.read() as connection:
        rows = await connection.execute(sa.select(tables.audit).where(a.guild_id == GUILD).order_by(a.id))
        return [(row.actor, row.action, row.subject, row.detail, row.reason) for row in rows]


async def journal(world: World) -> list[str]:
    """Read what waits for the log channel, as events."""
    async with world.database.read() as connection:
        return [row.event for row in await connection.execute(sa.select(tables.log_line))]


async def row(world: World) -> object:
    """Read the guild's row."""
    async with world.database.read() as connection:
        return await guilds.find(connection, GUILD)


async def test_rules_change_one_by_one_and_are_noted(world: World) -> None:
    """What is not named stays; each change has its line with before and after."""
    await world.moderation.change(GUILD, MO, {"channels": frozenset({3, 1}), "running_cap": 5})
    await world.moderation.change(GUILD, MO, {"confirm_over": None, "log_channel_id": 77})
    changed = (await world.moderation.change(GUILD, MO, {"channels": frozenset({1, 7})})).rules

    assert changed == GuildRules(channels=frozenset({1, 7}), running_cap=5, confirm_over=None, log_channel_id=77)
    assert await world.moderation.rules(GUILD) == changed
    assert await audit(world) == [
        (str(MO), "settings", "channels", "+1, +3", ""),
        (str(MO), "settings", "running_cap", "2 -> 5", ""),
        (str(MO), "settings", "confirm_over", "15.0 -> none", ""),
        (str(MO), "settings", "log_channel_id", "none -> 77", ""),
        (str(MO), "settings", "channels", "+7, -3", ""),
    ]
    assert await journal(world) == ["moderator"] * 3  # since there is a log channel


async def test_setting_what_holds_already_is_no_change(world: World) -> None:
    """Nothing is noted."""
    await world.moderation.change(GUILD, MO, {"ping": True, "public_prompts": PublicPrompts.YES})

    assert await audit(world) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"running_cap": 0}, "number_range"),
        ({"running_cap": 11}, "number_range"),
        ({"queued_cap": 101}, "number_range"),
        ({"longest_s": 3}, "number_range"),
        ({"longest_s": -5}, "number_range"),
        ({"longest_s": 10**6}, "number_range"),
        ({"highest_resolution": "9000p"}, "resolution_unknown"),
        ({"confirm_over": Credits(-1)}, "amount_too_large"),
        ({"approve_over": Credits(10**12 + 1)}, "amount_too_large"),
        ({"blocked": ("fine", "/(/")}, "pattern_invalid"),
        ({"blocked": ("/.*/",)}, "pattern_matches_all"),
        ({"blocked": ("x" * 5000,)}, "too_many_blocked"),
        ({"channels": frozenset(range(26))}, "too_many_chosen"),
        ({"models": frozenset({"nobody/nothing"})}, "unknown_model"),
    ],
)
async def test_a_wrong_value_changes_nothing_at_all(world: World, fields: dict, code: str) -> None:
    """Not even the good value that came with it."""
    with pytest.raises(Refused) as refused:
        await world.moderation.change(GUILD, MO, {"ping": False, **fields})

    assert refused.value.code == code
    assert (await world.moderation.rules(GUILD)).ping
    assert await audit(world) == []


def test_every_problem_is_found_at_once(world: World) -> None:
    """Each with the setting that it belongs to."""
    changes = {"running_cap": 0, "blocked": ("/(/", "/[/"), "zone": "qqqq", "queued_cap": 5}

    found = [(name, error.code) for name, error in world.moderation.problems(changes)]

    assert found == [
        ("running_cap", "number_range"),
        ("blocked", "pattern_invalid"),
        ("blocked", "pattern_invalid"),
        ("zone", "zone_unknown_at_all"),
    ]


async def test_a_model_that_is_offered_no_more_may_stay_in_the_rules(world: World) -> None:
    """So that other settings can still be changed."""
    async with world.database.begin() as connection:
        await guilds.save_rules(connection, GUILD, GuildRules(models=frozenset({"gone/model"})))

    wanted = frozenset({"gone/model", "seedance2-movie/seedance-2.0"})

    assert ((await world.moderation.change(GUILD, MO, {"models": wanted})).rules).models == wanted


async def test_two_moderators_at_once_lose_nothing(world: World) -> None:
    """Twenty changes of different settings and a calendar together all stand."""
    changes: list[dict] = [
        {"channels": frozenset({1})},
        {"models": frozenset({"seedance2-movie/seedance-2.0"})},
        {"renderings": frozenset({"wild"})},
        {"longest_s": 9},
        {"highest_resolution": "720p"},
        {"running_cap": 3},
        {"queued_cap": 33},
        {"confirm_over": Credits(1000)},
        {"approve_over": Credits(2000)},
        {"blocked": ("word",)},
        {"moderator_roles": frozenset({5})},
        {"ping": False},
        {"language": "nl"},
        {"zone": "Asia/Tokyo"},
        {"week_start": 6},
        {"period": Period.MONTH},
    ]

    await asyncio.gather(*(world.moderation.change(GUILD, MO + n % 2, one) for n, one in enumerate(changes)))

    settings = await world.moderation.settings(GUILD)
    wanted = {name: value for one in changes for name, value in one.items()}
    assert {name: settings.value(name) for name in wanted} == wanted
    assert len(await audit(world)) == len(changes)


async def test_a_setting_that_somebody_else_changed_meanwhile_is_not_overwritten(world: World) -> None:
    """The second one is told; other settings of the first stay as well."""
    seen = {"blocked": fingerprint(()), "ping": fingerprint(True)}
    await world.moderation.change(GUILD, MO, {"blocked": ("theirs",)}, seen=seen)

    with pytest.raises(Refused, match="settings_conflict"):
        await world.moderation.change(GUILD, OTHER_MO, {"blocked": ("mine",), "ping": False}, seen=seen)
    await world.moderation.change(GUILD, OTHER_MO, {"ping": False}, seen=seen)

    rules = await world.moderation.rules(GUILD)
    assert (rules.blocked, rules.ping) == (("theirs",), False)


# ------------------------------------------------------------------------------------------------- calendar


async def test_a_calendar_takes_effect_at_the_end_of_the_running_period(world: World) -> None:
    """Until then the old one holds; then the new one, without anything having to run."""
    when = (await world.moderation.change(GUILD, MO, {"zone": "europe/amsterdam", "period": Period.MONTH})).waiting_at

    assert when == datetime(2026, 3, 9, tzinfo=UTC)  # the clock says Wednesday, 4 March: the week in UTC ends
    settings = await world.moderation.settings(GUILD)
    assert (settings.calendar.zone, settings.calendar.period) == ("UTC", Period.WEEK)
    assert settings.waiting is not None
    assert (settings.waiting.zone, settings.waiting.period) == ("Europe/Amsterdam", Period.MONTH)

    world.clock.advance(timedelta(days=5).total_seconds())

    settings = await world.moderation.settings(GUILD)
    assert (settings.calendar.zone, settings.calendar.period) == ("Europe/Amsterdam", Period.MONTH)
    assert settings.waiting is None
    assert settings.calendar.bounds(world.clock.now())[1] == datetime(2026, 3, 31, 22, tzinfo=UTC)  # summer time


async def test_changes_of_a_calendar_add_up_and_the_present_value_removes_them(world: World) -> None:
    """Two changes wait together; setting both back leaves nothing waiting."""
    await world.moderation.change(GUILD, MO, {"zone": "Asia/Tokyo"})
    when = (await world.moderation.change(GUILD, OTHER_MO, {"week_start": 6})).waiting_at

    assert when == datetime(2026, 3, 9, tzinfo=UTC)
    waiting = (await world.moderation.settings(GUILD)).waiting
    assert waiting is not None
    assert (waiting.zone, waiting.week_start) == ("Asia/Tokyo", 6)

    assert (await world.moderation.change(GUILD, MO, {"zone": "UTC", "week_start": 0})).waiting_at is None
    settings = await world.moderation.settings(GUILD)
    assert (settings.calendar.zone, settings.waiting) == ("UTC", None)


async def test_a_change_that_is_due_holds_before_the_next_one_waits(world: World) -> None:
    """The first is made the present calendar, and the second waits for the end of its period."""
    await world.moderation.change(GUILD, MO, {"period": Period.DAY, "zone": "Asia/Tokyo"})
    world.clock.advance(timedelta(days=6).total_seconds())  # Tuesday, 10 March, 12:00 UTC

    when = (await world.moderation.change(GUILD, MO, {"period": Period.WEEK})).waiting_at

    assert when == datetime(2026, 3, 10, 15, tzinfo=UTC)  # midnight in Tokyo
    kept = await row(world)
    assert (kept.zone, kept.allowance_period, kept.next_zone) == ("Asia/Tokyo", "day", "Asia/Tokyo")


async def test_a_new_period_begins_no_second_allowance(world: World) -> None:
    """What was spent in the running week counts until its end; the month then begins where the week ended."""
    await world.accept()
    await world.moderation.change(GUILD, MO, {"period": Period.MONTH})

    before = await world.queries.balance(guild_id=GUILD, user_id=USER)
    world.clock.advance(timedelta(days=5).total_seconds())
    after = await world.queries.balance(guild_id=GUILD, user_id=USER)

    assert (before.allowance.held, before.allowance.ends_at) == (Credits(9000), datetime(2026, 3, 9, tzinfo=UTC))
    assert (after.allowance.held, after.allowance.ends_at) == (Credits(0), datetime(2026, 4, 1, tzinfo=UTC))
    await world.run_until_quiet()


@pytest.mark.parametrize(
    ("zone", "code", "suggestion"),
    [
        ("Amsterdam", "zone_unknown", "Europe/Amsterdam"),
        ("Europe/Amsterdm", "zone_unknown", "Europe/Amsterdam"),
        ("new york", "zone_unknown", "America/New_York"),
        ("qqqqqq", "zone_unknown_at_all", ""),
        ("", "zone_unknown_at_all", ""),
        ("../../etc/passwd", "zone_unknown_at_all", ""),
        ("x" * 500, "zone_unknown_at_all", ""),
    ],
)
async def test_an_unknown_time_zone_is_refused_with_names_that_come_close(
    world: World, zone: str, code: str, suggestion: str
) -> None:
    """And nothing is changed."""
    with pytest.raises(Refused) as refused:
        await world.moderation.change(GUILD, MO, {"zone": zone, "week_start": 3})

    assert refused.value.code == code
    assert suggestion in refused.value.params.get("suggestions", "")
    settings = await world.moderation.settings(GUILD)
    assert (settings.waiting, settings.calendar.week_start) == (None, 0)


# ------------------------------------------------------------------------------------------------- suspension


async def test_a_suspended_member_may_ask_for_nothing_and_running_jobs_finish(world: World) -> None:
    """Until the moment given, or until they are resumed; another suspension takes the first one's place."""
    running = await world.accept()
    until = world.clock.now() + timedelta(days=1)
    await world.moderation.suspend(GUILD, MO, USER, until, "spam")

    with pytest.raises(Refused, match="suspended"):
        await world.accept()
    await world.run_for(600)
    assert (await world.job(running)).is_final
    world.clock.advance(86_400)
    await world.accept()

    await world.moderation.suspend(GUILD, MO, USER, None, "spam again")
    with pytest.raises(Refused, match="suspended"):
        await world.accept()
    await world.moderation.resume(GUILD, OTHER_MO, USER)
    await world.accept()
    assert [(line[0], line[1], line[2], line[4]) for line in await audit(world)] == [
        (str(MO), "quota.suspend", str(USER), "spam"),
        (str(MO), "quota.suspend", str(USER), "spam again"),
        (str(OTHER_MO), "quota.resume", str(USER), ""),
    ]
    await world.run_until_quiet()


@pytest.mark.parametrize(("away", "code"), [(0, "expires_past"), (-1, "expires_past"), (800, "expires_far")])
async def test_a_suspension_ends_in_the_next_year(world: World, away: int, code: str) -> None:
    """A moment that has passed or is years away is refused, and nothing is changed."""
    with pytest.raises(Refused, match=code):
        await world.moderation.suspend(GUILD, MO, USER, world.clock.now() + timedelta(days=away), "spam")

    assert (await world.standings.member(guild_id=GUILD, user_id=USER, role_ids=())).suspension is None


async def test_who_is_not_suspended_cannot_be_resumed(world: World) -> None:
    """Nor can one whose suspension has ended by itself."""
    await world.moderation.suspend(GUILD, MO, USER, world.clock.now() + timedelta(hours=1), "spam")
    world.clock.advance(3600)

    with pytest.raises(Refused, match="not_suspended"):
        await world.moderation.resume(GUILD, MO, USER)


async def test_a_moderators_role_is_one_that_the_settings_name(world: World) -> None:
    """In this guild only."""
    await world.moderation.change(GUILD, MO, {"moderator_roles": frozenset({5, 6})})

    assert await world.moderation.is_moderator_role(GUILD, [4, 5])
    assert not await world.moderation.is_moderator_role(GUILD, [4])
    assert not await world.moderation.is_moderator_role(GUILD, [])
    assert not await world.moderation.is_moderator_role(GUILD + 1, [5])
