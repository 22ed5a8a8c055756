"""The shared rate budget and breakers, on both databases, with two `Pacing` objects standing for two processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bot.clock import SystemClock
from bot.db import breakers, slots, work
from bot.db.engine import Database
from bot.db.tables import job, rate_slot
from bot.domain.errors import ProviderBusy
from bot.domain.jobs import RUNNING_PLACES, JobState
from bot.ports import Urgency
from bot.services.breaker import places_now
from bot.services.config import MoneyRules
from bot.services.dispatch import Dispatch
from bot.services.lanes import SLOTS_MAX
from bot.services.pacing import PACED, Pacing
from tests.manual_clock import ManualClock
from tests.services.fakes import P1
from tests.services.world import World
from tests.waiting import PATIENCE_S

KEY = "seedance2-movie"
OTHER = "seedance2ai"


@pytest.fixture
async def second_database(database: Database) -> AsyncIterator[Database]:
    """The same database as another process sees it."""
    other = Database(database.url)
    yield other
    await other.dispose()


def most_in_a_window(moments: list[float], window_s: float) -> int:
    moments = sorted(moments)
    return max(sum(1 for other in moments if at <= other < at + window_s) for at in moments)


async def take(pacing: Pacing, moments: list[float], urgency: int = Urgency.SUBMIT) -> None:
    await pacing.take(KEY, urgency=urgency)
    moments.append(asyncio.get_running_loop().time())


async def test_no_window_has_more_requests_than_the_limit(database: Database, second_database: Database) -> None:
    """Two processes with many takers at once: no window has more than 8, and nobody starves.

    The window looked at is shorter than the limit's, for takers that this machine wakes late.
    """
    limits = {KEY: (8, 1.5)}
    processes = [Pacing(d, SystemClock(), limits=limits) for d in (database, second_database)]
    moments: list[float] = []
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(take(processes[number % 2], moments))

    assert len(moments) == 20
    assert most_in_a_window(moments, 0.4) <= 8


@pytest.mark.parametrize("urgency", [Urgency.SUBMIT, Urgency.POLL])
async def test_the_window_begins_with_the_requests_where_the_disk_was_slow(
    database: Database, clock: ManualClock, monkeypatch, urgency
) -> None:
    """Requests that a slow commit held up for half a window count from when they go."""
    use = slots.use

    async def use_slowly(*args, **kwargs) -> list[int]:
        used = await use(*args, **kwargs)
        clock.advance(30)
        return used

    monkeypatch.setattr(slots, "use", use_slowly)
    pacing = Pacing(database, clock, limits={KEY: (5, 60.0)}, is_clock_shared=True)
    await pacing.take(KEY, urgency=urgency)

    async with database.read() as connection:
        moments = (await connection.execute(sa.select(rate_slot.c.used_at).where(rate_slot.c.used_at > 0))).scalars()
        assert list(moments) == [clock.now().timestamp()]


async def test_a_restart_does_not_forget_what_was_sent(database: Database) -> None:
    """A process that starts within the window waits for the one before it."""
    moments: list[float] = []
    for _ in range(2):
        pacing = Pacing(database, SystemClock(), limits={KEY: (3, 1.2)})
        await pacing.setup()
        for _ in range(3):
            await take(pacing, moments)

    assert most_in_a_window(moments, 0.3) == 3


async def test_polls_leave_a_fifth_for_submits(database: Database) -> None:
    """With ten requests a minute, polls use eight; submits get the other two at once."""
    pacing = Pacing(database, SystemClock(), limits={KEY: (10, 60)})
    moments: list[float] = []
    polls = await asyncio.gather(*(take(pacing, moments, Urgency.POLL) for _ in range(12)), return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(2):
            await take(pacing, moments, Urgency.SUBMIT)

    assert len(moments) == 10
    assert len([poll for poll in polls if isinstance(poll, ProviderBusy)]) == 4


async def test_the_most_urgent_goes_first(database: Database, clock: ManualClock) -> None:
    """Of those who wait, submits go before cancels, uploads and polls, whoever came first."""
    pacing = Pacing(database, clock, limits={KEY: (1, 0.4)}, is_clock_shared=True)
    order: list[int] = []

    async def wait(urgency: int) -> None:
        await pacing.take(KEY, urgency=urgency)
        order.append(urgency)

    await pacing.take(KEY, urgency=Urgency.SUBMIT)
    async with asyncio.TaskGroup() as group:
        for urgency in (Urgency.POLL, Urgency.UPLOAD, Urgency.CANCEL, Urgency.SUBMIT):
            group.create_task(wait(urgency))

    assert order == [Urgency.SUBMIT, Urgency.CANCEL, Urgency.UPLOAD, Urgency.POLL]


async def test_a_taker_that_gives_up_holds_nobody_back(database: Database) -> None:
    """Cancelling who waits in front lets the next one through."""
    pacing = Pacing(database, SystemClock(), limits={KEY: (1, 0.2)})
    await pacing.take(KEY, urgency=Urgency.SUBMIT)
    first = asyncio.create_task(pacing.take(KEY, urgency=Urgency.SUBMIT))
    second = asyncio.create_task(pacing.take(KEY, urgency=Urgency.SUBMIT))
    await asyncio.sleep(0.02)
    first.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await second

    assert first.cancelled() or first.cancelling()


async def test_a_pause_is_obeyed_by_every_process(
    database: Database, second_database: Database, clock: ManualClock
) -> None:
    """A Retry-After that one process was told holds the other back too, and a shorter one does not end it."""
    limits = {KEY: (10, 60.0), OTHER: (10, 60.0)}
    one, other = (Pacing(d, clock, limits=limits, is_clock_shared=True) for d in (database, second_database))
    await one.pause(KEY, 15)
    await one.pause(KEY, 3)
    await other.take(OTHER, urgency=Urgency.POLL)
    unpaused_s = clock.monotonic()
    await other.take(KEY, urgency=Urgency.SUBMIT)

    assert unpaused_s == 0
    assert 15 <= clock.monotonic() < 16


@pytest.mark.parametrize("urgency", [Urgency.SUBMIT, Urgency.POLL])
async def test_nobody_waits_out_a_long_pause_under_a_lease(
    database: Database, clock: ManualClock, urgency: int
) -> None:
    """Who would wait for minutes is told when to come again, and comes in vain no second time."""
    pacing = Pacing(database, clock, limits={KEY: (10, 60.0)}, is_clock_shared=True)
    await pacing.pause(KEY, 300)
    with pytest.raises(ProviderBusy) as refused:
        await pacing.take(KEY, urgency=urgency)
    waited_s = clock.monotonic()
    clock.advance(refused.value.retry_after_s or 0)
    await pacing.take(KEY, urgency=urgency)

    assert waited_s == 0
    assert refused.value.code == PACED
    assert 300 <= clock.monotonic() < 301


async def test_a_submit_on_its_way_keeps_its_turn(world: World, database: Database, clock: ManualClock) -> None:
    """A job that has a place finds a slot, however many polls come before its create leaves."""
    pacing = Pacing(database, clock, limits={KEY: (4, 60.0)}, is_clock_shared=True)
    await pacing.setup()
    for n in range(3):
        await world.change(await world.accept(user=n), state=JobState.PREPARING.value)
    polls = await asyncio.gather(*(pacing.take(KEY, urgency=Urgency.POLL) for _ in range(6)), return_exceptions=True)
    for _ in range(3):
        await pacing.take(KEY, urgency=Urgency.SUBMIT)

    assert polls.count(None) == 1
    assert clock.monotonic() == 0


# ------------------------------------------------------------------------------------------------- learned places


async def _dispatched(world: World, clock: ManualClock) -> int:
    """Run every waiting job that may be, and count them."""
    dispatch = Dispatch(world.database, clock, breaker=world.breaker, places=world.places, cards=world.cards)
    await dispatch.run()
    async with world.database.read() as connection:
        return await work.count_running(connection, P1, now=clock.now())


async def test_a_provider_that_is_crowded_again_and_again_gets_fewer_jobs(
    make_world: Callable[..., World], database: Database, clock: ManualClock
) -> None:
    """One complaint changes nothing, the second halves the places, further ones at once do not; never below one."""
    world = make_world(rules=MoneyRules(member_allowance=None, guild_pool=None), places={P1: 8})
    pacing = Pacing(database, clock, limits={})
    for n in range(30):
        await world.accept(user=n)
    assert await _dispatched(world, clock) == 8
    await pacing.crowded(P1)
    learned = [await _learned(database, 8, clock)]
    for wait_s in (1, 1, 60, 60, 60, 60):
        clock.advance(wait_s)
        await pacing.crowded(P1)
        learned.append(await _learned(database, 8, clock))

    assert learned == [8, 4, 4, 2, 1, 1, 1]


async def test_learned_places_grow_again(
    make_world: Callable[..., World], database: Database, clock: ManualClock
) -> None:
    """One more every two minutes, up to what is configured; dispatch keeps to it, in every process."""
    world = make_world(rules=MoneyRules(member_allowance=None, guild_pool=None), places={P1: 6})
    pacing = Pacing(database, clock, limits={})
    for n in range(30):
        await world.accept(user=n)
    assert await _dispatched(world, clock) == 6
    for _ in range(2):
        await pacing.crowded(P1)
    async with database.begin() as connection:
        running = [state.value for state in RUNNING_PLACES]
        await connection.execute(sa.update(job).where(job.c.state.in_(running)).values(parked_reason="out of the way"))
    counts = []
    for _ in range(5):
        counts.append(await _dispatched(world, clock))
        clock.advance(120)

    assert counts == [3, 4, 5, 6, 6]


async def test_a_busy_create_is_heard_and_a_busy_poll_is_not(world: World) -> None:
    """Only what a create was answered tells of too many tasks."""
    world.provider.submit_script.append(ProviderBusy("SERVICE_BUSY"))
    world.provider.status_script.append(ProviderBusy("SERVICE_BUSY"))
    asked = await world.accept()

    await world.until_state(asked, JobState.DELIVERED)

    assert world.breaker.complaints == [P1]


async def _learned(database: Database, configured: int, clock: ManualClock) -> int:
    async with database.read() as connection:
        return places_now(configured, await breakers.read_crowd(connection, P1), clock.now())


@pytest.mark.parametrize(("requests", "window_s"), [(6000, 60.0), (1, 60.0), (301, 60.0)])
async def test_any_limit_has_few_slots(database: Database, requests: int, window_s: float) -> None:
    """A generous limit is cut into shorter windows: no more requests in all, and never many rows."""
    pacing = Pacing(database, SystemClock(), limits={KEY: (requests, window_s)})
    await pacing.setup()
    await pacing.setup()
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(sa.func.count()).select_from(rate_slot))).scalar_one()

    assert 1 <= rows <= min(requests, SLOTS_MAX)


async def test_a_lowered_limit_drops_slots(database: Database) -> None:
    """After a restart with a smaller limit only that many are let through."""
    for requests in (9, 2):
        await Pacing(database, SystemClock(), limits={KEY: (requests, 60)}).setup()
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(sa.func.count()).select_from(rate_slot))).scalar_one()

    assert rows == 2


# ---------------------------------------------------------------------------------------------------- breaker


@pytest.fixture
def pacing(database: Database, clock: ManualClock) -> Pacing:
    """One process's breakers."""
    return Pacing(database, clock, limits={})


