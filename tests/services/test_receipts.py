"""A create's answer is kept whatever happened meanwhile: without list or key nothing else ever names the task."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from bot.domain.errors import ProviderAmbiguous
from bot.domain.jobs import JobState
from bot.ports import ProviderTraits
from tests.services.fakes import FakeTask
from tests.services.world import World

S = JobState
BLIND = ProviderTraits(has_list=False, has_cancel=False, has_balance=True, has_callback=False, has_idempotency=False)


async def _another_worker(world: World) -> None:
    """Find the job's lease lapsed, as after a stall of the database, and take the job over."""
    world.clock.advance(world.timings.lease_s + 1)
    claimed, _ = await world.leases.claim(most=1)
    await world.steps.run(claimed[0])


def _meanwhile(world: World) -> Callable[[FakeTask], object]:
    """Let it happen while the first create is under way."""

    async def once(_task: FakeTask) -> None:
        world.provider.on_submit = None
        await _another_worker(world)

    return once


async def test_an_answer_after_the_lease_was_lost_still_finds_its_job(world: World) -> None:
    """Whoever took the job over thinks the answer lost, and learns the task's name from it."""
    world.provider.traits = BLIND
    world.provider.on_submit = _meanwhile(world)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1


async def test_so_does_an_unclear_answer_that_names_the_task(world: World) -> None:
    """An error that names a task all the same."""
    world.provider.traits = BLIND
    world.provider.on_submit = _meanwhile(world)
    world.provider.submit_script.append(lambda task: ProviderAmbiguous("CREDIT_DEDUCT_FAILED", task_id=task.task_id))
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1


async def test_an_answer_waits_for_a_database_that_is_away(world: World, monkeypatch) -> None:
    """A restart of the server takes some seconds; the task's name is written down after it."""
    world.provider.traits = BLIND
    back_at = None
    begin = type(world.database).begin

    @asynccontextmanager
    async def away_for_some_seconds(self: object) -> AsyncIterator[object]:
        if back_at is not None and world.clock.now() < back_at:
            raise OperationalError("begin", None, OSError())
        async with begin(self) as connection:
            yield connection

    def restart(_task: FakeTask) -> None:
        nonlocal back_at
        back_at = world.clock.now() + timedelta(seconds=6)

    monkeypatch.setattr(type(world.database), "begin", away_for_some_seconds)
    world.provider.on_submit = restart
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1
