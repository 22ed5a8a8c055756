"""The books against a provider's own record: each kind of difference, and that exact books have none."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.errors import ProviderAccount, ProviderBusy, ProviderUnreachable
from bot.domain.jobs import Job, JobState, TaskState
from bot.ports import ProviderTraits
from bot.services.reconcile import MOST_ASKED, Reconcile, Report
from tests.services.fakes import LOST, P1, FakeProvider
from tests.services.world import World

S = JobState
#: As seedance2ai: no list, no balance.
ASKED = ProviderTraits(
    has_list=False, has_cancel=False, has_balance=False, has_callback=False, has_idempotency=True, takes_links=True
)
#: As seedance-tv: neither a list nor keys, and no cost in its answers.
BLIND = ProviderTraits(has_list=False, has_cancel=False, has_balance=True, has_callback=False, has_idempotency=False)


@dataclass
class Account(FakeProvider):
    """A provider whose account has a balance."""

    credits: Decimal = Decimal(500)
    balance_script: list[Exception] = field(default_factory=list)

    async def balance(self) -> Decimal | None:
        if self.balance_script:
            raise self.balance_script.pop(0)
        return self.credits


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose provider has a balance."""
    return _with(make_world(), Account)


def _with(world: World, kind: type[FakeProvider], **values: object) -> World:
    world.provider = kind(world.clock, **values)
    world.restart()
    return world


async def _report(world: World, *, days: int = 7) -> Report:
    reconcile = Reconcile(world.database, world.clock, providers={P1: world.provider}, catalog=world.offered)
    (report,) = await reconcile.run(days=days)
    return report


def _kinds(report: Report) -> list[str]:
    return sorted(difference.kind for difference in report.differences)


async def _delivered(world: World) -> Job:
    return await world.until_state(await world.accept(), S.DELIVERED)


async def test_exact_books_have_no_difference(world: World) -> None:
    """A delivered, a failed and a running job agree with the provider's record; nothing is changed by looking."""
    await _delivered(world)
    world.provider.auto_finish = False
    failing = await world.until_state(await world.accept(), S.RUNNING)
    world.provider.tasks[failing.task_id].state = TaskState.FAILED
    await world.until_state(failing, S.FAILED)
    await world.until_state(await world.accept(), S.RUNNING)
    before = await world.entries()

    report = await _report(world)

    assert (report.differences, report.compared, report.balance) == ([], 3, Decimal(500))
    assert await world.entries() == before


async def test_a_task_that_nobody_asked_for_is_listed(world: World) -> None:
    """Somebody else used the key: the task, its model and its cost are named."""
    job = await _delivered(world)
    task = world.provider.add(dict(world.provider.creates[0]), state=TaskState.SUCCEEDED)
    task.body["seed"] = job.spec.seed + 1
    report = await _report(world)

    (difference,) = report.differences
    assert (difference.kind, difference.task_id, difference.job_id) == ("unmatched", task.task_id, None)
    assert "seedance-2.0" in difference.sentence
    assert "No job has it." in difference.sentence


async def test_a_task_that_may_be_a_doubted_jobs_says_whose(world: World) -> None:
    """The operator sees which job to look at again, and how."""
    world.provider.submit_script.append(LOST)
    job = await world.until_state(await world.accept(seed=7), S.UNKNOWN)
    await world.run_for(300)

    report = await _report(world)

    assert _kinds(report) == ["unknown", "unmatched"]
    assert all(job.id in difference.sentence for difference in report.differences)
    assert f"python -m bot jobs retry {job.id}" in " ".join(d.sentence for d in report.differences)


@pytest.mark.parametrize("traits", [None, ASKED])
async def test_a_task_that_vanished_is_listed(world: World, traits: ProviderTraits | None) -> None:
    """By the list where there is one, by asking where there is none."""
    job = await _delivered(world)
    if traits is not None:
        world.provider.traits = traits
    world.provider.tasks.clear()

    report = await _report(world)

    assert [(d.kind, d.job_id) for d in report.differences] == [("missing", job.id)]


@pytest.mark.parametrize("traits", [None, ASKED])
async def test_a_charge_that_is_not_what_was_settled_is_listed(world: World, traits: ProviderTraits | None) -> None:
    """Both amounts are in the sentence; the price row that the receipt contradicts has a line of its own."""
    job = await _delivered(world)
    if traits is not None:
        world.provider.traits = traits
    world.provider.tasks[job.task_id].cost = Decimal("9.204")

    report = await _report(world)

    assert _kinds(report) == ["amount", "price"]
    amount = next(d for d in report.differences if d.kind == "amount")
    assert f"Job {job.id} was settled for 9.0" in amount.sentence
    assert "charged 9.204 of its credits, which are 9.21" in amount.sentence
    price = next(d for d in report.differences if d.kind == "price")
    assert "asks 9.0" in price.sentence
    assert "PRICES_FILE" in price.sentence


async def test_a_price_row_is_listed_once_however_many_receipts_contradict_it(world: World) -> None:
    """Three jobs settled for what they cost, two amounts: two lines, with an example each."""
    for cost in ("8", "8", "10"):
        world.provider.on_submit = lambda task, cost=cost: setattr(task, "cost", Decimal(cost))
        await _delivered(world)

    report = await _report(world)

    assert _kinds(report) == ["price", "price"]
    assert all("(3 of this row were compared)" in d.sentence for d in report.differences)