async def test_a_provider_nothing_happened_to_takes_submissions(pacing: Pacing) -> None:
    """No row means closed."""
    state = await pacing.state(KEY)

    assert not state.is_open
    assert state.reason is None


async def test_five_failures_in_a_row_open_for_an_outage(pacing: Pacing) -> None:
    """Four do not, and a success between them starts the count anew."""
    for _ in range(4):
        await pacing.failed(KEY, "outage")
    await pacing.succeeded(KEY)
    for _ in range(4):
        await pacing.failed(KEY, "outage")
    before = await pacing.state(KEY)
    await pacing.failed(KEY, "outage")
    after = await pacing.state(KEY)

    assert not before.is_open
    assert (after.is_open, after.reason) == (True, "outage")
    assert not (await pacing.state(OTHER)).is_open


async def test_answered_polls_do_not_excuse_creates_that_fail(pacing: Pacing) -> None:
    """Where creates fail and polls do not, submissions stop all the same, and only a create lets them go on."""
    for _ in range(5):
        await pacing.failed(KEY, "outage", is_create=True)
        await pacing.succeeded(KEY, took_task=False)
    opened = await pacing.state(KEY)
    await pacing.succeeded(KEY)

    assert (opened.is_open, opened.reason) == (True, "outage")
    assert not (await pacing.state(KEY)).is_open


