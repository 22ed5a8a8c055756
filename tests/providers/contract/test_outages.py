"""Outages of a provider where a create in doubt can never be cleared up: as few jobs as can be get into doubt."""

from pathlib import Path

from bot.domain.jobs import Job, JobState
from bot.services.breaker import SharedBreaker
from tests.providers.contract.jobs import JobWorld, job_world
from tests.providers.contract.rigs import TV
from tests.services.world import USER

S = JobState


async def crowd(world: JobWorld, *, apart_s: float = 0) -> list[Job]:
    """Eight members ask for a clip each, and the breaker is the one that the bot really has."""
    world.breaker = SharedBreaker(world.database, world.clock)  # type: ignore[assignment]
    world.restart()
    jobs = []
    for number in range(8):
        jobs.append(await world.accept(user=USER + number))
        await world.run_for(apart_s)
    return jobs


async def states(world: JobWorld, jobs: list[Job]) -> list[JobState]:
    """Where the jobs stand, in the order of the words."""
    return sorted([await world.state(job) for job in jobs])


async def test_a_provider_that_is_down_leaves_one_create_in_doubt(sqlite_url: str, tmp_path: Path) -> None:
    """After it the account is asked for first; the other jobs wait until it answers, and the operator is told."""
    async with job_world(TV, sqlite_url, tmp_path) as world:
        for route in ("submit", "status", "balance"):
            world.rig.emulator.faults.add(route, "html", status=502, times=None)
        jobs = await crowd(world)
        await world.run_for(300)
        before, during = await states(world, jobs), await world.breaker.state(TV)
        world.rig.emulator.faults.clear()
        await world.run_for(1200)

        assert world.rig.arrivals() == 1 + 7
        assert before == [S.QUEUED] * 7 + [S.UNKNOWN]
        assert during.reason == "outage"
        assert await states(world, jobs) == [S.DELIVERED] * 7 + [S.UNKNOWN]


async def test_creates_that_fail_alone_stop_after_the_third(sqlite_url: str, tmp_path: Path) -> None:
    """The account answers, so that only creates show the outage: each of those is lost, and counts for two."""
    async with job_world(TV, sqlite_url, tmp_path) as world:
        world.rig.emulator.faults.add("submit", "html", status=503, times=None)
        jobs = await crowd(world, apart_s=2)

        assert world.rig.arrivals() == 3
        assert (await world.breaker.state(TV)).reason == "outage"
        assert await states(world, jobs) == [S.QUEUED] * 5 + [S.UNKNOWN] * 3
