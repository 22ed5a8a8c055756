"""Accepting under concurrency: no number of commands at once takes a budget beyond its limit."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.discord.sentences import budget_refusal
from bot.discord.words import Words
from bot.domain.budgets import Level
from bot.domain.catalog import Catalog
from bot.domain.errors import BudgetRefused, Refused
from bot.domain.jobs import JobState
from bot.domain.money import ZERO, Credits
from bot.domain.rules import GuildRules
from bot.i18n import Catalogue
from bot.services.config import MoneyRules
from tests.services.fakes import P1
from tests.services.world import GUILD, USER, World, accounts, credits, gather_outcomes

MakeWorld = Callable[..., World]
THREE = credits("27")
P2 = "seedance2ai"


def _limited(level: Level) -> MoneyRules:
    known: dict = {"home_guild_id": GUILD, "member_allowance": None}
    match level:
        case Level.INSTANCE:
            known["instance_daily"] = THREE
        case Level.PROVIDER:
            known["provider_daily"] = {P1: THREE}
        case Level.POOL:
            known |= {"home_guild_id": None, "guild_pool": THREE}
        case _:
            known["member_allowance"] = THREE
    return MoneyRules(**known)


async def _held(world: World, level: Level) -> Credits:
    return sum((a.held for a in await accounts(world.database) if a.level is level), ZERO)


@pytest.mark.parametrize("level", [Level.ALLOWANCE, Level.POOL, Level.PROVIDER, Level.INSTANCE])
async def test_twenty_at_once_with_budget_for_three(make_world: MakeWorld, level: Level) -> None:
    """Three are accepted; seventeen are refused by the level with what is left, when it frees and what would fit."""
    world = make_world(rules=_limited(level))

    accepted, refused = await gather_outcomes(*(world.accept(f"boat {n}") for n in range(20)))

    assert (len(accepted), len(refused)) == (3, 17)
    for refusal in refused:
        assert isinstance(refusal, BudgetRefused)
        assert (refusal.level, refusal.available, refusal.needed) == (level.value, ZERO, credits("9"))
        assert refusal.limit == THREE
        assert refusal.frees_at is not None
        assert refusal.frees_at > world.clock.now()
        assert refusal.cheaper is None  # nothing at all is left
    for every in (Level.INSTANCE, Level.PROVIDER, Level.POOL, Level.ALLOWANCE):
        assert await _held(world, every) == THREE
    assert len(await world.queries.jobs(user_id=USER)) == 3


async def test_a_refusal_names_the_cheapest_variant_that_fits(make_world: MakeWorld) -> None:
    """With 5 credits left, the same five seconds in 480p on the fast model are offered for 3.6."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("5")))

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    cheaper = caught.value.cheaper
    assert caught.value.available == credits("5")
    assert cheaper is not None
    assert (cheaper.model, cheaper.resolution, cheaper.duration_s) == ("seedance2-movie/seedance-2.0-fast", "480p", 5)
    assert cheaper.cost == credits("3.6")


async def test_the_cheaper_variant_fits_every_level(make_world: MakeWorld) -> None:
    """A pool with 8 credits refuses, but the member has 3 only: what is offered costs at most 3."""
    rules = MoneyRules(guild_pool=credits("8"), member_allowance=credits("3"))
    world = make_world(rules=rules)

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    assert caught.value.level == "pool"
    assert caught.value.cheaper is not None
    assert caught.value.cheaper.cost <= credits("3")
    request = caught.value.cheaper
    await world.accept(model=request.model, resolution=request.resolution, duration_s=request.duration_s)


@pytest.mark.parametrize(
    ("daily", "pool", "offered"),
    [
        ({P1: "2"}, "100", "seedance2ai/seedance2-mini"),
        ({P1: "2", P2: "1"}, "100", None),
        ({P2: "1"}, "5", "seedance2-movie/seedance-2.0-fast"),
        ({P2: "0"}, "5", "seedance2-movie/seedance-2.0-fast"),
    ],
)
async def test_each_model_is_offered_by_what_its_own_provider_has_left(
    make_world: MakeWorld, daily: dict[str, str], pool: str, offered: str | None
) -> None:
    """One provider's day that is used up neither hides another's models nor has its own offered."""
    catalog = Catalog.build(providers=[P1, P2], rates={P1: Decimal(1), P2: Decimal("0.1")})
    limits = {provider: credits(amount) for provider, amount in daily.items()}
    rules = MoneyRules(member_allowance=None, guild_pool=credits(pool), provider_daily=limits)
    world = make_world(offered=catalog, rules=rules)

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    found = caught.value.cheaper
    assert (None if found is None else found.model) == offered
    if found is not None:
        await world.accept(model=found.model, resolution=found.resolution, duration_s=found.duration_s)


