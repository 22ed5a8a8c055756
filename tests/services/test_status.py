"""What a provider says of a task: callbacks, polls, deadlines, late successes, costs."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.db import work
from bot.domain.errors import ProviderAccount, ProviderAmbiguous, ProviderBusy, TaskNotFound
from bot.domain.jobs import Job, JobState, TaskState
from bot.domain.money import ZERO, Credits
from bot.services.config import MoneyRules, Timings
from tests.services.fakes import P1, FakeTask
from tests.services.world import GUILD, USER, World, credits, gather_outcomes

MakeWorld = Callable[..., World]
S = JobState
NINE = credits("9")


def _body(task_id: str) -> bytes:
    return json.dumps({"task_id": task_id, "status": "completed"}).encode()


async def _running(world: World, **options: object) -> Job:
    world.provider.auto_finish = False
    job = await world.accept(**options)
    return await world.until_state(job, S.RUNNING)


# ------------------------------------------------------------------------------------------------------ callbacks


async def test_a_callback_brings_the_check_forward(world: World) -> None:
    """With callbacks on, the first poll is late; the callback makes the clip come at once."""
    world.links.has_callbacks = True
    job = await _running(world)
    world.provider.auto_finish = True
    world.clock.advance(20)
    assert await world.turn() == 0

    await world.callbacks.received(P1, job.id, 1, _body("task1"))
    await world.turn()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.status_times) == 1


async def test_a_callback_before_the_submit_answer(world: World) -> None:
    """The notice overtakes the create's answer: it is kept, and the task is checked at once."""
    world.links.has_callbacks = True
    job = await world.accept()
    world.provider.on_submit = lambda task: world.callbacks.received(P1, job.id, 1, _body(task.task_id))

    await world.turn()
    await world.turn()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1


async def test_fifty_repeats_at_once_are_one_delivery(world: World) -> None:
    """Fifty callbacks at the same moment: one settlement, one message, at most one more request in five seconds."""
    world.links.has_callbacks = True
    job = await _running(world)
    await gather_outcomes(*(world.callbacks.received(P1, job.id, 1, _body("task1")) for _ in range(50)))
    await world.turn()
    assert len(world.provider.status_times) == 1

    world.provider.auto_finish = True
    _, raised = await gather_outcomes(*(world.callbacks.received(P1, job.id, 1, _body("task1")) for _ in range(50)))
    await world.turn()
    assert raised == []
    assert len(world.provider.status_times) == 1
    await world.run_until_quiet()

    assert len(world.provider.status_times) == 2
    assert (world.provider.status_times[1] - world.provider.status_times[0]).total_seconds() >= 5
    assert len(world.messenger.of(job)) == 1
    assert (await world.entries(job))["allowance", "settle"] == NINE


async def test_a_callback_during_a_check_is_not_lost(world: World) -> None:
    """News that comes while the provider answers `running` is followed up within seconds."""
    world.links.has_callbacks = True
    job = await _running(world)

    async def finished_just_now(task: FakeTask) -> None:
        world.provider.on_status = None
        task.state = TaskState.SUCCEEDED
        await world.callbacks.received(P1, job.id, 1, _body(task.task_id))

    world.provider.on_status = finished_just_now
    await world.run_for(300)
    first = world.provider.status_times[0]

    assert await world.state(job) is S.DELIVERED
    assert (world.provider.status_times[1] - first).total_seconds() <= 6


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[" * 60_000, b"\xff\xfe", b'{"task_id": 7}', _body("foreign"), b'{"data":{"task_id":"x"}}']
)
async def test_garbage_and_foreign_callbacks_change_nothing(world: World, body: bytes) -> None:
    """Only the provider's own answer counts: the job runs on, and ends with its own task."""
    job = await _running(world)
    world.provider.add({"model": "seedance-2.0", "seed": 1, "resolution": "720p", "ratio": "16:9", "duration": 5})

    await world.callbacks.received(P1, job.id, 1, body)
    await world.turn()

    assert await world.state(job) is S.RUNNING
    assert (await world.job(job)).task_id == "task1"


