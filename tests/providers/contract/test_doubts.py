"""Creates that go wrong: an adapter says "not taken" only where the provider has no task and took no credits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    ProviderUnreachable,
    TaskNotFound,
)
from bot.domain.jobs import TaskState
from tests.providers.conftest import API_KEY, HASTY, PROMPT
from tests.providers.contract.rigs import AI, MOVIE, Rig, rig_of

LONG_AGO, MINUTE = datetime(2020, 1, 1, tzinfo=UTC), timedelta(minutes=1)

#: Misbehaviours that say nothing about whether the task was made.
STORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("lose_answer", {}),
    ("reset_before", {}),
    ("reset_after", {}),
    ("cut", {"cut_after_bytes": 10}),
    *(("html", {"status": status, "after_effect": done}) for status in (500, 502, 503, 504) for done in (True, False)),
    *(("garbage", {"status": status, "after_effect": True}) for status in (200, 202, 500, 503)),
    *(("empty", {"status": status, "after_effect": True}) for status in (200, 202, 204, 500, 503)),
    ("html", {"status": 200, "after_effect": True}),
)


async def refused(rig: Rig, key: str = "job-1") -> ProviderError:
    """Send a create that fails; the error tells nothing secret."""
    with pytest.raises(ProviderError) as caught:
        await rig.adapter.submit(rig.create(key=key))
    assert API_KEY not in str(caught.value)
    assert PROMPT not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("kind", "options"), STORMS)
async def test_an_answer_that_tells_nothing_leaves_doubt(rig: Rig, kind: str, options: dict[str, Any]) -> None:
    """Whether the task was made or not; and the create left once."""
    await rig.adapter.check_key()  # a connection that served before, which HTTP clients like to retry on
    rig.emulator.faults.add("submit", kind, **options)
    error = await refused(rig)

    assert type(error) is ProviderAmbiguous
    assert rig.arrivals() == 1
    assert len(rig.emulator.tasks) <= 1


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_create_that_is_not_answered_in_time_leaves_doubt(rig: Rig, *, after_effect: bool) -> None:
    """A timeout after sending says nothing about the task; on a connection that served before, too."""
    await rig.adapter.check_key()
    rig.adapter = rig.connect(timeout=HASTY)
    rig.emulator.faults.add("submit", "delay", delay_s=1.0, after_effect=after_effect)
    error = await refused(rig)

    assert (type(error), error.code) == (ProviderAmbiguous, "timeout")
    assert rig.arrivals() == 1
    assert len(rig.emulator.tasks) == int(after_effect)


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_broken_provider_leaves_doubt_in_its_own_words(rig: Rig, *, after_effect: bool) -> None:
    """The documented internal error, with and without the task made."""
    rig.emulator.faults.add("submit", "error", code=rig.words.broken, after_effect=after_effect)

    assert type(await refused(rig)) is ProviderAmbiguous
    assert len(rig.emulator.tasks) == int(after_effect)


async def test_a_create_that_never_left_may_be_sent_again(rig: Rig, unused_tcp_port: int) -> None:
    """Nobody listens there."""
    rig.adapter = rig.connect(f"http://127.0.0.1:{unused_tcp_port}/v2")

    assert type(await refused(rig)) is ProviderUnreachable
    assert rig.is_untouched


async def test_a_dead_key_is_the_operators_trouble(rig: Rig) -> None:
    """Told of a create, a question and the key itself; nothing is made."""
    task = await rig.submitted()
    rig.adapter = rig.connect(api_key="another-key-of-nobody")
    created = await refused(rig, "job-2")
    with pytest.raises(ProviderAccount):
        await rig.adapter.status(task.id)
    with pytest.raises(ProviderAccount):
        await rig.adapter.check_key()

    assert type(created) is ProviderAccount
    assert "CREDIT" not in created.code.upper()
    assert list(rig.emulator.tasks) == [task.id]


async def test_an_empty_account_is_the_operators_trouble(provider: str) -> None:
    """Nothing is made, the code speaks of credits, and the same create is taken once there are some."""
    async with rig_of(provider, credits=4) as rig:
        error = await refused(rig)
        was_untouched = rig.is_untouched
        rig.emulator.account.total += 1000
        task = await rig.submitted()

        assert type(error) is ProviderAccount
        assert "CREDIT" in error.code.upper()
        assert was_untouched
        assert list(rig.emulator.tasks) == [task.id]


async def test_a_wrong_create_is_refused_for_good(rig: Rig) -> None:
    """The strict emulator takes no unknown model, shape or field; nothing is made."""
    rig.emulator.faults.add("submit", "error", code=rig.words.wrong)

    assert type(await refused(rig)) is ProviderRejected
    assert rig.is_untouched


async def test_too_many_requests_wait_as_long_as_they_are_told(provider: str) -> None:
    """By the provider's own limit: nothing is made, the whole account rests, and the create is taken later."""
    async with rig_of(provider, rate_limit_per_minute=2) as rig:
        for _ in range(2):
            await rig.adapter.check_key()
        error = await refused(rig)

        assert type(error) is ProviderBusy
        assert error.retry_after_s is not None
        assert 1 <= error.retry_after_s <= 61
        assert rig.rate.pauses[-1] == (provider, error.retry_after_s)
        assert rig.is_untouched
        rig.emulator.knobs.rate_limit_per_minute = None
        assert (await rig.submitted()).id in rig.emulator.tasks