async def test_what_is_offered_fits_a_limit_that_was_just_lowered(world: World) -> None:
    """A moderator lowers the allowance to 5: the refusal and its offer go by the new limit at once."""
    await world.accept(duration_s=4, resolution="480p", model="seedance2-movie/seedance-2.0-fast")
    await world.budgets.set_limit(guild_id=GUILD, actor_id=1, scope="everyone", subject=0, credits=credits("5"))

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    assert (caught.value.available, caught.value.cheaper) == (credits("2.12"), None)


async def test_a_wallet_without_allowance_is_offered_what_it_can_pay(make_world: MakeWorld) -> None:
    """No allowance, 5 credits granted: a 9 credit clip is refused with the 3.6 credit variant."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=ZERO))
    await world.budgets.grant(
        guild_id=GUILD, actor_id=1, user_id=USER, amount=credits("5"), reason="prize", expires_at=None
    )

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    assert caught.value.available == credits("5")
    assert caught.value.cheaper is not None
    assert caught.value.cheaper.cost == credits("3.6")


async def test_a_pool_of_zero_refuses_whatever_the_cost(make_world: MakeWorld) -> None:
    """A stranger's guild can spend nothing; nothing frees by itself and nothing cheaper is offered."""
    world = make_world(rules=MoneyRules())

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    error = caught.value
    assert (error.level, error.limit, error.available) == ("pool", ZERO, ZERO)
    assert (error.frees_at, error.cheaper, error.guild_id) == (None, None, GUILD)
    assert await world.queries.jobs(user_id=USER) == []


@pytest.mark.parametrize("limit", ["100", "0"])
async def test_the_command_shown_for_an_empty_pool_opens_it(make_world: MakeWorld, limit: str) -> None:
    """Also where more than that was used before the operator lowered the limit."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=None))
    for _ in range(12):
        await world.accept()
    await world.budgets.set_pool(guild_id=GUILD, actor="operator", limit=credits(limit))
    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    shown = budget_refusal(caught.value, Words(Catalogue.load(), "en"))
    command = re.search(rf"`python -m bot pool --guild {GUILD} --credits (\d+)`", shown)

    assert command is not None
    await world.budgets.set_pool(guild_id=GUILD, actor="operator", limit=credits(command[1]))
    await world.accept()


async def test_an_operators_guild_and_the_home_guild_start_unlimited(make_world: MakeWorld) -> None:
    """Guilds owned by an operator spend without a pool limit, until the operator sets one."""
    world = make_world(rules=MoneyRules(operator_ids=frozenset({999})))
    await world.accept()

    await world.budgets.set_pool(guild_id=GUILD, actor="operator", limit=credits("10"))

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()
    assert (caught.value.level, caught.value.available) == ("pool", credits("1"))


async def test_allowance_pays_first_then_the_wallet_that_expires_first(make_world: MakeWorld) -> None:
    """20 credits of allowance and two grants of 10 carry four clips at once, and the sums are exact."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("20")))
    soon = world.clock.now() + timedelta(days=2)
    for expires_at in (None, soon):
        await world.budgets.grant(
            guild_id=GUILD, actor_id=1, user_id=USER, amount=credits("10"), reason="x", expires_at=expires_at
        )

    accepted, refused = await gather_outcomes(*(world.accept() for _ in range(10)))

    assert (len(accepted), len(refused)) == (4, 6)
    assert {r.available for r in refused if isinstance(r, BudgetRefused)} == {credits("4")}
    assert await _held(world, Level.ALLOWANCE) == credits("20")
    never, first = [a for a in await accounts(world.database) if a.level is Level.WALLET]
    assert (never.held, first.held) == (credits("6"), credits("10"))


async def test_the_queued_cap_holds_under_concurrency(make_world: MakeWorld) -> None:
    """Of thirty commands at once with money for all, ten queue; the rest name the cap and hold nothing."""
    ten = GuildRules(confirm_over=None)
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=None), guild_rules=ten)

    accepted, refused = await gather_outcomes(*(world.accept() for _ in range(30)))

    assert len(accepted) == 10
    assert {(type(r), r.code, r.params["cap"]) for r in refused} == {(Refused, "queued_cap", 10)}
    assert await _held(world, Level.ALLOWANCE) == credits("90")


