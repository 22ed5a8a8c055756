"""Quotes: nothing is held until the member confirms, and then at the quoted price under the rules of now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import BudgetRefused, NotFound, Refused
from bot.domain.jobs import CardTarget, Job, JobState
from bot.domain.money import ZERO
from bot.domain.rules import GuildRules
from bot.services.config import MoneyRules
from tests.services.world import GUILD, OWNER, USER, World, credits, gather_outcomes

S = JobState
ASKS_ABOVE_FIVE = GuildRules(confirm_over=credits("5"))


@pytest.fixture
def world(make_world) -> World:
    """A server that wants every job over five credits confirmed; the usual clip costs nine."""
    return make_world(guild_rules=ASKS_ABOVE_FIVE)


async def _held(world: World) -> object:
    return (await world.queries.balance(guild_id=GUILD, user_id=USER)).held


async def _confirm(world: World, job: Job, **values: object) -> Job:
    return await world.quotes.confirm(world.requester(**values), job.id)


async def test_a_quote_holds_nothing_and_runs_nothing(world: World) -> None:
    """The job is there, quoted, without card and hold; no worker sends it anywhere."""
    job = await world.accept()
    await world.turn()

    assert (job.state, job.quote, job.card) == (S.QUOTED, credits("9"), None)
    assert await _held(world) == ZERO
    assert world.provider.creates == []


async def test_at_the_threshold_no_quote_is_asked_for(make_world) -> None:
    """Over means over."""
    world = make_world(guild_rules=GuildRules(confirm_over=credits("9")))

    assert (await world.accept()).state is S.QUEUED


async def test_confirming_holds_the_quoted_price_and_shows_the_card_where_it_was_pressed(world: World) -> None:
    """The card belongs to the press, not to the command; the clip is delivered and charged once."""
    job = await world.accept()
    card = CardTarget(1, "of the press", world.clock.now() + timedelta(seconds=900), 10, message_id=78)

    confirmed = await _confirm(world, job, card=card)
    await world.run_until_quiet()

    assert (confirmed.state, confirmed.card) == (S.QUEUED, card)
    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["allowance", "settle"] == credits("9")


async def test_thirty_presses_confirm_once(world: World) -> None:
    """Whoever comes second is told that it was answered; nine credits are held, not more."""
    job = await world.accept()

    accepted, refused = await gather_outcomes(*(_confirm(world, job) for _ in range(30)))

    assert len(accepted) == 1
    assert {(type(r), r.code) for r in refused} == {(Refused, "quote_taken")}
    assert await _held(world) == credits("9")


async def test_confirm_and_decline_at_once_do_one_of_them(world: World) -> None:
    """Either it is queued and holds, or it is cancelled and holds nothing."""
    job = await world.accept()

    done, refused = await gather_outcomes(
        _confirm(world, job), world.quotes.decline(job.id, user_id=USER, guild_id=GUILD)
    )

    state = await world.state(job)
    assert (len(done), len(refused)) == (1, 1)
    assert await _held(world) == (credits("9") if state is S.QUEUED else ZERO)


async def test_a_quote_lapses_after_its_time(world: World) -> None:
    """After fifteen minutes it can no longer be confirmed, whether a worker has come by or not."""
    job = await world.accept()
    world.clock.advance(900)

    with pytest.raises(Refused, match="quote_lapsed"):
        await _confirm(world, job)
    await world.run_until_quiet()
    with pytest.raises(Refused, match="quote_lapsed"):
        await _confirm(world, job)

    assert await world.state(job) is S.EXPIRED
    assert await _held(world) == ZERO


async def test_a_channel_that_is_not_age_restricted_any_more_counts_at_the_press(world: World) -> None:
    """The press says what the channel is now, and a later approval goes by it."""
    await world.settle_in()
    await world.set_rules(restricted_models=frozenset({"seedance2-movie/seedance-2.0"}))
    job = await world.accept(is_age_restricted=True)

    with pytest.raises(Refused, match="age_restricted"):
        await _confirm(world, job, is_age_restricted=False)
    assert (await _confirm(world, job, is_age_restricted=True)).state is S.QUEUED


async def test_a_quote_survives_a_restart(world: World) -> None:
    """Its button works on the next start of the bot."""
    job = await world.accept()
    world.restart()

    assert (await _confirm(world, job)).state is S.QUEUED


@pytest.mark.parametrize("who", [{"user": USER + 1}, {"guild": GUILD + 1}])
async def test_nobody_else_confirms_or_declines(world: World, who: dict[str, int]) -> None:
    """To others, and in other servers, the job does not exist."""
    job = await world.accept()

    with pytest.raises(NotFound):
        await _confirm(world, job, **who)
    with pytest.raises(NotFound):
        await world.quotes.decline(job.id, user_id=who.get("user", USER), guild_id=who.get("guild", GUILD))

    assert await world.state(job) is S.QUOTED


async def test_rules_of_now_hold_at_confirmation(world: World) -> None:
    """Suspended, or a model closed since the quote: refused, nothing held, and the quote stands."""
    job = await world.accept()
    await world.set_rules(models=frozenset({"another/model"}))
    with pytest.raises(Refused, match="model_not_allowed"):
        await _confirm(world, job)
    await world.set_rules(models=frozenset())
    await world.moderation.suspend(GUILD, OWNER, USER, None, "spam")
    with pytest.raises(Refused, match="suspended"):
        await _confirm(world, job)
    await world.moderation.resume(GUILD, OWNER, USER)

    assert await _held(world) == ZERO
    assert (await _confirm(world, job)).state is S.QUEUED


async def test_what_could_not_be_held_is_refused_before_it_is_quoted(make_world) -> None:
    """Nobody is asked to confirm what their budget cannot carry."""
    rules = MoneyRules(home_guild_id=GUILD, member_allowance=credits("8"))
    world = make_world(rules=rules, guild_rules=ASKS_ABOVE_FIVE)

    with pytest.raises(BudgetRefused) as refused:
        await world.accept()

    assert refused.value.cheaper is not None
    assert await world.queries.jobs(user_id=USER) == []


async def test_credits_spent_meanwhile_refuse_the_confirmation(make_world) -> None:
    """Two quotes on credits for one: the second confirmation is refused by the budget, and can be tried again."""
    rules = MoneyRules(home_guild_id=GUILD, member_allowance=credits("10"))
    world = make_world(rules=rules, guild_rules=ASKS_ABOVE_FIVE)
    first, second = await world.accept(), await world.accept()

    accepted, refused = await gather_outcomes(_confirm(world, first), _confirm(world, second))

    assert len(accepted) == 1
    assert isinstance(refused[0], BudgetRefused)
    assert await _held(world) == credits("9")


async def test_a_member_has_at_most_five_open_quotes(world: World) -> None:
    """The oldest gives way, so that quotes cannot fill the disk with references."""
    quoted = [await _later(world) for _ in range(7)]

    states = [await world.state(job) for job in quoted]
    assert states == [S.EXPIRED, S.EXPIRED, *[S.QUOTED] * 5]


async def _later(world: World) -> Job:
    world.clock.advance(1)
    return await world.accept()


async def test_a_cancelled_quote_is_gone(world: World) -> None:
    """`/jobs cancel` and Cancel under the quote do the same."""
    first, second = await world.accept(), await world.accept()

    await world.cancellation.request(first.id, actor_id=USER, guild_id=GUILD, is_moderator=False)
    await world.quotes.decline(second.id, user_id=USER, guild_id=GUILD)

    assert [await world.state(job) for job in (first, second)] == [S.CANCELLED, S.CANCELLED]


async def test_a_confirmed_job_over_the_other_threshold_waits_for_a_moderator(make_world) -> None:
    """Both thresholds apply, one after the other; the credits are held while it waits."""
    world = make_world(guild_rules=replace(ASKS_ABOVE_FIVE, approve_over=credits("8")))
    job = await world.accept()

    confirmed = await _confirm(world, job)

    assert confirmed.state is S.AWAITING_APPROVAL
    assert await _held(world) == credits("9")
