"""The operator decides which task a job in doubt is."""

import asyncio

import pytest

from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO
from bot.services.operator import name_task
from tests.services.fakes import LOST
from tests.services.world import GUILD, USER, World, credits

S = JobState
NINE = credits("9")


async def _in_doubt(world: World, *, seed: int = 42) -> Job:
    """A job whose create's answer was lost; its seed was chosen, so that the bot adopts nothing by itself."""
    world.provider.submit_script.append(LOST)
    job = await world.accept(seed=seed)
    await world.until_state(job, S.UNKNOWN)
    return job


async def _name(world: World, job: Job, task_id: str) -> Job:
    return await name_task(world.database, world.clock, job.id, task_id=task_id)


async def test_a_named_task_is_followed_settled_and_delivered(world: World) -> None:
    """One create, one clip, nine credits."""
    job = await _in_doubt(world)

    await _name(world, job, next(iter(world.provider.tasks)))
    await world.until_state(job, S.DELIVERED)

    assert len(world.provider.creates) == len(world.messenger.of(job)) == 1
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == NINE


async def test_a_task_named_after_the_release_is_delivered_free_of_charge(world: World) -> None:
    """The hold is gone: overrun on the pool, nothing for the member."""
    job = await _in_doubt(world)
    await world.until_state(job, S.EXPIRED)

    await _name(world, job, next(iter(world.provider.tasks)))
    await world.until_state(job, S.DELIVERED)

    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == ZERO
    assert (await world.entries(job))["pool", "overrun"] == NINE


async def test_a_wrong_name_leaves_the_job_in_doubt(world: World) -> None:
    """A task that the provider does not know releases nothing and is charged nowhere."""
    job = await _in_doubt(world)

    await _name(world, job, "no-such-task")
    await world.run_for(1800)

    assert await world.state(job) is S.UNKNOWN
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == NINE


async def test_one_task_is_given_to_one_job(world: World) -> None:
    """Two jobs, one task, both named at once: one has it, the other is refused and stays as it was."""
    first, second = await _in_doubt(world), await _in_doubt(world, seed=43)
    task_id = next(iter(world.provider.tasks))

    outcomes = await asyncio.gather(_name(world, first, task_id), _name(world, second, task_id), return_exceptions=True)

    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert [(type(one), getattr(one, "code", None)) for one in refused] == [(Refused, "task_taken")]
    assert sorted([await world.state(first), await world.state(second)]) == [S.RUNNING, S.UNKNOWN]


async def test_jobs_that_need_no_name_are_left_alone(world: World) -> None:
    """One that runs has its task; one that was never sent can have none; one that does not exist is said to."""
    done = await world.accept()
    await world.until_state(done, S.DELIVERED)
    waiting = await world.accept()
    for job in (done, waiting):
        with pytest.raises(Refused) as refused:
            await _name(world, job, "any")
        assert refused.value.code == "not_unknown"
    with pytest.raises(NotFound):
        await name_task(world.database, world.clock, "NOPE", task_id="any")