async def test_many_members_share_one_pool(make_world: MakeWorld) -> None:
    """Twenty members at once on a pool for three: three are accepted."""
    world = make_world(rules=MoneyRules(guild_pool=THREE))

    accepted, refused = await gather_outcomes(*(world.accept(user=USER + n) for n in range(20)))

    assert (len(accepted), len(refused)) == (3, 17)
    assert {r.level for r in refused} == {"pool"}
    assert await _held(world, Level.POOL) == THREE
    assert await _held(world, Level.ALLOWANCE) == THREE


async def test_accepting_settling_and_changing_limits_at_once_never_deadlocks(make_world: MakeWorld) -> None:
    """Commands, limits, grants and finishing jobs of one member at the same moment all succeed."""
    rules = MoneyRules(home_guild_id=GUILD, member_allowance=credits("1"))
    many = GuildRules(confirm_over=None, queued_cap=500, running_cap=50)
    world = make_world(rules=rules, guild_rules=many)
    world.provider.auto_finish = False
    await world.budgets.grant(
        guild_id=GUILD, actor_id=1, user_id=USER, amount=credits("5000"), reason="x", expires_at=None
    )
    world.places = {P1: 50}
    world.restart()
    for _ in range(12):
        await world.accept()
    await world.run_for(1)
    for round_number in range(4):
        running = [j for j in await world.queries.jobs(user_id=USER, limit=100) if j.state is JobState.RUNNING][:3]
        world.provider.auto_finish = True
        world.clock.advance(60)
        claimed, _ = await world.leases.claim(most=3)
        limit = credits(str(2 + round_number))

        _, raised = await gather_outcomes(
            *(world.steps.status.check(held) for held in claimed),
            *(world.accept() for _ in range(6)),
            world.budgets.set_limit(guild_id=GUILD, actor_id=1, scope="member", subject=USER, credits=limit),
            world.budgets.set_pool(guild_id=GUILD, actor="operator", limit=credits(str(5000 + round_number))),
            *(world.accept() for _ in range(3)),
        )

        assert running
        assert raised == []


async def test_another_guild_or_member_is_not_touched(world: World) -> None:
    """A member's empty allowance says nothing about another member, nor about the same one elsewhere."""
    for _ in range(5):
        await world.accept()

    with pytest.raises(BudgetRefused):
        await world.accept()

    await world.accept(user=USER + 1)
    await world.budgets.set_pool(guild_id=2, actor="operator", limit=None)
    await world.accept(guild=2)


async def test_a_full_disk_refuses_before_anything_is_held(world: World) -> None:
    """No room: refused, nothing stored, nothing held."""
    world.intake.room = 0

    with pytest.raises(Refused, match="storage_full"):
        await world.accept()

    assert await _held(world, Level.ALLOWANCE) == ZERO


async def test_a_new_period_brings_the_allowance_back(world: World) -> None:
    """Next week the member may spend again; last week's holds stay on last week's row."""
    first = [await world.accept() for _ in range(5)]
    ends_at = (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.ends_at
    assert ends_at is not None
    world.clock.advance((ends_at - world.clock.now()).total_seconds())
    await world.accept()

    old, new = [a for a in await accounts(world.database) if a.level is Level.ALLOWANCE]
    assert (old.held, new.held) == (credits("45"), credits("9"))

    await world.run_until_quiet()

    old, new = [a for a in await accounts(world.database) if a.level is Level.ALLOWANCE]
    assert (old.settled, new.settled) == (credits("45"), credits("9"))
    assert await world.state(first[0]) is JobState.DELIVERED


async def test_the_refusal_frees_at_the_end_of_the_guilds_own_week(make_world: MakeWorld) -> None:
    """In Tokyo with weeks from Sunday the allowance frees at Saturday's midnight there."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("1")))
    from bot.db import guilds

    async with world.database.begin() as connection:
        await guilds.save(connection, GUILD, zone="Asia/Tokyo", week_start=6)

    with pytest.raises(BudgetRefused) as caught:
        await world.accept()

    assert caught.value.frees_at is not None
    local = caught.value.frees_at.astimezone(UTC) + timedelta(hours=9)
    assert (local.weekday(), local.hour, local.minute) == (6, 0, 0)
    assert isinstance(caught.value.frees_at, datetime)