async def test_a_foreign_task_id_is_not_adopted(world: World) -> None:
    """An unknown job whose callback names somebody else's task stays unknown or goes its own way."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    foreign = world.provider.add(
        {"model": "seedance-2.0", "seed": 1, "resolution": "720p", "ratio": "16:9", "duration": 5}
    )
    job = await world.accept()
    await world.callbacks.received(P1, job.id, 1, _body(foreign.task_id))

    await world.run_until_quiet()

    assert (await world.job(job)).task_id != foreign.task_id
    assert await world.state(job) is S.DELIVERED


async def test_callbacks_for_finished_or_strange_jobs_are_dropped(world: World) -> None:
    """A late repeat and an id that is not ours change nothing and raise nothing."""
    job = await world.accept()
    await world.run_until_quiet()
    before = await world.entries()

    await world.callbacks.received(P1, job.id, 1, _body("task1"))
    await world.callbacks.received(P1, "NOSUCHJOB000", 1, _body("task1"))
    await world.callbacks.received("seedance2ai", job.id, 1, _body("task1"))
    await world.run_until_quiet()

    assert await world.entries() == before
    assert len(world.messenger.of(job)) == 1


async def test_a_callback_of_a_failed_task_is_looked_into(world: World) -> None:
    """The provider said failed and made it after all: delivered, free of charge."""
    world.links.has_callbacks = True
    job = await _running(world)
    task = world.provider.tasks["task1"]
    task.state = TaskState.FAILED
    await world.until_state(job, S.FAILED)

    task.state = TaskState.SUCCEEDED
    world.clock.advance(30)
    await world.callbacks.received(P1, job.id, 1, _body("task1"))
    await world.until_state(job, S.DELIVERED)

    assert len(world.messenger.of(job)) == 1
    assert (await world.entries(job))["pool", "overrun"] == NINE


@pytest.mark.parametrize(("wait_s", "requests"), [(1, 0), (30, 1)])
async def test_repeated_callbacks_of_a_failed_task(world: World, wait_s: int, requests: int) -> None:
    """Repeats right after the check cost nothing, later ones a single look; neither changes anything."""
    world.links.has_callbacks = True
    job = await _running(world)
    world.provider.tasks["task1"].state = TaskState.FAILED
    await world.until_state(job, S.FAILED)
    asked = len(world.provider.status_times)
    world.clock.advance(wait_s)

    for _ in range(20):
        await world.callbacks.received(P1, job.id, 1, _body("task1"))
    await world.run_until_quiet()

    assert await world.state(job) is S.FAILED
    assert len(world.provider.status_times) == asked + requests
    assert (await world.job(job)).watch_until is None


async def test_a_callback_brings_the_watch_of_an_expired_job_forward(make_world: MakeWorld) -> None:
    """Long after the job was given up its clip comes at once, not with the next of the rare looks."""
    world = make_world(timings=Timings(job_deadline_s=60, unknown_deadline_s=60))
    world.links.has_callbacks = True
    job = await _running(world)
    await world.until_state(job, S.EXPIRED)
    await world.run_for(3600)
    world.provider.tasks["task1"].state = TaskState.SUCCEEDED

    await world.callbacks.received(P1, job.id, 1, _body("task1"))
    await world.run_for(10)

    assert await world.state(job) is S.DELIVERED


async def test_a_later_callback_without_a_task_leaves_the_hint(world: World) -> None:
    """What an earlier one named is not forgotten."""
    job = await _running(world)

    await world.callbacks.received(P1, job.id, 1, _body("task1"))
    await world.callbacks.received(P1, job.id, 1, b"{}")

    async with world.database.read() as connection:
        assert await work.callback_task(connection, job.id) == "task1"


# ------------------------------------------------------------------------------------------------ strikes, deadlines


async def test_three_not_founds_over_ten_minutes_are_unknown(world: World) -> None:
    """Before that the job runs on; a task that comes back finishes it."""
    job = await _running(world)
    task = world.provider.tasks.pop("task1")

    await world.run_for(540)
    assert await world.state(job) is S.RUNNING
    await world.until_state(job, S.UNKNOWN, within_s=300)
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == NINE

    world.provider.tasks["task1"] = task
    world.provider.auto_finish = True
    await world.run_until_quiet()
    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["allowance", "settle"] == NINE


async def test_a_task_that_is_not_found_at_the_deadline_is_unknown(make_world: MakeWorld) -> None:
    """A deadline shorter than ten minutes counts too."""
    world = make_world(timings=Timings(job_deadline_s=60))
    job = await _running(world)
    world.provider.status_script.extend([TaskNotFound("TASK_NOT_FOUND")] * 500)

    in_doubt = await world.until_state(job, S.UNKNOWN, within_s=80)

    assert in_doubt.task_id == job.task_id


async def test_the_first_poll_is_not_later_than_the_deadline(make_world: MakeWorld) -> None:
    """Whatever callbacks promise, a job is looked at when its time is over."""
    world = make_world(timings=Timings(job_deadline_s=60))
    world.links.has_callbacks = True
    job = await _running(world)
    began_at = world.clock.now()

    in_doubt = await world.until_state(job, S.UNKNOWN, within_s=80)

    assert in_doubt.updated_at - began_at <= timedelta(seconds=80)


async def test_two_quick_not_founds_are_nothing(world: World) -> None:
    """A hiccup of the provider's record leaves the job running."""
    job = await _running(world)
    world.provider.status_script.extend([TaskNotFound("TASK_NOT_FOUND")] * 4)
    world.provider.auto_finish = True

    await world.run_until_quiet()

    assert "the provider no longer knows the task" not in await world.causes(job)
    assert await world.state(job) is S.DELIVERED


