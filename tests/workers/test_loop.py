"""The loop: poison is parked, a lost lease writes nothing, two loops share the work, stop hands back."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.domain.errors import LeaseLost
from bot.domain.jobs import Job, JobState
from bot.services.config import MoneyRules, Timings
from bot.services.operator import fail_job, retry_job
from bot.services.wake import Wake
from bot.workers import loop as loop_module
from bot.workers.duties import Duties, Duty
from bot.workers.loop import MAX_ATTEMPTS, WorkerLoop
from tests.manual_clock import ManualClock
from tests.services.fakes import P1
from tests.services.world import GUILD, QUIET_RULES, USER, World, credits
from tests.waiting import until

MakeWorld = Callable[..., World]
S = JobState
RICH = MoneyRules(member_allowance=None, guild_pool=None)


def _loop(world: World) -> WorkerLoop:
    return WorkerLoop(
        world.clock,
        leases=world.leases,
        steps=world.steps,
        dispatch=world.dispatch,
        cards=world.cards,
        wake=world.wake,
        lease_s=world.timings.lease_s,
    )


class _Waiters:
    """Counts the loops that wait to be woken: whoever does has nothing to begin."""

    def __init__(self, wake: Wake) -> None:
        self.count, self._wait = 0, wake.wait
        wake.wait = self.wait

    async def wait(self, timeout_s: float) -> None:
        self.count += 1
        try:
            await self._wait(timeout_s)
        finally:
            self.count -= 1


@dataclass
class _Work:
    """Loops at work. The clock goes on only while all of them are idle, however slow the machine is."""

    world: World
    loops: tuple[WorkerLoop, ...]
    waiters: _Waiters

    async def until(self, is_so: Callable[[], object], *, step_s: float = 2.0) -> None:
        """Let them work while the clock moves on, until `is_so`."""

        async def moved_on() -> bool:
            if await is_so():
                return True
            if self.waiters.count == len(self.loops) and not any(loop.busy for loop in self.loops):
                self.world.clock.advance(step_s)
                self.world.wake.up()
            return False

        await until(moved_on)


@asynccontextmanager
async def _working(world: World, *loops: WorkerLoop) -> AsyncIterator[_Work]:
    waiters = _Waiters(world.wake)
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    try:
        yield _Work(world, loops, waiters)
    finally:
        await asyncio.gather(*(loop.stop() for loop in loops))
        await asyncio.gather(*tasks)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only the test moves: renewals wait for it."""
    clock = ManualClock()
    clock.is_frozen = True
    return clock


async def test_jobs_are_delivered(make_world: MakeWorld) -> None:
    """The loop alone brings queued jobs to their channel."""
    world = make_world(rules=RICH)
    jobs = [await world.accept(user=USER + n) for n in range(4)]

    async def done() -> bool:
        return all([await world.state(j) is S.DELIVERED for j in jobs])

    async with _working(world, _loop(world)) as work:
        await work.until(done)

    assert sorted(m.post.job.id for m in world.messenger.messages) == sorted(j.id for j in jobs)