async def test_an_answered_poll_ends_an_outage_of_polls(pacing: Pacing) -> None:
    """What creates that failed meanwhile count goes on counting."""
    for is_create in (True, True, True, True, False):
        await pacing.failed(KEY, "outage", is_create=is_create)
    opened = await pacing.state(KEY)
    await pacing.succeeded(KEY, took_task=False)
    closed = await pacing.state(KEY)
    await pacing.failed(KEY, "outage", is_create=True)

    assert (opened.is_open, closed.is_open) == (True, False)
    assert (await pacing.state(KEY)).is_open


@pytest.mark.parametrize("reason", ["credits", "key"])
async def test_account_trouble_opens_at_once(pacing: Pacing, reason: str) -> None:
    """One refused key or an empty account is enough, and a task taken closes it."""
    await pacing.failed(KEY, reason)
    opened = await pacing.state(KEY)
    await pacing.succeeded(KEY)

    assert (opened.is_open, opened.reason) == (True, reason)
    assert not (await pacing.state(KEY)).is_open


async def test_a_poll_does_not_fill_an_empty_account(pacing: Pacing) -> None:
    """An answer that took no task says nothing about credits."""
    await pacing.failed(KEY, "credits")
    await pacing.succeeded(KEY, took_task=False)
    assert (await pacing.state(KEY)).is_open

    await pacing.succeeded(KEY)
    assert not (await pacing.state(KEY)).is_open


