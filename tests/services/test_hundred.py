"""A hundred jobs on an account of 30 requests a minute, in virtual time, with the real rate budget."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.db import tables
from bot.db.engine import Database
from bot.domain.errors import ProviderBusy
from bot.domain.jobs import Job, JobState, TaskState, TaskStatus
from bot.domain.rules import GuildRules
from bot.ports import ProviderTraits, RateBudget, Receipt, Submission, Urgency
from bot.services.config import MoneyRules
from bot.services.pacing import PACED, Pacing
from tests.manual_clock import ManualClock
from tests.services.fakes import P1, FakeProvider, FakeTask
from tests.services.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
S = JobState

REQUESTS, WINDOW = 30, timedelta(seconds=60)
RENDER = timedelta(seconds=100)
STEPS_AT_ONCE = 32
LOOK_S = 1.0  # how often a worker looks when nothing wakes it
RICH = MoneyRules(member_allowance=None, guild_pool=None)
ROOMY = GuildRules(confirm_over=None, queued_cap=1000, running_cap=100)
#: No list, no callback: a task is found done by asking for it.
POLLED = ProviderTraits(
    has_list=False, has_cancel=False, has_balance=False, has_callback=False, has_idempotency=True, takes_links=True
)


@dataclass
class StrictProvider(FakeProvider):
    """Counts its requests in sliding windows, and answers 429 where there are more than 30 in 60 seconds."""

    rate: RateBudget | None = None
    requests: list[tuple[datetime, int]] = field(default_factory=list)
    refusals: int = 0

    async def _request(self, urgency: int) -> None:
        assert self.rate is not None
        try:
            await self.rate.take(self.name, urgency=urgency)
        except ProviderBusy as error:
            assert error.code == PACED
            raise
        now = self.clock.now()
        self.requests.append((now, urgency))
        if sum(at > now - WINDOW for at, _ in self.requests) > REQUESTS:
            self.refusals += 1
            raise ProviderBusy("rate_limited", retry_after_s=10)

    async def submit(self, submission: Submission) -> Receipt:
        await self._request(Urgency.SUBMIT)
        return await super().submit(submission)

    async def status(self, task_id: str) -> TaskStatus:
        await self._request(Urgency.POLL)
        task = self.tasks[task_id]
        if self.clock.now() - task.created_at >= RENDER:
            task.state = TaskState.SUCCEEDED
        return await super().status(task_id)


@pytest.fixture
def pacing(database: Database, clock: ManualClock) -> Pacing:
    """The account's rate budget, on the test's own time."""
    return Pacing(database, clock, limits={P1: (REQUESTS, WINDOW.total_seconds())}, is_clock_shared=True)


@pytest.fixture
async def hundred(make_world: MakeWorld, clock: ManualClock, pacing: Pacing) -> World:
    """A bot with a place for each of a hundred jobs."""
    await pacing.setup()
    world = make_world(rules=RICH, places={P1: 100}, guild_rules=ROOMY, rate=pacing)
    world.provider = StrictProvider(clock, traits=POLLED, auto_finish=False, rate=pacing)
    world.restart()
    return world


async def turn(world: World) -> bool:
    """What a worker does at each look: give places, and take as many steps at once as it may."""
    given = await world.dispatch.run()
    claimed, _ = await world.leases.claim(most=STEPS_AT_ONCE)
    await asyncio.gather(*(world.work(held) for held in claimed))
    return bool(given or claimed)


async def work_until(world: World, is_done: Callable[[], bool], *, within: timedelta) -> None:
    """Look again and again, a second apart where there was nothing to do."""
    until = world.clock.now() + within
    while not is_done():
        assert world.clock.now() < until, "not done in time"
        if not await turn(world):
            world.clock.advance(LOOK_S)


def all_made(provider: StrictProvider, count: int) -> Callable[[], bool]:
    return lambda: sum(task.state is TaskState.SUCCEEDED for task in provider.tasks.values()) >= count


def most_in_a_window(moments: list[datetime]) -> int:
    return max(sum(at <= other < at + WINDOW for other in moments) for at in moments)


async def turns(world: World, jobs: list[Job]) -> list[int]:
    """Say as the how-manieth of all each job was given a place."""
    e = tables.job_event
    query = sa.select(e.c.job_id).where(e.c.cause == "place given").order_by(e.c.at)
    async with world.database.read() as connection:
        order = list((await connection.execute(query)).scalars())
    assert len(order) == len(set(order))  # nobody lost a place for want of a request
    return [order.index(job.id) for job in jobs]


async def test_a_hundred_jobs_finish_in_fair_order_without_a_429(hundred: World) -> None:
    """One member's 70 jobs, two members' 20 and ten members' 10 in three guilds: every window has at most 30 requests,
    the guilds take turns, and all are delivered in about the time that 200 requests take."""
    provider = hundred.provider
    many = [await hundred.accept(guild=1, user=100) for _ in range(70)]
    some = [await hundred.accept(guild=2, user=200 + n % 2) for n in range(20)]
    few = [await hundred.accept(guild=3, user=300 + n) for n in range(10)]
    began_at = hundred.clock.now()

    await work_until(hundred, all_made(provider, 100), within=timedelta(minutes=12))
    await hundred.run_until_quiet()

    moments = [at for at, _ in provider.requests]
    assert provider.refusals == 0
    assert most_in_a_window(moments) <= REQUESTS
    assert {await hundred.state(job) for job in (*many, *some, *few)} == {S.DELIVERED}
    assert sorted(await turns(hundred, few)) == list(range(2, 32, 3))  # each guild has every third turn
    assert max(await turns(hundred, some)) < 10 * 3 + 10 * 2
    assert max([list(provider.tasks).index((await hundred.job(job)).task_id or "") for job in few]) < 2 * REQUESTS
    assert len(moments) <= 230
    assert max(moments) - began_at <= timedelta(minutes=9)


async def test_polls_do_not_keep_a_new_job_from_being_sent(hundred: World) -> None:
    """With fifty tasks under way, whose polls fill the budget, another member's job is sent within seconds."""
    provider = hundred.provider
    for n in range(50):
        await hundred.accept(guild=1, user=100 + n)
    await work_until(hundred, lambda: len(provider.tasks) == 50, within=timedelta(minutes=10))
    for _ in range(60):
        await turn(hundred)
        hundred.clock.advance(LOOK_S)
    asked_at = hundred.clock.now()
    await hundred.accept(guild=2, user=1)

    await work_until(hundred, lambda: len(provider.tasks) == 51, within=timedelta(minutes=1))

    assert hundred.clock.now() - asked_at <= timedelta(seconds=5)
    assert provider.refusals == 0


