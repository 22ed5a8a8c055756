"""Cancelling in every state: what is not made is released, what is made is delivered."""

import pytest
import sqlalchemy as sa

from bot.db import guilds
from bot.db.tables import audit
from bot.domain.errors import NotFound, ProviderAmbiguous, ProviderBusy
from bot.domain.jobs import Job, JobState, TaskState
from bot.domain.money import ZERO
from bot.ports import ProviderTraits
from bot.services.cancellation import CancelOutcome
from bot.services.config import MoneyRules
from tests.services.fakes import LOST
from tests.services.world import GUILD, USER, World, credits

S = JobState
NINE = credits("9")


async def _cancel(world: World, job: Job, **values: object) -> CancelOutcome:
    known: dict = {"actor_id": USER, "guild_id": GUILD, "is_moderator": False} | values
    return await world.cancellation.request(job.id, **known)


async def _is_released(world: World, job: Job) -> None:
    assert (await world.entries(job))["allowance", "release"] == NINE
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == ZERO


async def test_queued_is_cancelled_at_once(world: World) -> None:
    """Nothing reaches the provider; a second cancel is too late."""
    job = await world.accept()

    assert await _cancel(world, job) is CancelOutcome.CANCELLED
    assert await _cancel(world, job) is CancelOutcome.TOO_LATE
    await world.run_until_quiet()

    assert await world.state(job) is S.CANCELLED
    assert world.provider.creates == []
    await _is_released(world, job)


async def test_preparing_is_cancelled_before_the_create(world: World) -> None:
    """The request is read in the very transaction that would send the create."""
    job = await world.accept()
    await world.dispatch.run()
    claimed, _ = await world.leases.claim(most=1)

    assert await _cancel(world, job) is CancelOutcome.REQUESTED
    await world.work(claimed[0])

    assert await world.state(job) is S.CANCELLED
    assert world.provider.creates == []
    await _is_released(world, job)


async def test_submitting_is_cancelled_at_the_provider_at_once(world: World) -> None:
    """Asked while the create is under way: the provider is asked to cancel with the very next step."""
    world.links.has_callbacks = True
    job = await world.accept()
    world.provider.auto_finish = False
    world.provider.on_submit = lambda _task: _cancel(world, job)

    await world.turn()
    await world.run_for(10)

    assert await world.state(job) is S.CANCELLED
    assert world.provider.cancels == ["task1"]
    await _is_released(world, job)


async def test_submitting_that_was_not_taken(world: World) -> None:
    """A busy answer to the create of a cancelled job ends it instead of queueing it again."""
    job = await world.accept()

    async def cancel_then_busy() -> None:
        await _cancel(world, job)

    world.provider.submit_script.append(ProviderBusy("SERVICE_BUSY"))
    await world.dispatch.run()
    claimed, _ = await world.leases.claim(most=1)
    original = world.provider.submit

    async def submit(submission):
        await cancel_then_busy()
        return await original(submission)

    world.provider.submit = submit
    await world.work(claimed[0])

    assert await world.state(job) is S.CANCELLED
    await _is_released(world, job)


async def test_unknown_with_a_task_is_adopted_and_cancelled(world: World) -> None:
    """The lost create's task is found, cancelled at the provider, and released."""
    world.provider.submit_script.append(LOST)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)

    assert await _cancel(world, job) is CancelOutcome.REQUESTED
    await world.run_for(30)

    assert await world.state(job) is S.CANCELLED
    assert world.provider.cancels == ["task1"]
    await _is_released(world, job)


async def test_unknown_without_a_task_waits_for_the_proof(world: World) -> None:
    """Released only once the provider's record proves that there is nothing; never sent again."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)

    await _cancel(world, job)
    await world.run_for(30)
    assert await world.state(job) is S.UNKNOWN
    await world.run_for(120)

    assert await world.state(job) is S.CANCELLED
    assert len(world.provider.creates) == 1
    await _is_released(world, job)


async def test_a_cancel_during_the_last_search_is_not_overtaken_by_a_new_create(world: World) -> None:
    """Asked while the second search runs: no create is sent after it."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)
    await world.turn()
    world.provider.on_search = lambda: _cancel(world, job)

    await world.run_for(120)

    assert await world.state(job) is S.CANCELLED
    assert len(world.provider.creates) == 1


async def test_running_is_cancelled_at_the_provider(world: World) -> None:
    """The provider is asked once; its answer ends the job."""
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)

    assert await _cancel(world, job) is CancelOutcome.REQUESTED
    await world.turn()

    assert await world.state(job) is S.CANCELLED
    assert world.provider.cancels == ["task1"]
    await _is_released(world, job)
    await world.run_until_quiet()
    assert (await world.job(job)).watch_until is None


async def test_a_cancelled_task_that_completes_anyway_is_delivered_free(world: World) -> None:
    """The provider said cancelled and charged all the same: the member gets the clip and pays nothing."""
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    world.provider.cancel_script.append("but completes")
    await _cancel(world, job)
    await world.turn()
    assert await world.state(job) is S.CANCELLED

    world.provider.tasks["task1"].state = TaskState.SUCCEEDED
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.messenger.of(job)) == 1
    entries = await world.entries(job)
    assert entries["pool", "overrun"] == NINE
    assert ("allowance", "settle") not in entries


async def test_a_task_that_can_no_longer_be_cancelled_is_delivered(world: World) -> None:
    """`TASK_CANCEL_NOT_ALLOWED`: the clip comes and is paid for."""
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    world.provider.auto_finish = True
    world.provider.cancel_script.append("refused")

    await _cancel(world, job)
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["allowance", "settle"] == NINE