async def test_the_job_deadline_makes_it_unknown_with_its_hold(world: World) -> None:
    """After an hour without an end the job is unknown; success after that is delivered and settled once."""
    job = await _running(world)

    found = await world.until_state(job, S.UNKNOWN)
    waited_s = (world.clock.now() - job.created_at).total_seconds()

    assert 3600 <= waited_s <= 3700
    assert found.task_id == "task1"
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == NINE
    world.provider.auto_finish = True
    await world.run_until_quiet()
    assert await world.state(job) is S.DELIVERED
    assert (await world.entries(job))["allowance", "settle"] == NINE


async def test_a_provider_that_only_errs_makes_the_job_unknown_too(world: World) -> None:
    """A dead status address does not keep a job running for ever: unknown at the deadline, expired a day later."""
    job = await _running(world)
    world.provider.status_script.extend([ProviderAmbiguous("http_500")] * 5000)

    await world.until_state(job, S.UNKNOWN, within_s=3700)
    await world.until_state(job, S.EXPIRED, within_s=90_000)

    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == ZERO


async def test_expired_then_a_late_success(world: World) -> None:
    """Released after a day, watched; when it shows up after all: delivered, free of charge, overrun on the old pool."""
    job = await _running(world)
    await world.until_state(job, S.EXPIRED)
    assert (await world.entries(job))["allowance", "release"] == NINE

    await world.run_for(3 * 86_400)
    world.provider.auto_finish = True
    await world.until_state(job, S.DELIVERED)

    found, entries = await world.job(job), await world.entries(job)
    assert found.is_late
    assert len(world.messenger.of(job)) == 1
    assert entries["pool", "overrun"] == entries["provider", "extra"] == entries["instance", "extra"] == NINE
    assert ("allowance", "settle") not in entries
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == ZERO