async def test_a_dead_key_is_told_over_an_outage_and_not_the_other_way(pacing: Pacing) -> None:
    """The reason shown is the one that a person must act on."""
    for _ in range(5):
        await pacing.failed(KEY, "outage")
    await pacing.failed(KEY, "key")
    for _ in range(6):
        await pacing.failed(KEY, "outage")

    assert (await pacing.state(KEY)).reason == "key"


async def test_exactly_one_of_two_processes_probes(
    database: Database, second_database: Database, clock: ManualClock
) -> None:
    """When a probe is due, a race of many callers lets one through; all others stay out."""
    processes = [Pacing(d, clock, limits={}) for d in (database, second_database)]
    await processes[0].failed(KEY, "key")
    clock.advance(29)
    early = [await process.state(KEY) for process in processes]
    clock.advance(1)
    due = await asyncio.gather(*(processes[number % 2].state(KEY) for number in range(10)))

    assert all(state.is_open for state in early)
    assert [state.is_open for state in due].count(False) == 1
    assert {state.reason for state in due} == {"key"}


async def test_probes_come_ever_later(pacing: Pacing, clock: ManualClock) -> None:
    """The first after 30 s, each later one after as long as it has been open, at most 10 minutes."""
    await pacing.failed(KEY, "credits")
    waits: list[float] = []
    for _ in range(8):
        seen = await pacing.view.state(KEY)
        assert seen.probe_at is not None
        waits.append((seen.probe_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
        assert not (await pacing.state(KEY)).is_open
        await pacing.failed(KEY, "credits")

    assert waits == [30, 30, 60, 120, 240, 480, 600, 600]


async def test_looking_does_not_use_up_the_probe(pacing: Pacing, clock: ManualClock) -> None:
    """Cards look as often as they like."""
    await pacing.failed(KEY, "key")
    clock.advance(60)
    looks = [await pacing.view.state(KEY) for _ in range(3)]

    assert all(look.is_open for look in looks)
    assert not (await pacing.state(KEY)).is_open


async def test_a_paused_provider_waits_for_the_operator(pacing: Pacing, clock: ManualClock) -> None:
    """No probe, no success and no failure ends a pause or hides it; only `resume_provider` does."""
    await pacing.pause_provider(KEY)
    clock.advance(timedelta(days=3).total_seconds())
    await pacing.succeeded(KEY)
    await pacing.failed(KEY, "key")
    paused = await pacing.state(KEY)
    await pacing.resume_provider(KEY)

    assert (paused.is_open, paused.reason, paused.probe_at) == (True, "paused", None)
    assert not (await pacing.state(KEY)).is_open


async def test_a_pause_that_cannot_be_stored_costs_no_answer(pacing: Pacing, monkeypatch, caplog) -> None:
    """It comes with the answer to a create, which names the task."""

    def is_away() -> None:
        raise OperationalError("begin", None, OSError())

    monkeypatch.setattr(pacing._database, "begin", is_away)

    await pacing.pause(KEY, 5)

    assert "pacing.pause_lost" in caplog.text
