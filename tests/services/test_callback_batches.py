"""Callbacks that arrive together are stored together, and each caller still gets its own truth."""

import asyncio
import json

import sqlalchemy as sa

from bot.db.tables import callback
from bot.domain.jobs import Job, JobState
from tests.services.fakes import P1
from tests.services.world import World, gather_outcomes

MEMBERS = (501, 502, 503, 504, 505)


async def _running(world: World, user: int) -> Job:
    job = await world.accept(user=user)
    return await world.until_state(job, JobState.RUNNING)


async def _counts(world: World) -> dict[tuple[str, int], int]:
    async with world.database.read() as connection:
        rows = await connection.execute(sa.select(callback))
        return {(row.job_id, row.attempt): row.count for row in rows}


async def test_a_burst_for_many_jobs_is_stored_whole(world: World) -> None:
    """Every job of a burst is asked about, repeats and both attempts are counted, and strangers leave no row."""
    world.links.has_callbacks = True
    world.provider.auto_finish = False
    running = [await _running(world, user) for user in MEMBERS]
    notices = [(job.id, attempt) for job in running for attempt in (1, 1, 2)] + [("NOSUCHJOB000", 1)]
    _, raised = await gather_outcomes(
        *(world.callbacks.received(P1, job_id, attempt, json.dumps({}).encode()) for job_id, attempt in notices)
    )
    await world.turn()

    assert raised == []
    assert await _counts(world) == {(job.id, attempt): 3 - attempt for job in running for attempt in (1, 2)}
    assert len(world.provider.status_times) == len(MEMBERS)


async def test_a_caller_that_leaves_does_not_take_the_others_callbacks_along(world: World) -> None:
    """One client hangs up while its callback is being stored; all of the burst are stored all the same."""
    world.links.has_callbacks = True
    world.provider.auto_finish = False
    job = await _running(world, MEMBERS[0])
    leaving = asyncio.create_task(world.callbacks.received(P1, job.id, 1, b"{}"))
    staying = asyncio.create_task(world.callbacks.received(P1, job.id, 1, b"{}"))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await staying

    assert await _counts(world) == {(job.id, 1): 2}