async def test_an_expired_job_without_task_is_found_late(world: World) -> None:
    """The create's task shows up in the record days later: found by its seed mark and delivered."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    world.provider.list_script.extend([ProviderBusy("SERVICE_BUSY")] * 1500)
    job = await world.accept()
    await world.until_state(job, S.EXPIRED)
    task = world.provider.add(world.provider.creates[0])
    task.created_at = job.created_at
    world.provider.list_script.clear()

    await world.until_state(job, S.DELIVERED)

    assert (await world.entries(job))["pool", "overrun"] == NINE


async def test_the_watch_ends_after_seven_days(world: World) -> None:
    """Nothing is asked of the provider for ever."""
    job = await _running(world)

    await world.run_until_quiet(within_s=30 * 86_400)

    assert await world.state(job) is S.EXPIRED
    assert (await world.job(job)).watch_until is None
    assert (world.provider.status_times[-1] - job.created_at).days <= 9


async def test_a_dead_key_found_by_polling_opens_the_breaker(world: World) -> None:
    """The reason that people are told is the key, not an outage."""
    await _running(world)
    world.provider.status_script.append(ProviderAccount("INVALID_API_KEY"))

    await world.run_for(10)

    assert "key" in world.breaker.failures


# ------------------------------------------------------------------------------------------------------------ costs


@pytest.mark.parametrize(
    ("cost", "settled", "released"), [("4.5", "4.5", "4.5"), ("9", "9", None), ("0", None, "9"), ("8.991", "9", None)]
)
async def test_the_actual_cost_is_settled_and_the_rest_released(
    world: World, cost: str, settled: str | None, released: str | None
) -> None:
    """On every level alike, rounded up to 0.01 credit."""
    job = await _running(world)
    world.provider.tasks["task1"].cost = Decimal(cost)
    world.provider.auto_finish = True

    await world.run_until_quiet()

    entries = await world.entries(job)
    for level in ("instance", "provider", "pool", "allowance"):
        assert entries.get((level, "settle")) == (credits(settled) if settled else None)
        assert entries.get((level, "release")) == (credits(released) if released else None)


async def test_a_cost_above_the_hold_takes_the_rest_then_overruns(make_world: MakeWorld) -> None:
    """12 instead of 9 with 1 credit of allowance and 1 of wallet left: 2 extra, 1 overrun, nobody negative."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("10")))
    await world.budgets.grant(
        guild_id=GUILD, actor_id=1, user_id=USER, amount=credits("1"), reason="x", expires_at=None
    )
    job = await _running(world)
    world.provider.tasks["task1"].cost = Decimal(12)
    world.provider.auto_finish = True

    await world.run_until_quiet()

    entries = await world.entries(job)
    assert entries["allowance", "settle"] == NINE
    assert entries["allowance", "extra"] == entries["wallet", "extra"] == credits("1")
    assert (entries["pool", "extra"], entries["pool", "overrun"]) == (credits("2"), credits("1"))
    assert entries["instance", "extra"] == entries["provider", "extra"] == credits("3")
    balance = await world.queries.balance(guild_id=GUILD, user_id=USER)
    assert (balance.allowance.settled, balance.wallet) == (credits("10"), ZERO)


