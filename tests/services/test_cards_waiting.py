"""What a card says of a job that waits: for a place, for a moderator."""

from datetime import timedelta

import sqlalchemy as sa

from bot.db.dialect import insert_ignore
from bot.db.tables import provider_state
from bot.domain.jobs import Job, JobState
from bot.domain.rules import GuildRules, PublicPrompts
from bot.ports import CardView
from bot.services.cards import Cards
from bot.services.config import MoneyRules, Timings
from tests.services.fakes import LOST, P1
from tests.services.world import USER, World, credits
from tests.waiting import until

RICH = MoneyRules(member_allowance=None, guild_pool=None)


async def _later(world: World) -> Job:
    world.clock.advance(1)
    return await world.accept()


async def _card(world: World, job: Job) -> CardView:
    await world.cards.refresh(job.id)
    return world.messenger.cards[-1]


async def test_a_job_with_a_free_place_expects_no_wait(make_world) -> None:
    """Nothing is ahead of it."""
    world = make_world(rules=RICH, places={P1: 2})

    assert (await _card(world, await world.accept())).note is None


async def test_a_members_third_job_waits_for_the_first(make_world) -> None:
    """Two run at a time for each member; jobs last two minutes where nothing is known."""
    world = make_world(rules=RICH, places={P1: 10})
    jobs = [await _later(world) for _ in range(5)]
    await world.dispatch.run()

    third, fifth = await _card(world, jobs[2]), await _card(world, jobs[4])

    now = world.clock.now()
    assert (third.note, third.note_params) == ("starts", {"at": now + timedelta(seconds=120)})
    assert fifth.note_params == {"at": now + timedelta(seconds=240)}


async def test_fifty_queued_jobs_of_one_member_delay_anothers_first_by_one_turn(make_world) -> None:
    """The card of the other's first job expects the next free place, not the fifty-first."""
    world = make_world(rules=RICH, places={P1: 1})
    for _ in range(50):
        await world.accept()
    await world.dispatch.run()
    other = await world.accept(user=USER + 1)

    card = await _card(world, other)

    assert card.note_params == {"at": world.clock.now() + timedelta(seconds=240)}


async def test_the_expected_start_goes_by_the_places_that_the_provider_really_has(make_world) -> None:
    """Four are configured; the provider was found to have one."""
    world = make_world(rules=RICH, places={P1: 4})
    await world.accept(user=USER + 1)
    await world.dispatch.run()
    job = await _later(world)
    assert (await _card(world, job)).note is None

    async with world.database.begin() as connection:
        await insert_ignore(connection, provider_state, {"provider": P1})
        learned = {"learned_places": 1, "learned_at": world.clock.now()}
        await connection.execute(sa.update(provider_state).values(**learned))

    assert (await _card(world, job)).note_params == {"at": world.clock.now() + timedelta(seconds=120)}


def _cards(world: World) -> Cards:
    world.clock.is_frozen = True
    return Cards(
        world.database,
        world.clock,
        messenger=world.messenger,
        breaker=world.breaker,
        places=world.places,
        cancellable=world.cancellable,
        timings=world.timings,
        passing_s=2.0,
    )


async def test_a_state_that_soon_passes_is_not_drawn(make_world) -> None:
    """The task was created within two seconds: one edit says that it runs."""
    world = make_world(rules=RICH)
    job, cards = await world.accept(), _cards(world)
    await world.change(job, state="preparing")
    cards.touch(job.id, JobState.PREPARING)
    await until(lambda: bool(world.clock.slept))
    await world.change(job, state="running")
    cards.touch(job.id, JobState.RUNNING)
    await cards.stop()

    assert [card.job.state for card in world.messenger.cards] == [JobState.RUNNING]


async def test_a_state_that_lasts_is_drawn(make_world) -> None:
    """Uploading references takes long: after two seconds the card says so, and at the latest when the bot stops."""
    world = make_world(rules=RICH)
    jobs, cards = [await world.accept(), await world.accept()], _cards(world)
    for job in jobs:
        await world.change(job, state="preparing")
    cards.touch(jobs[0].id, JobState.PREPARING)
    await until(lambda: bool(world.clock.slept))
    world.clock.advance(2.0)
    await until(lambda: bool(world.messenger.cards))
    cards.touch(jobs[1].id, JobState.PREPARING)
    await cards.stop()

    assert [(card.job.id, card.job.state) for card in world.messenger.cards] == [
        (job.id, JobState.PREPARING) for job in jobs
    ]


async def test_a_job_before_a_moderator_says_when_it_lapses(make_world) -> None:
    """A day after it began to wait."""
    world = make_world(guild_rules=GuildRules(confirm_over=None, approve_over=credits("5")))
    job = await world.accept()

    card = await _card(world, job)

    assert (card.note, card.note_params) == ("lapses", {"at": job.updated_at + timedelta(days=1)})


async def test_the_card_knows_how_prompts_are_shown(make_world) -> None:
    """As the server wants it at that moment."""
    world = make_world(guild_rules=GuildRules(confirm_over=None, public_prompts=PublicPrompts.SPOILER))
    job = await world.accept()
    before = await _card(world, job)
    await world.set_rules(public_prompts=PublicPrompts.NO)

    assert before.prompt_shown is PublicPrompts.SPOILER
    assert (await _card(world, job)).prompt_shown is PublicPrompts.NO


async def test_a_job_in_doubt_says_how_long_its_credits_are_held(make_world) -> None:
    """The moment follows the deadline that the operator set."""
    world = make_world(timings=Timings(unknown_deadline_s=7200))
    world.provider.submit_script.append(LOST)
    job = await world.accept(seed=42)
    doubted = await world.until_state(job, JobState.UNKNOWN)
    card = await _card(world, job)

    assert (card.note, card.note_params) == ("held_until", {"at": doubted.unknown_since + timedelta(hours=2)})
