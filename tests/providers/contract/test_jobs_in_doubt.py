"""Creates whose outcome is not known: one task at most is paid, and the ledger is exact.

Where an answer was lost, seedance2-movie's task is found in its list, seedance2ai's under its key; at seedance-tv the
job is in doubt until its deadline, and its member is told.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.ports import Receipt, Submission
from tests.providers.contract.jobs import QUOTE, UNKNOWN_DEADLINE_S, JobWorld, delivered_once, job_world, outcome
from tests.providers.contract.rigs import AI, TV

S = JobState
DOUBTS = [
    *(pytest.param(kind, {}, id=kind) for kind in ("lose_answer", "reset_after", "reset_before", "cut")),
    *(
        pytest.param("html", {"status": status, "after_effect": done}, id=f"{status}-{'taken' if done else 'untaken'}")
        for status in (500, 503)
        for done in (True, False)
    ),
    pytest.param("garbage", {"status": 200, "after_effect": True}, id="garbage"),
    pytest.param("html", {"status": 200, "after_effect": True}, id="page"),
]


class Killed(BaseException):
    """The process ends here."""


async def through_the_deadline(world: JobWorld, job: Job) -> list[tuple[JobState, Credits, Credits]]:
    """State, what the member paid and what is held, after an hour and after the deadline; the card shows both."""
    seen = []
    for wait_s in (3600, 2 * UNKNOWN_DEADLINE_S):
        await world.run_for(wait_s)
        state = await world.state(job)
        assert state in await world.shown(job)
        seen.append((state, *await world.member()))
    return seen


def in_doubt(world: JobWorld) -> list[tuple[JobState, Credits, Credits]]:
    """The hold stays while nobody knows, and at the deadline everything is released."""
    return [(S.UNKNOWN, ZERO, QUOTE[world.rig.name]), (S.EXPIRED, ZERO, ZERO)]


@pytest.mark.parametrize(("kind", "options"), DOUBTS)
async def test_a_create_in_doubt_is_resolved_as_the_provider_allows(
    world: JobWorld, kind: str, options: dict[str, object]
) -> None:
    """Taken or not: one task in the end, or an honest doubt."""
    world.rig.emulator.faults.add("submit", kind, cut_after_bytes=10, **options)
    job = await world.accept()
    if world.rig.name == TV:
        assert await through_the_deadline(world, job) == in_doubt(world)
        assert world.rig.arrivals() == 1
        return
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)


@pytest.mark.parametrize("status", [500, 503])
async def test_a_storm_of_failures_makes_no_second_task(world: JobWorld, status: int) -> None:
    """Creates and questions fail again and again, some of them after having done their work."""
    faults = world.rig.emulator.faults
    faults.add("submit", "html", status=status)
    faults.add("submit", "html", status=status, after_effect=True)
    faults.add("status", "html", status=status, times=5)
    job = await world.accept()
    if world.rig.name == TV:
        assert await through_the_deadline(world, job) == in_doubt(world)
        assert world.rig.arrivals() == 1
        return
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)


@pytest.mark.parametrize("is_taken", [True, False])
async def test_killed_while_a_create_is_under_way(world: JobWorld, *, is_taken: bool) -> None:
    """Before it left, or between its effect and the note of it: the next start finds out by the same means."""
    submit = world.rig.adapter.submit

    async def struck(submission: Submission) -> Receipt:
        if is_taken:
            await submit(submission)
        raise Killed

    job = await world.accept()
    await _with(world, struck, world.turn)
    assert await world.state(job) is S.SUBMITTING
    world.restart()
    await world.leases.take_over()
    if world.rig.name == TV:
        await world.run_for(3600)
        assert await world.state(job) is S.UNKNOWN
        await world.run_for(2 * UNKNOWN_DEADLINE_S)
        assert await world.state(job) is S.EXPIRED
        assert await world.member() == (ZERO, ZERO)
        assert world.rig.arrivals() == int(is_taken)
        return
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)


async def _with(
    world: JobWorld, submit: Callable[[Submission], Awaitable[Receipt]], work: Callable[[], Awaitable[object]]
) -> None:
    """Do some work with another way to submit, by which the process is killed."""
    world.rig.adapter.submit = submit  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        await work()
    del world.rig.adapter.submit


async def test_two_members_with_the_same_request_get_a_task_each(world: JobWorld) -> None:
    """Both answers are lost: neither is given the other's task, nor are two made for one."""
    world.rig.emulator.faults.add("submit", "lose_answer", times=2)
    first, second = await world.accept(), await world.accept(user=101)
    await world.run_for(UNKNOWN_DEADLINE_S - 600)
    found = [await world.job(job) for job in (first, second)]

    assert len(world.rig.emulator.tasks) == 2
    if world.rig.name == TV:
        assert {job.state for job in found} == {S.UNKNOWN}
        assert {job.task_id for job in found} == {None}
        return
    assert {job.state for job in found} == {S.DELIVERED}
    assert {job.task_id for job in found} == set(world.rig.emulator.tasks)


async def test_a_key_that_is_busy_until_its_task_is_done(sqlite_url: str, tmp_path: Path) -> None:
    """The answer is lost, then the key conflicts with itself for a while: the same create, and one task."""
    async with job_world(AI, sqlite_url, tmp_path, conflict_while_rendering=True) as world:
        world.rig.emulator.faults.add("submit", "lose_answer")
        world.rig.emulator.next_outcome(hang=True)
        job = await world.accept()
        await world.run_for(600)
        doubtful, [task] = await world.state(job), world.rig.emulator.tasks.values()
        await world.rig.emulator.finish(task.id)
        await world.run_until_quiet()

        assert doubtful is S.UNKNOWN
        sent = [record for record in world.rig.emulator.requests if record.route == "submit"]
        assert len(sent) > 2
        assert {(record.headers["Idempotency-Key"], record.body) for record in sent} == {
            (f"{job.id}-1", sent[0].body),
        }
        assert await outcome(world, job) == delivered_once(world)