async def test_no_task_is_forgotten_while_polls_are_scarce(hundred: World) -> None:
    """Every finished task is seen within the time that one round of polls over all tasks takes."""
    provider = hundred.provider
    seen: dict[str, timedelta] = {}

    def note(task: FakeTask) -> None:
        if task.state is TaskState.SUCCEEDED:
            seen.setdefault(task.task_id, provider.clock.now() - task.created_at - RENDER)

    provider.on_status = note
    for n in range(40):
        await hundred.accept(guild=n % 5, user=n)

    await work_until(hundred, all_made(provider, 40), within=timedelta(minutes=10))

    assert max(seen.values()) <= timedelta(minutes=4)
    await hundred.run_until_quiet()


async def test_steps_are_not_spent_on_waiting(hundred: World, pacing: Pacing) -> None:
    """Polls that cannot be sent soon give their steps back: other providers' jobs need those."""
    provider = hundred.provider
    for _ in range(REQUESTS):
        await pacing.take(P1, urgency=Urgency.SUBMIT)
    began_at = hundred.clock.now()
    polls = await asyncio.gather(
        *(provider._request(Urgency.POLL) for _ in range(STEPS_AT_ONCE)), return_exceptions=True
    )

    waits = sorted(error.retry_after_s for error in polls if isinstance(error, ProviderBusy))
    assert len(waits) == STEPS_AT_ONCE
    assert hundred.clock.now() - began_at <= timedelta(seconds=3)
    assert waits[0] >= 55
    assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(waits))
