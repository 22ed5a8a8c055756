"""Who is served next, and how many at once."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta

from bot.domain.jobs import RUNNING_PLACES, Job, JobState
from bot.services.breaker import SharedBreaker
from bot.services.config import MoneyRules
from bot.services.dispatch import Dispatch
from tests.services.fakes import P1
from tests.services.world import GUILD, USER, World, gather_outcomes

MakeWorld = Callable[..., World]
S = JobState
RICH = MoneyRules(member_allowance=None, guild_pool=None)


async def _running(world: World) -> list[Job]:
    found = await world.queries.jobs(limit=500)
    return [j for j in found if j.state in RUNNING_PLACES]


async def test_fifty_queued_jobs_do_not_delay_anothers_first(make_world: MakeWorld) -> None:
    """With one place only, the other member's single job is the second to be served."""
    world = make_world(rules=RICH, places={P1: 1})
    many = [await world.accept() for _ in range(50)]
    one = await world.accept(user=USER + 1)

    await world.until_state(one, S.DELIVERED)

    assert sum([await world.state(j) is S.DELIVERED for j in many]) <= 1


async def test_a_member_runs_two_at_once(make_world: MakeWorld) -> None:
    """However many places are free; each end makes room for the next."""
    world = make_world(rules=RICH, places={P1: 20})
    world.provider.auto_finish = False
    for _ in range(6):
        await world.accept()
    await world.run_for(5)
    assert len(await _running(world)) == 2

    world.provider.auto_finish = True
    await world.run_until_quiet()
    assert {j.state for j in await world.queries.jobs(limit=50)} == {S.DELIVERED}


async def test_guilds_take_turns(make_world: MakeWorld) -> None:
    """Three guilds with three jobs each and one place: every round serves each guild once."""
    world = make_world(rules=RICH, places={P1: 1})
    for guild in (3, 2, 1):
        for n in range(3):
            await world.accept(guild=guild, user=guild * 10 + n)

    await world.run_until_quiet()

    jobs = await world.queries.jobs(limit=50)
    by_task = sorted(jobs, key=lambda j: int(j.task_id.removeprefix("task")))
    rounds = [{j.guild_id for j in by_task[n : n + 3]} for n in (0, 3, 6)]
    assert rounds == [{1, 2, 3}] * 3


async def test_a_providers_places_hold_with_two_dispatchers(make_world: MakeWorld) -> None:
    """Dispatchers of several processes at the same moment hand out five places, not ten."""
    world = make_world(rules=RICH)
    for n in range(12):
        await world.accept(user=USER + n)
    others = [
        Dispatch(world.database, world.clock, breaker=world.breaker, places=world.places, cards=world.cards)
        for _ in range(4)
    ]

    given, raised = await gather_outcomes(*(d.run() for d in others))

    assert raised == []
    assert sum(given) == 5
    assert len(await _running(world)) == 5


async def test_a_probe_is_kept_for_a_job_that_may_go(make_world: MakeWorld) -> None:
    """A provider's outage is not prolonged by members who are at their caps when its probe is due."""
    world = make_world(rules=RICH, places={P1: 10})
    world.provider.auto_finish = False
    running = [await world.accept() for _ in range(2)]
    for job in running:
        await world.until_state(job, S.RUNNING)
    queued = await world.accept()
    breaker = SharedBreaker(world.database, world.clock)
    dispatch = Dispatch(world.database, world.clock, breaker=breaker, places={P1: 10}, cards=world.cards)
    await breaker.failed(P1, "key")
    world.clock.advance(60)

    before = await dispatch.run()
    await world.change(running[0], state=S.UNKNOWN.value, unknown_since=world.clock.now() - timedelta(hours=1))
    after = await dispatch.run()

    assert (before, after) == (0, 1)
    assert await world.state(queued) is S.PREPARING


async def test_a_parked_job_keeps_no_place(make_world: MakeWorld) -> None:
    """Two parked jobs of a member do not stop the third."""
    world = make_world(rules=RICH, places={P1: 2})
    world.provider.auto_finish = False
    parked = [await world.accept() for _ in range(2)]
    await world.run_for(5)
    for job in parked:
        await world.change(job, parked_reason="poison")
    world.provider.auto_finish = True

    third = await world.accept()
    delivered = await world.until_state(third, S.DELIVERED, within_s=600)

    assert delivered.state is S.DELIVERED
    assert [(await world.job(job)).is_parked for job in parked] == [True, True]


async def test_dispatch_beside_a_cancel_tells_the_truth(make_world: MakeWorld) -> None:
    """A job cancelled at the moment its place comes is either cancelled or preparing; its history agrees."""
    world = make_world(rules=RICH)
    jobs = [await world.accept(user=USER + n) for n in range(10)]

    await asyncio.gather(
        world.dispatch.run(),
        *(world.cancellation.request(j.id, actor_id=j.user_id, guild_id=GUILD, is_moderator=False) for j in jobs),
        world.dispatch.run(),
    )

    for job in jobs:
        history = await world.queries.history(job.id)
        assert history[-1].after == await world.state(job)
        assert all(later.before == earlier.after for earlier, later in itertools.pairwise(history))
    await world.run_until_quiet()