@pytest.mark.parametrize("seconds", [1, 17])
async def test_a_retry_after_is_obeyed_by_the_whole_account(rig: Rig, seconds: int) -> None:
    """Of a create and of a question."""
    rig.emulator.faults.add("submit", "error", code=rig.words.too_fast, retry_after_s=seconds)
    rig.emulator.faults.add("status", "error", code=rig.words.too_fast, retry_after_s=seconds)
    created = await refused(rig)
    with pytest.raises(ProviderBusy) as asked:
        await rig.adapter.status("a-task")

    assert created.retry_after_s == asked.value.retry_after_s == seconds
    assert rig.rate.pauses == [(rig.name, float(seconds))] * 2


@pytest.mark.parametrize("status", [500, 503])
async def test_a_storm_over_questions_changes_nothing(rig: Rig, status: int) -> None:
    """Pages, nonsense and silence are asked again later; the task is still there."""
    task = await rig.ended()
    for kind in ("html", "garbage", "empty", "lose_answer", "reset_before", "reset_after", "cut"):
        # Twice: an HTTP client may repeat a question once by itself.
        rig.emulator.faults.add("status", kind, status=status, cut_after_bytes=10, times=2)
        with pytest.raises(ProviderError) as caught:
            await rig.adapter.status(task.id)
        assert not isinstance(caught.value, ProviderAccount | ProviderRejected | TaskNotFound), kind
        rig.emulator.faults.clear()

    assert (await rig.adapter.status(task.id)).state is TaskState.SUCCEEDED


async def test_a_web_page_with_404_does_not_say_that_a_task_is_gone(rig: Rig) -> None:
    """It is a proxy's."""
    task = await rig.submitted()
    rig.emulator.faults.add("status", "html", status=404)
    with pytest.raises(ProviderBusy):
        await rig.adapter.status(task.id)


async def test_too_many_tasks_at_once(provider: str) -> None:
    """One provider queues the task that it refuses; at the others nothing is made, and the create waits."""
    async with rig_of(provider, concurrency_limit=1) as rig:
        rig.emulator.next_outcome(hang=True)
        first = await rig.submitted()
        error = await refused(rig, "job-2")

        others = set(rig.emulator.tasks) - {first.id}
        assert type(error) is (ProviderAmbiguous if provider == MOVIE else ProviderBusy)
        assert len(others) == (provider == MOVIE)


async def test_a_lost_create_is_found_by_the_means_that_the_provider_has(rig: Rig) -> None:
    """In the list, under its key, or not at all; never does a second task come of it."""
    rig.emulator.faults.add("submit", "lose_answer")
    error = await refused(rig, "job-1")
    [task] = rig.emulator.tasks.values()

    assert type(error) is ProviderAmbiguous
    if rig.name == MOVIE:
        [found] = [one async for one in rig.adapter.list_tasks(since=task.created_at - MINUTE)]
        assert (found.task_id, found.seed, found.duration_s) == (task.id, rig.spec.seed, 5)
    elif rig.name == AI:
        receipt = await rig.adapter.submit(rig.create(key="job-1"))
        assert receipt.task_id == task.id
    else:
        assert not rig.adapter.traits.has_list
        assert not rig.adapter.traits.has_idempotency
    assert list(rig.emulator.tasks) == [task.id]


async def test_what_is_not_there_is_refused_not_answered_empty(rig: Rig) -> None:
    """An empty list would prove that a task is absent."""
    if rig.adapter.traits.has_list:
        assert [one async for one in rig.adapter.list_tasks(since=LONG_AGO)] == []
        return
    with pytest.raises(ProviderRejected):
        rig.adapter.list_tasks(since=LONG_AGO)