async def test_a_success_that_nobody_paid_is_listed(world: World) -> None:
    """A job that ended as failed, and whose task came to something all the same."""
    world.provider.auto_finish = False
    job = await world.until_state(await world.accept(), S.RUNNING)
    task = world.provider.tasks[job.task_id]
    task.state = TaskState.FAILED
    await world.until_state(job, S.FAILED)
    task.state = TaskState.SUCCEEDED

    report = await _report(world)

    assert [(d.kind, d.job_id) for d in report.differences] == [("unpaid", job.id)]
    assert "nobody was charged" in report.differences[0].sentence


async def test_a_job_settled_for_a_task_that_failed_is_listed(world: World) -> None:
    """The provider gave its credits back after all."""
    job = await _delivered(world)
    world.provider.tasks[job.task_id].state = TaskState.FAILED

    report = await _report(world)

    assert [(d.kind, d.job_id) for d in report.differences] == [("settled", job.id)]


async def test_a_job_in_doubt_at_a_provider_without_a_list_is_shown(world: World) -> None:
    """Nothing else can tell of it there."""
    world.provider.traits = BLIND
    world.provider.submit_script.append(LOST)
    job = await world.until_state(await world.accept(), S.UNKNOWN)

    report = await _report(world)

    assert [(d.kind, d.job_id) for d in report.differences] == [("unknown", job.id)]
    assert "with a task that nobody knows" in report.differences[0].sentence
    assert any("no task list" in note for note in report.notes)


async def test_a_balance_that_falls_faster_than_jobs_explain_is_listed(world: World) -> None:
    """The first look notes the balance, the second compares; a charge as settled is no difference."""
    world.provider.traits = BLIND
    first = await _report(world)
    world.clock.advance(60)
    await _delivered(world)
    world.provider.credits -= 9
    second = await _report(world)
    world.clock.advance(60)
    world.provider.credits -= 30
    third = await _report(world)

    assert (first.differences, second.differences) == ([], [])
    assert [d.kind for d in third.differences] == ["balance"]
    assert "lost 30 of its credits" in third.differences[0].sentence


async def test_credits_that_were_bought_are_only_noted(world: World) -> None:
    """More than before is good news."""
    await _report(world)
    world.clock.advance(60)
    world.provider.credits += 1000

    report = await _report(world)

    assert report.differences == []
    assert any("1000 more" in note for note in report.notes)


async def test_a_clip_cheaper_than_its_price_shows_in_the_balance(world: World) -> None:
    """A price that was guessed too high is seen where no receipt tells."""
    world.provider.traits = BLIND
    await _report(world)
    world.clock.advance(60)
    await _delivered(world)
    world.provider.credits -= 5

    report = await _report(world)

    assert [d.kind for d in report.differences] == ["balance"]
    assert "a price in the table is too high" in report.differences[0].sentence


async def test_turns_are_waited_for(world: World) -> None:
    """A rate budget with no turn just now is no difference; one that never has one ends the comparison of that
    provider."""
    await _delivered(world)
    world.provider.list_script.extend([ProviderBusy("paced", retry_after_s=40)] * 2)
    began_at = world.clock.now()
    patient = await _report(world)
    waited = world.clock.now() - began_at
    world.provider.list_script.extend([ProviderBusy("paced", retry_after_s=40)] * 20)
    given_up = await _report(world)

    assert (patient.differences, waited) == ([], timedelta(seconds=80))
    assert _kinds(given_up) == ["no_answer"]


async def test_where_there_is_no_list_nothing_is_said_to_be_watched(world: World) -> None:
    """A task that nobody can name cannot turn up by itself."""
    world.provider.traits = BLIND
    world.provider.submit_script.append(LOST)
    job = await world.accept()
    await world.until_state(job, JobState.EXPIRED, within_s=3 * 86_400)

    (difference,) = (await _report(world)).differences

    assert "only seedance2-movie's own site can tell" in difference.sentence


async def test_a_provider_that_is_down_says_so(world: World) -> None:
    """What the own books tell is shown all the same."""
    world.provider.list_script.append(ProviderUnreachable("refused"))

    assert _kinds(await _report(world)) == ["no_answer"]


async def test_a_dead_key_is_named(world: World) -> None:
    """Trying again later does not help there."""
    world.provider.list_script.append(ProviderAccount("INVALID_API_KEY"))

    (difference,) = (await _report(world)).differences

    assert (difference.kind, "check the key" in difference.sentence) == ("no_answer", True)


async def test_the_number_of_requests_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a list only the newest tasks are asked for, and a note says so."""
    monkeypatch.setattr("bot.services.reconcile.MOST_ASKED", 2)
    assert MOST_ASKED == 200
    for _ in range(3):
        await _delivered(world)
    world.provider.traits = ASKED
    asked = len(world.provider.status_times)

    report = await _report(world)

    assert len(world.provider.status_times) - asked == 2
    assert any("newest 2 of 3" in note for note in report.notes)
