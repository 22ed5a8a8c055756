"""Who may spend what: limits of members, roles, everyone and channels, and where moderators see them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.db import members, tables
from bot.domain.errors import BudgetRefused, Refused
from bot.domain.jobs import JobState
from bot.domain.money import Credits, Limit
from bot.services import settlement
from bot.services.config import MoneyRules
from tests.services.world import CHANNEL, GUILD, USER, World, credits

MO = 900
BRONZE, SILVER, GOLD = 50, 51, 52


async def set_limit(world: World, scope: str, subject: int, limit: Limit | str) -> tuple:
    """Set a limit as a moderator; returns before and after."""
    change = await world.budgets.set_limit(guild_id=GUILD, actor_id=MO, scope=scope, subject=subject, credits=limit)
    return change.before, change.after


async def standing(world: World, roles: tuple[int, ...] | None = ()) -> tuple:
    """Where the member's allowance comes from, and how much it is."""
    found = await world.standings.member(guild_id=GUILD, user_id=USER, role_ids=roles)
    return found.source, found.limit


async def test_own_beats_roles_beats_everyone_beats_the_default(world: World) -> None:
    """Each step of the way back when limits are removed again."""
    assert await standing(world) == (("default", 0), credits("50"))

    await set_limit(world, "everyone", 0, credits("20"))
    assert await standing(world, (BRONZE,)) == (("everyone", 0), credits("20"))

    await set_limit(world, "role", BRONZE, credits("5"))
    await set_limit(world, "role", SILVER, credits("30"))
    assert await standing(world, (BRONZE,)) == (("role", BRONZE), credits("5"))
    assert await standing(world, (BRONZE, SILVER)) == (("role", SILVER), credits("30"))

    await set_limit(world, "role", GOLD, None)
    assert await standing(world, (BRONZE, SILVER, GOLD)) == (("role", GOLD), None)

    assert await set_limit(world, "member", USER, credits("1")) == ("inherit", credits("1"))
    assert await standing(world, (GOLD,)) == (("member", USER), credits("1"))

    assert await set_limit(world, "member", USER, "inherit") == (credits("1"), "inherit")
    assert await set_limit(world, "role", GOLD, "inherit") == (None, "inherit")
    assert await standing(world, (GOLD,)) == (("everyone", 0), credits("20"))


async def test_limits_of_one_scope_do_not_touch_another_of_the_same_number(world: World) -> None:
    """A role, a channel and a member may share an id here."""
    await set_limit(world, "role", USER, credits("7"))
    await set_limit(world, "channel", USER, credits("8"))

    assert await standing(world) == (("default", 0), credits("50"))
    assert await set_limit(world, "channel", USER, "inherit") == (credits("8"), "inherit")
    assert await set_limit(world, "role", USER, credits("9")) == (credits("7"), credits("9"))


async def test_roles_last_seen_count_for_who_is_not_here(world: World) -> None:
    """Where nobody knows their roles, none do."""
    await set_limit(world, "role", GOLD, credits("99"))

    assert await standing(world, None) == (("default", 0), credits("50"))

    async with world.database.begin() as connection:
        await members.remember(connection, guild_id=GUILD, user_id=USER, role_ids=[GOLD], now=world.clock.now())
    assert await standing(world, None) == (("role", GOLD), credits("99"))


async def test_a_channels_cap_is_for_all_members_together(world: World) -> None:
    """The second member is refused by it; another channel is free, and zero closes a channel."""
    await set_limit(world, "channel", CHANNEL, credits("12"))
    await world.accept(user=1)

    with pytest.raises(BudgetRefused) as refused:
        await world.accept(user=2)
    await world.accept(user=2, channel=CHANNEL + 1)

    assert (refused.value.level, refused.value.available) == ("channel", credits("3"))
    caps = (await world.standings.member(guild_id=GUILD, user_id=1, role_ids=())).caps
    assert {one: (line.limit, line.held) for one, line in caps.items()} == {CHANNEL: (credits("12"), credits("9"))}
    await set_limit(world, "channel", CHANNEL + 1, credits("0"))
    with pytest.raises(BudgetRefused):
        await world.accept(user=3, channel=CHANNEL + 1)
    await world.run_until_quiet()


async def test_a_cap_holds_whoever_asks_at_the_same_time(world: World) -> None:
    """Ten members at once, room for three clips."""
    await set_limit(world, "channel", CHANNEL, credits("27"))

    results = await asyncio.gather(*(world.accept(user=n) for n in range(1, 11)), return_exceptions=True)

    assert sum(isinstance(one, BudgetRefused) for one in results) == 7
    await world.run_until_quiet()