async def test_a_cancel_whose_answer_fails_is_asked_again(world: World) -> None:
    """An error of the cancel address is tried again until the provider answers."""
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    world.provider.cancel_script.append(ProviderAmbiguous("http_500"))

    await _cancel(world, job)
    await world.run_for(60)

    assert await world.state(job) is S.CANCELLED
    assert len(world.provider.cancels) == 2


@pytest.mark.parametrize("error", [ProviderBusy("INTERNAL_ERROR"), ProviderAmbiguous("timeout")])
async def test_a_dead_cancel_address_does_not_hide_the_clip(world: World, error: Exception) -> None:
    """However long cancelling fails, the task is asked for too: what it makes is delivered."""
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    world.provider.auto_finish = True
    world.provider.cancel_script.extend([error] * 1000)

    await _cancel(world, job)
    await world.run_for(60)

    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["allowance", "settle"] == NINE


@pytest.mark.parametrize("state", [S.FETCHING, S.DELIVERING])
async def test_a_clip_that_is_made_is_not_cancelled(world: World, state: JobState) -> None:
    """Too late: it is delivered."""
    job = await world.accept()
    seen: list[CancelOutcome] = []
    point = {S.FETCHING: "fetch", S.DELIVERING: "post"}[state]
    original = {S.FETCHING: world.workshop.fetch_clip, S.DELIVERING: world.messenger.post_clip}[state]

    async def strike(*args, **values):
        assert await world.state(job) is state, point
        seen.append(await _cancel(world, job))
        return await original(*args, **values)

    if state is S.FETCHING:
        world.workshop.fetch_clip = strike
    else:
        world.messenger.post_clip = strike
    await world.run_until_quiet()

    assert seen == [CancelOutcome.TOO_LATE]
    assert await world.state(job) is S.DELIVERED


async def test_who_may_cancel(world: World) -> None:
    """The requester anywhere, a moderator in the guild; nobody else, and never across guilds."""
    job = await world.accept()

    for values in (
        {"actor_id": USER + 1},
        {"actor_id": USER + 1, "guild_id": None, "is_moderator": True},
        {"actor_id": USER, "guild_id": 2},
        {"actor_id": USER + 1, "guild_id": 2, "is_moderator": True},
    ):
        with pytest.raises(NotFound):
            await _cancel(world, job, **values)
    assert await _cancel(world, job, actor_id=USER + 1, is_moderator=True) is CancelOutcome.CANCELLED


async def test_the_bot_removed_from_a_guild(world: World) -> None:
    """Waiting jobs are cancelled and released; a running one finishes."""
    running = await world.accept()
    await world.until_state(running, S.RUNNING)
    waiting = await world.accept()

    await world.guilds.removed(GUILD)
    await world.run_until_quiet()

    assert await world.state(waiting) is S.CANCELLED
    assert await world.state(running) is S.DELIVERED


async def test_a_removal_while_the_bot_was_away_is_noted_at_its_start(make_world) -> None:
    """The waiting job is cancelled; in a server that the bot is still in, nothing is."""
    world = make_world(rules=MoneyRules(guild_pool=None))
    gone, here = await world.accept(), await world.accept(guild=GUILD + 1)

    await world.guilds.compare(lambda guild_id: guild_id == GUILD)

    assert [await world.state(job) for job in (gone, here)] == [S.CANCELLED, S.QUEUED]


async def test_a_removal_that_a_kill_cut_short_is_finished(world: World) -> None:
    """The server was noted as left, and a job of it waited on."""
    job = await world.accept()
    async with world.database.begin() as connection:
        await guilds.save(connection, GUILD, removed_at=world.clock.now())

    await world.guilds.compare(lambda _guild_id: False)

    assert await world.state(job) is S.CANCELLED


async def test_a_provider_that_cannot_cancel_is_said_so(make_world) -> None:
    """Once it has the task the clip comes all the same; before that, cancelling works as everywhere."""
    world = make_world(cancellable=frozenset())
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)

    assert await _cancel(world, job) is CancelOutcome.CANNOT

    assert (await world.job(job)).cancel_requested_at is None
    assert await _cancel(world, await world.accept()) is CancelOutcome.CANCELLED


async def test_the_audit_has_what_a_moderator_really_stopped(make_world) -> None:
    """Once, however often they press; not what nobody can stop."""
    world = make_world(cancellable=frozenset())
    world.provider.auto_finish = False
    running = await world.accept()
    await world.until_state(running, S.RUNNING)
    waiting = await world.accept()

    for job in (running, waiting, waiting):
        await _cancel(world, job, actor_id=USER + 1, is_moderator=True)

    async with world.database.read() as connection:
        lines = (await connection.execute(sa.select(audit.c.action, audit.c.subject))).all()
    assert lines == [("job.cancel", waiting.id)]


async def test_doubt_at_a_provider_that_cannot_cancel_is_said_so(make_world) -> None:
    """Nobody there is asked to stop, so nobody is told that."""
    world = make_world(cancellable=frozenset())
    world.provider.traits = ProviderTraits(
        has_list=False, has_cancel=False, has_balance=True, has_callback=False, has_idempotency=False
    )
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)

    assert await _cancel(world, job) is CancelOutcome.IN_DOUBT
    assert (await world.job(job)).cancel_requested_at is None


async def test_a_cancel_that_came_too_late_for_such_a_provider_is_told_on_the_card(make_world) -> None:
    """Asked for while the create was under way, and taken all the same."""
    world = make_world(cancellable=frozenset())
    world.provider.auto_finish = False
    world.provider.traits = ProviderTraits(
        has_list=False, has_cancel=False, has_balance=False, has_callback=False, has_idempotency=True
    )
    job = await world.accept()
    world.provider.on_submit = lambda _task: _cancel(world, job)
    await world.until_state(job, S.RUNNING)

    await world.cards.refresh(job.id)

    assert world.messenger.cards[-1].note == "cannot_cancel"