async def test_a_poison_job_is_parked_and_blocks_no_other(make_world: MakeWorld, caplog) -> None:
    """After eight attempts it is set aside with its hold; the others were delivered long before."""
    world = make_world(rules=RICH)
    poison = await world.accept("poison")
    compose = world.provider.compose

    def explode(spec, uploads, *, callback_url):
        if spec.prompt == "poison":
            raise RuntimeError("our own defect")
        return compose(spec, uploads, callback_url=callback_url)

    world.provider.compose = explode
    good = [await world.accept(user=USER + n) for n in range(3)]

    async def done() -> bool:
        return all([await world.state(j) is S.DELIVERED for j in good])

    async def parked() -> bool:
        return (await world.job(poison)).is_parked

    async with _working(world, _loop(world)) as work:
        await work.until(done)
        assert not await parked()
        await work.until(parked, step_s=20)

    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == credits("9")
    assert caplog.text.count("job.step_failed") == MAX_ATTEMPTS
    world.provider.compose = compose
    await retry_job(world.database, world.clock, poison.id)
    await world.run_until_quiet()
    assert await world.state(poison) is S.DELIVERED


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
async def test_a_job_waits_as_long_as_the_disk_is_full(make_world: MakeWorld, caplog, number: int) -> None:
    """However long that takes, it is never set aside, and it goes on by itself once there is room."""
    world = make_world(rules=RICH)
    fetch, tries = world.workshop.fetch_clip, 0

    async def fill(url, key):
        nonlocal tries
        tries += 1
        raise OSError(number, "No space left on device")

    world.workshop.fetch_clip = fill
    job = await world.accept()

    async def tried() -> bool:
        return tries > 2 * MAX_ATTEMPTS

    async def delivered() -> bool:
        return await world.state(job) is S.DELIVERED

    async with _working(world, _loop(world)) as work:
        await work.until(tried, step_s=20)
        assert not (await world.job(job)).is_parked
        world.workshop.fetch_clip = fetch
        await work.until(delivered, step_s=20)

    assert caplog.text.count("storage.unusable") == tries
    assert "Traceback" not in caplog.text


async def test_a_database_that_takes_nothing_costs_a_job_no_more_than_its_lease(make_world: MakeWorld, caplog) -> None:
    """Where not even the failure can be written down, the lease lapses and the job is taken up again."""
    world = make_world(rules=RICH)
    fetch, retry = world.workshop.fetch_clip, world.leases.retry_later
    failed = asyncio.Event()

    async def fail(*_args, **_options):
        failed.set()
        raise OSError("database or disk is full")

    world.workshop.fetch_clip = world.leases.retry_later = fail
    job = await world.accept()

    async def is_failed() -> bool:
        return failed.is_set()

    async def delivered() -> bool:
        return await world.state(job) is S.DELIVERED

    async with _working(world, _loop(world)) as work:
        await work.until(is_failed)
        world.workshop.fetch_clip, world.leases.retry_later = fetch, retry
        await work.until(delivered)

    assert "job.lease_left" in caplog.text


async def test_a_parked_job_is_given_up_at_the_deadline_and_watched(make_world: MakeWorld) -> None:
    """Released after a day; a task that it may have is still watched, and its clip delivered free of charge."""
    world = make_world(rules=RICH)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    await world.change(job, parked_reason="poison", updated_at=world.clock.now())
    world.clock.advance(86_401)

    await world.retention.parked()
    assert await world.state(job) is S.FAILED
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == credits("0")

    world.provider.auto_finish = True
    await world.run_until_quiet()
    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["pool", "overrun"] == credits("9")


async def test_a_parked_job_that_waits_for_approval_holds_up_no_other(make_world: MakeWorld) -> None:
    """It was never sent, so it lapses; those parked after it are given up as well."""
    world = make_world(rules=RICH, guild_rules=replace(QUIET_RULES, approve_over=credits("5")))
    waiting, other = await world.accept(), await world.accept(user=USER + 1)
    for job in (waiting, other):
        await world.change(job, parked_reason="poison", updated_at=world.clock.now())
    world.clock.advance(86_401)

    await world.retention.parked()

    assert [await world.state(job) for job in (waiting, other)] == [S.EXPIRED, S.EXPIRED]
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == credits("0")


async def test_the_operator_gives_a_job_up(make_world: MakeWorld) -> None:
    """Parked or unknown: released, and watched for a late success."""
    world = make_world(rules=RICH)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    await world.change(job, parked_reason="poison")

    await fail_job(world.database, world.clock, job.id)
    world.provider.auto_finish = True
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert ("allowance", "settle") not in await world.entries(job)