@pytest.mark.parametrize("scope", ["everyone", "member", "role", "channel"])
async def test_a_huge_limit_is_refused_and_a_billion_is_not(world: World, scope: str) -> None:
    """Nothing is changed by the refused one; the biggest fits the database."""
    with pytest.raises(Refused, match="amount_too_large"):
        await set_limit(world, scope, 5, Credits(10**12 + 1))

    assert await set_limit(world, scope, 5, Credits(10**12)) == ("inherit", Credits(10**12))


async def test_grants_are_bounded_in_size_and_time(world: World) -> None:
    """A thousand of the biggest still fit; one that expires in the past or in a far future is refused."""

    async def grant(amount: Credits, days: int | None) -> Credits:
        expires_at = None if days is None else world.clock.now() + timedelta(days=days)
        return await world.budgets.grant(
            guild_id=GUILD, actor_id=MO, user_id=USER, amount=amount, reason="x", expires_at=expires_at
        )

    for amount, days, code in (
        (Credits(10**12 + 1), None, "amount_too_large"),
        (Credits(0), None, "amount_zero"),
        (Credits(-5), None, "amount_zero"),
        (Credits(5), 0, "expires_past"),
        (Credits(5), 4000, "expires_far"),
    ):
        with pytest.raises(Refused, match=code):
            await grant(amount, days)
    await grant(Credits(10**12), None)

    assert await grant(Credits(10**12), 1800) == Credits(2 * 10**12)


async def test_the_overview_has_limits_use_spenders_and_suspensions(world: World) -> None:
    """Who spent most comes first; what was refunded, and what another guild spent, does not count."""
    for user, clips in ((1, 1), (2, 2), (3, 1)):
        for _ in range(clips):
            await world.accept(user=user)
            await world.run_until_quiet()
    (refunded,) = await world.queries.jobs(user_id=3)
    await world.refunds.refund(refunded.id, guild_id=GUILD, actor_id=MO, reason="sorry")
    await set_limit(world, "role", GOLD, None)
    await set_limit(world, "member", 2, credits("70"))
    await set_limit(world, "channel", CHANNEL, credits("90"))
    await world.moderation.suspend(GUILD, MO, 1, None, "spam")

    found = await world.standings.overview(GUILD)

    assert [(one.user_id, one.spent, one.jobs) for one in found.spenders] == [
        (2, credits("18"), 2),
        (1, credits("9"), 1),
    ]
    assert (found.everyone, found.is_everyone_set) == (credits("50"), False)
    assert (list(found.roles), list(found.members)) == ([(GOLD, None)], [(2, credits("70"))])
    assert found.caps[CHANNEL].limit == credits("90")
    assert [(one.user_id, one.reason) for one in found.suspensions] == [(1, "spam")]
    assert (found.pool.limit, found.pool.settled) == (None, credits("36"))
    assert (await world.standings.overview(GUILD + 5)).spenders == []


async def test_who_spent_most_is_who_paid_most(make_world: Callable[..., World]) -> None:
    """The pool's part of a cost above the hold is not the member's, nor is a clip that came after it was given up."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("10")))
    world.provider.on_submit = lambda task: setattr(task, "cost", Decimal(12))
    await world.accept(user=1)
    await world.run_until_quiet()
    late = await world.accept(user=2)
    async with world.database.begin() as connection:
        await settlement.release(connection, job_id=late.id, now=world.clock.now(), reason="given up")
        await settlement.book_late(connection, job_id=late.id, actual=credits("9"), now=world.clock.now())
    done = {"state": JobState.DELIVERED.value, "actual_milli": 9000, "finished_at": world.clock.now()}
    await world.change(late, **done)

    found = await world.standings.overview(GUILD)

    assert [(one.user_id, one.spent, one.jobs) for one in found.spenders] == [(1, credits("10"), 1)]


async def test_every_act_leaves_its_line(world: World) -> None:
    """In the audit, and for the log channel once there is one."""
    await world.moderation.change(GUILD, MO, {"log_channel_id": 7})
    await set_limit(world, "role", GOLD, None)
    await world.budgets.grant(
        guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits("5"), reason="prize", expires_at=None
    )
    await world.budgets.revoke(guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits("9"), reason="oops")

    async with world.database.read() as connection:
        lines = (await connection.execute(sa.select(tables.audit).order_by(tables.audit.c.id))).all()
        told = (await connection.execute(sa.select(tables.log_line))).all()
    assert [(line.action, line.subject, line.detail, line.reason) for line in lines[1:]] == [
        ("quota.set", f"role:{GOLD}", "inherit -> unlimited", ""),
        ("quota.grant", str(USER), "5.0", "prize"),
        ("quota.revoke", str(USER), "5.0", "oops"),
    ]
    assert len(told) == len(lines)