async def test_a_wallet_part_is_released_first(make_world: MakeWorld) -> None:
    """6 of the hold on the allowance, 3 on the wallet, 7 actual: the wallet gets 2 back."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("6")))
    await world.budgets.grant(
        guild_id=GUILD, actor_id=1, user_id=USER, amount=credits("10"), reason="x", expires_at=None
    )
    job = await _running(world)
    world.provider.tasks["task1"].cost = Decimal(7)
    world.provider.auto_finish = True

    await world.run_until_quiet()

    entries = await world.entries(job)
    assert (entries["allowance", "settle"], entries["wallet", "settle"]) == (credits("6"), credits("1"))
    assert entries["wallet", "release"] == credits("2")


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.EXPIRED, TaskState.CANCELLED])
async def test_a_failed_task_releases_everything(world: World, state: TaskState) -> None:
    """Failure costs nothing, and is told with the provider's code.

    "Failed tasks are not charged": a price that such a task still shows is no loss."""
    job = await _running(world)
    world.provider.tasks["task1"].state = state
    world.provider.tasks["task1"].error_code = "COPYRIGHT_VIOLATION"
    world.provider.tasks["task1"].cost = Decimal(9)

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.FAILED, "COPYRIGHT_VIOLATION")
    entries = await world.entries(job)
    assert entries["allowance", "release"] == NINE
    assert not [kind for _, kind in entries if kind == "loss"]
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.held == Credits(0)


async def test_a_success_without_a_clip_is_waited_for(world: World) -> None:
    """`completed` without an address means not yet; when the address comes, the clip does."""
    job = await _running(world)
    world.provider.tasks["task1"].state = TaskState.SUCCEEDED
    world.provider.tasks["task1"].has_url = False
    await world.run_for(60)
    assert await world.state(job) is S.RUNNING

    world.provider.tasks["task1"].has_url = True
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED


# ---------------------------------------------------------------------------- what a failed task costs in the end


async def _failed_and_kept(world: World, kept: str) -> Job:
    """Let a task fail at a provider that keeps some of its credits at first."""
    world.provider.traits = replace(world.provider.traits, charges_failures=True)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    task = world.provider.tasks["task1"]
    task.state, task.cost = TaskState.FAILED, Decimal(kept)
    await world.until_state(job, S.FAILED)
    return job


async def _lost(world: World, job: Job) -> set[Credits]:
    """What instance and provider bear of a job in the end."""
    entries = await world.entries(job)
    levels = ("instance", "provider")
    return {entries.get((level, "loss"), ZERO) - entries.get((level, "refund"), ZERO) for level in levels}


@pytest.mark.parametrize(("kept", "in_the_end"), [("0", "0"), ("4", "4"), ("9", "9"), ("12", "9")])
async def test_a_refund_that_comes_after_the_failure_lowers_the_loss(world: World, kept: str, in_the_end: str) -> None:
    """The member is free at once; the operator's loss is what the provider has kept when it was looked at last."""
    job = await _failed_and_kept(world, "9")
    at_first = await _lost(world, job)
    world.clock.advance(600)
    world.provider.tasks["task1"].cost = Decimal(kept)

    await world.run_until_quiet()

    assert at_first == {credits("9")}
    assert await _lost(world, job) == {credits(in_the_end)}
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == ZERO
    assert (await world.job(job)).watch_until is None


async def test_a_refund_is_looked_for_a_few_times_only(world: World) -> None:
    """Within six hours, ever more seldom."""
    job = await _failed_and_kept(world, "9")
    began, asked = world.clock.now(), len(world.provider.status_times)

    await world.run_until_quiet()

    looks = world.provider.status_times[asked:]
    assert 5 <= len(looks) <= 20
    assert looks[-1] - began <= timedelta(hours=7)
    assert await _lost(world, job) == {credits("9")}


async def test_a_clip_that_comes_after_a_failure_is_no_loss_besides(world: World) -> None:
    """The provider kept the credits because it made the clip after all: it costs what it costs, once."""
    job = await _failed_and_kept(world, "9")
    world.provider.tasks["task1"].state = TaskState.SUCCEEDED

    await world.run_until_quiet()

    entries = await world.entries(job)
    assert await world.state(job) is S.DELIVERED
    assert await _lost(world, job) == {ZERO}
    assert entries["provider", "extra"] == entries["pool", "overrun"] == credits("9")


async def test_a_loss_that_is_told_only_after_the_release_is_booked(world: World) -> None:
    """The job had expired in doubt; the provider says later that it failed, and what it keeps."""
    world.provider.traits = replace(world.provider.traits, charges_failures=True)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.EXPIRED)
    task = world.provider.tasks["task1"]
    task.state, task.cost = TaskState.FAILED, Decimal(4)

    await world.run_until_quiet()

    assert await _lost(world, job) == {credits("4")}