async def test_a_lost_lease_writes_nothing(make_world: MakeWorld) -> None:
    """A step that outlived its lease changes neither the job nor the ledger; the new holder's does, once."""
    world = make_world(rules=RICH)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    world.provider.auto_finish = True
    world.clock.advance(10)
    (stale,), _ = await world.leases.claim(most=1)
    world.clock.advance(world.timings.lease_s + 1)
    (fresh,), _ = await world.leases.claim(most=1)
    assert fresh.token > stale.token

    assert not await world.leases.renew(stale)
    before = await world.entries()
    with pytest.raises(LeaseLost):
        await world.steps.run(stale)
    await world.leases.retry_later(stale, delay_s=0)
    await world.leases.park(stale, reason="no")

    assert await world.entries() == before
    assert await world.state(job) is S.RUNNING
    assert not (await world.job(job)).is_parked
    await world.work(fresh)
    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["pool", "settle"] == credits("9")


async def test_a_long_step_renews_its_lease(make_world: MakeWorld) -> None:
    """A download of several leases' length stays with its worker."""
    world = make_world(rules=RICH)
    job = await world.accept()
    has_begun, go_on = asyncio.Event(), asyncio.Event()
    original = world.workshop.fetch_clip

    async def slow(url: str, key: str):
        has_begun.set()
        await go_on.wait()
        return await original(url, key)

    world.workshop.fetch_clip = slow

    async def is_fetching() -> bool:
        return has_begun.is_set()

    async def delivered() -> bool:
        return await world.state(job) is S.DELIVERED

    async def is_renewed() -> bool:
        left = (await world.job(job)).run_at - world.clock.now()
        return left.total_seconds() >= world.timings.lease_s / 4

    first, second = _loop(world), _loop(world)
    async with _working(world, first, second) as work:
        await work.until(is_fetching)
        for _ in range(100):
            world.clock.advance(world.timings.lease_s / 20)
            world.wake.up()
            await until(is_renewed)
        assert first.busy + second.busy == 1
        go_on.set()
        await work.until(delivered)

    assert len(world.workshop.fetches) == 1


async def test_a_renewal_that_fails_is_tried_again(make_world: MakeWorld) -> None:
    """One hiccup of the database does not cost a long step its lease."""
    world = make_world(rules=RICH)
    job = await world.accept()
    has_begun, go_on = asyncio.Event(), asyncio.Event()
    renew, failures = world.leases.renew, [RuntimeError("connection lost")]
    fetch = world.workshop.fetch_clip

    async def slow(url: str, key: str):
        has_begun.set()
        await go_on.wait()
        return await fetch(url, key)

    async def flaky(held: Job) -> bool:
        if failures:
            raise failures.pop()
        return await renew(held)

    world.workshop.fetch_clip, world.leases.renew = slow, flaky

    async def is_fetching() -> bool:
        return has_begun.is_set()

    async def has_failed() -> bool:
        return not failures

    async def is_renewed() -> bool:
        return (await world.job(job)).run_at > world.clock.now() + timedelta(seconds=world.timings.lease_s / 2)

    async with _working(world, _loop(world)) as work:
        await work.until(is_fetching)
        world.clock.advance(world.timings.lease_s / 3)
        await until(has_failed)
        await asyncio.sleep(0)
        world.clock.advance(world.timings.lease_s / 3)
        await until(is_renewed)
        go_on.set()

    assert await world.state(job) in {S.DELIVERING, S.DELIVERED}


async def test_what_is_claimed_while_the_loop_stops_is_finished_first(make_world: MakeWorld) -> None:
    """When stop returns nothing runs on that nobody waits for."""
    world = make_world(rules=RICH)
    await world.accept()
    claim, reached, go_on = world.leases.claim, asyncio.Event(), asyncio.Event()

    async def slow(*, most: int):
        claimed = await claim(most=most)
        reached.set()
        await go_on.wait()
        return claimed

    world.leases.claim = slow
    loop = _loop(world)
    running = asyncio.create_task(loop.run())
    await reached.wait()

    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    await running

    assert loop.busy == 0


async def test_two_loops_run_each_job_once(make_world: MakeWorld) -> None:
    """Two workers on one database: one create, one fetch, one message each."""
    world = make_world(rules=RICH, places={P1: 50}, guild_rules=replace(QUIET_RULES, running_cap=10))
    jobs = [await world.accept(user=USER + n % 4) for n in range(24)]

    async def done() -> bool:
        return all(j.state is S.DELIVERED for j in await world.queries.jobs(limit=100))

    async with _working(world, _loop(world), _loop(world)) as work:
        await work.until(done)

    assert len(world.provider.creates) == len(jobs)
    assert len(world.workshop.fetches) == len(jobs)
    assert len(world.messenger.messages) == len(jobs)


async def test_stop_hands_back_what_does_not_finish(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its grace a step is cancelled and its job is due at once; another worker finishes it."""
    monkeypatch.setattr(loop_module, "GRACE_S", 0.05)
    world = make_world(rules=RICH)
    job = await world.accept()
    original, reached = world.workshop.fetch_clip, asyncio.Event()

    async def stuck(url: str, key: str):
        reached.set()
        await asyncio.Event().wait()

    world.workshop.fetch_clip = stuck

    async def is_reached() -> bool:
        return reached.is_set()

    async with _working(world, _loop(world)) as work:
        await work.until(is_reached)

    found = await world.job(job)
    assert found.state is S.FETCHING
    assert found.run_at <= world.clock.now()
    world.workshop.fetch_clip = original
    assert await world.turn() == 1
    assert await world.state(job) is S.DELIVERED


async def test_a_start_on_sqlite_takes_over_at_once(make_world: MakeWorld) -> None:
    """Leases of a process that died need not lapse where no other can be running."""
    world = make_world(rules=RICH, timings=Timings(lease_s=600))
    job = await world.accept()
    await world.dispatch.run()
    held: list[Job] = (await world.leases.claim(most=1))[0]
    assert [j.id for j in held] == [job.id]
    assert await world.turn() == 0

    assert await world.leases.take_over() == 1
    await world.turn()

    assert await world.state(job) is S.RUNNING


@pytest.mark.parametrize("killed_in", [S.FETCHING, S.DELIVERING])
async def test_a_start_on_sqlite_takes_over_what_moved_on_under_its_lease(make_world: MakeWorld, killed_in: S) -> None:
    """A job whose process died between two steps that follow at once waits for no lease either."""
    world = make_world(rules=RICH, timings=Timings(lease_s=600))
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    while (await world.state(job)) is not killed_in:
        for held in (await world.leases.claim(most=1))[0]:
            moved = await world.steps.run(held)
            if moved is not None and moved.state is S.FETCHING and killed_in is S.DELIVERING:
                await world.steps.run(moved)
        due = await world.next_at()
        assert due is not None
        if (await world.state(job)) is not killed_in:
            world.clock.advance(max(0.1, (due - world.clock.now()).total_seconds()))
    assert (await world.leases.claim(most=1))[0] == []

    assert await world.leases.take_over() == 1
    await world.turn()

    assert await world.state(job) is S.DELIVERED


async def test_a_database_error_stops_no_loop(make_world: MakeWorld, caplog) -> None:
    """A turn that fails is logged and tried again."""
    world = make_world(rules=RICH)
    job = await world.accept()
    original, failures = world.dispatch.run, [RuntimeError("connection lost")] * 2

    async def flaky() -> int:
        if failures:
            raise failures.pop()
        return await original()

    world.dispatch.run = flaky

    async def delivered() -> bool:
        return await world.state(job) is S.DELIVERED

    async with _working(world, _loop(world)) as work:
        await work.until(delivered)

    assert caplog.text.count("worker.turn_failed") == 2


async def test_a_failing_duty_is_tried_again() -> None:
    """Duties run at their interval, whatever one of them raises."""
    clock, done, failed = ManualClock(), [], []

    async def good() -> None:
        done.append(clock.now())
        await asyncio.sleep(0)

    async def bad() -> None:
        failed.append(clock.now())
        raise RuntimeError("no")

    duties = Duties(clock, [Duty("good", 10, good), Duty("bad", 10, bad)])
    duties.start()
    for _ in range(50):
        await asyncio.sleep(0)
    await duties.stop()

    assert len(done) > 2
    assert len(failed) > 2
