"""The own books against the providers' records: what each provider lets be asked, in sentences for the operator.

Nothing of a job or of the ledger is changed; the balance that was seen is noted for the next time.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from bot.clock import Clock
from bot.db import reconcile
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import ProviderAccount, ProviderBusy, ProviderError, Refused, TaskNotFound
from bot.domain.jobs import FINAL, Job, JobState, TaskState, TaskStatus
from bot.domain.money import ZERO, Credits
from bot.ports import Provider
from bot.services.matching import could_be

T = TypeVar("T")

MOST_ASKED = 200  # tasks that are asked for one by one
MOST_JOBS = 10_000
TURNS_MAX = 5  # for one request
WAIT_MAX_S = 300.0  # for one turn
#: A create under way has a task before it has told us.
FRESH = timedelta(minutes=5)
#: An account may be this far off before it is worth a line: rounding, in the provider's credits.
BALANCE_TOLERANCE = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree. `kind` is for programs: `unmatched`, `missing`, `amount`, `unpaid`, `settled`,
    `unknown`, `price`, `balance`, `no_answer`."""

    kind: str
    sentence: str
    job_id: str | None = None
    task_id: str | None = None


@dataclass(slots=True)
class Report:
    """What was compared at one provider, and what does not agree."""

    provider: str
    compared: int = 0
    balance: Decimal | None = None
    notes: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def add(self, kind: str, sentence: str, *, job: Job | None = None, task_id: str | None = None) -> None:
        """Note a difference."""
        self.differences.append(Difference(kind, sentence, None if job is None else job.id, task_id))


@dataclass(slots=True)
class _Receipts:
    """Costs that providers named and prices that the table gives, for one row of the table."""

    count: int = 0
    examples: dict[tuple[Credits, Credits], Job] = field(default_factory=dict)


class Reconcile:
    """Compares. Every request waits for its turn in the account's rate budget, behind submits."""

    def __init__(
        self, database: Database, clock: Clock, *, providers: Mapping[str, Provider], catalog: Catalog
    ) -> None:
        self._database = database
        self._clock = clock
        self._providers = providers
        self._catalog = catalog

    async def run(self, *, days: int) -> list[Report]:
        """Compare what the last `days` brought, provider by provider. A few reads each, one transaction for a balance.

        At most 200 tasks of a provider are asked for one by one.
        """
        return [await self._compare(provider, days) for provider in self._providers.values()]

    async def _compare(self, provider: Provider, days: int) -> Report:
        report = Report(provider.name)
        now = self._clock.now()
        since = now - timedelta(days=days)
        async with self._database.read() as connection:
            recent = await reconcile.with_task(connection, provider.name, since=since, limit=MOST_JOBS)
            doubted = await reconcile.in_doubt(connection, provider.name)
        try:
            tasks = await self._listed(provider, since)
            await self._unmatched(report, tasks, doubted)
            await self._one_by_one(report, provider, tasks, recent)
            await self._judge_all(report, tasks)
            await self._judge_balance(report, provider)
        except ProviderAccount as error:
            sentence = (
                f"{provider.name}: the account cannot be used ({error.code}); check the key and the credits there."
            )
            report.add("no_answer", sentence)
        except ProviderError as error:
            report.add("no_answer", f"{provider.name} does not answer as it should ({error.code}); try again later.")
        _doubts(report, doubted, now, has_list=provider.traits.has_list)
        if not provider.traits.has_list:
            report.notes.append("There is no task list here: a task that no job knows of cannot be seen.")
        return report

    async def _listed(self, provider: Provider, since: datetime) -> dict[str, TaskStatus]:
        if not provider.traits.has_list:
            return {}

        async def read() -> dict[str, TaskStatus]:
            return {task.task_id: task async for task in provider.list_tasks(since=since)}

        return await self._in_turn(read)

    async def _one_by_one(
        self, report: Report, provider: Provider, tasks: dict[str, TaskStatus], recent: list[Job]
    ) -> None:
        """Ask for the tasks that no list told of, the newest first."""
        asked = [job for job in recent if job.task_id not in tasks]
        for job in asked[:MOST_ASKED]:
            task_id = job.task_id or ""
            try:
                tasks[task_id] = await self._in_turn(partial(provider.status, task_id))
            except TaskNotFound:
                sentence = f"Job {job.id} is {job.state}, but {provider.name} does not know its task {task_id}."
                report.add("missing", sentence, job=job, task_id=task_id)
        if len(asked) > MOST_ASKED:
            report.notes.append(f"Only the newest {MOST_ASKED} of {len(asked)} tasks were asked for; use fewer --days.")

    async def _in_turn(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask, and again a few times where it was not our turn or the provider was busy.

        Raises:
            ProviderError: no usable answer.
        """
        for _ in range(TURNS_MAX - 1):
            try:
                return await ask()
            except ProviderBusy as error:
                if error.retry_after_s is None or error.retry_after_s > WAIT_MAX_S:
                    raise
                await self._clock.sleep(error.retry_after_s)
        return await ask()

    async def _unmatched(self, report: Report, tasks: Mapping[str, TaskStatus], doubted: list[Job]) -> None:
        """List the tasks that no job has, and whose they may be."""
        async with self._database.read() as connection:
            owned = await reconcile.by_task(connection, report.provider, list(tasks))
        for task in tasks.values():
            if task.task_id in owned:
                continue
            possible = [job for job in doubted if job.task_id is None and could_be(job, task)]
            is_fresh = task.created_at is not None and self._clock.now() - task.created_at < FRESH
            if is_fresh and any(job.state is JobState.SUBMITTING for job in possible):
                continue
            whose = " or ".join(job.id for job in possible)
            tail = f"It may be the task of job {whose}, which is in doubt." if possible else "No job has it."
            report.add("unmatched", f"{_described(task)}. {tail}", task_id=task.task_id)

    async def _judge_all(self, report: Report, tasks: Mapping[str, TaskStatus]) -> None:
        """Compare every task with its job as it is now, so that what moved meanwhile is no difference."""
        async with self._database.read() as connection:
            owned = await reconcile.by_task(connection, report.provider, list(tasks))
        receipts: dict[str, _Receipts] = {}
        for task_id, job in owned.items():
            task = tasks[task_id]
            report.compared += 1
            self._judge(report, job, task)
            self._file(receipts, job, task)
        for row, filed in receipts.items():
            for (price, cost), job in filed.examples.items():
                sentence = (
                    f"The price table asks {price} for {row} as in job {job.id}, but {report.provider} charged {cost}"
                    f" ({filed.count} of this row were compared). Correct the row in PRICES_FILE."
                )
                report.add("price", sentence, job=job, task_id=job.task_id)

    def _judge(self, report: Report, job: Job, task: TaskStatus) -> None:
        is_made = task.state is TaskState.SUCCEEDED
        has_failed = task.state in (TaskState.FAILED, TaskState.EXPIRED, TaskState.CANCELLED)
        if is_made and job.state in FINAL and job.actual is None:
            cost = "" if task.cost is None else f" and cost {_plain(task.cost)} of its credits"
            sentence = f"Task {task.task_id} succeeded{cost}, but job {job.id} is {job.state} and nobody was charged."
            report.add("unpaid", sentence, job=job, task_id=task.task_id)
        elif has_failed and job.actual is not None:
            sentence = (
                f"Job {job.id} was settled for {job.actual}, but {report.provider} says that its task"
                f" {task.task_id} {_ended(task.state)}."
            )
            report.add("settled", sentence, job=job, task_id=task.task_id)
        elif is_made and job.actual is not None and task.cost is not None:
            cost_here = self._catalog.convert(report.provider, task.cost)
            if cost_here != job.actual:
                sentence = (
                    f"Job {job.id} was settled for {job.actual}; {report.provider} charged {_plain(task.cost)} of its"
                    f" credits, which are {cost_here} at today's rate."
                )
                report.add("amount", sentence, job=job, task_id=task.task_id)

    def _file(self, receipts: dict[str, _Receipts], job: Job, task: TaskStatus) -> None:
        """Compare a receipt with the row of the price table that covers its request today."""
        if task.state is not TaskState.SUCCEEDED or task.cost is None:
            return
        try:
            price = self._catalog.quote(job.spec)
        except (Refused, KeyError):
            return  # no longer offered
        spec = job.spec
        row = " ".join(part for part in (spec.model, spec.resolution, spec.rendering) if part)
        filed = receipts.setdefault(row, _Receipts())
        filed.count += 1
        cost = self._catalog.convert(job.provider, task.cost)
        if cost != price:
            filed.examples.setdefault((price, cost), job)

    async def _judge_balance(self, report: Report, provider: Provider) -> None:
        """Compare what the account lost since the last time with what jobs were charged."""
        if not provider.traits.has_balance:
            report.notes.append("There is no balance to ask for here.")
            return
        report.balance = await self._in_turn(provider.balance)
        if report.balance is None:
            return
        now = self._clock.now()
        async with self._database.read() as connection:
            before = await reconcile.last_balance(connection, provider.name)
            under_way = await reconcile.at_work(connection, provider.name)
            since = now if before is None else datetime.fromisoformat(before["at"]).astimezone(UTC)
            spent = await reconcile.spent(connection, provider.name, since=since)
        after = {"at": now.isoformat(), "amount": str(report.balance), "under_way": under_way.milli}
        async with self._database.begin() as connection:
            await reconcile.note_balance(connection, provider.name, before, after)
        if before is None:
            report.notes.append(f"The balance is noted; the next run compares {provider.name}'s charges with it.")
            return
        lost = Decimal(before["amount"]) - report.balance
        self._judge_trend(
            report, lost, since, spent=spent, under_way=under_way, begun=Credits(int(before["under_way"]))
        )

    def _judge_trend(
        self, report: Report, lost: Decimal, since: datetime, *, spent: Credits, under_way: Credits, begun: Credits
    ) -> None:
        """`begun` is what the jobs under way at `since` were held for: charged before it or after."""
        rate = self._catalog.rates[report.provider]
        most = (spent + under_way + begun).amount / rate
        least = max(Decimal(0), (spent - begun if spent > begun else ZERO).amount / rate)
        at = f"{since:%Y-%m-%d %H:%M} UTC"
        if lost < -BALANCE_TOLERANCE:
            report.notes.append(
                f"The account has {_plain(-lost)} more of its credits than at {at}: somebody added some."
            )
        elif lost > most + BALANCE_TOLERANCE:
            sentence = (
                f"The account lost {_plain(lost)} of its credits since {at}, but jobs explain {_plain(most)} at most."
                " Somebody else uses the key, or a price in the table is too low."
            )
            report.add("balance", sentence)
        elif lost < least - BALANCE_TOLERANCE:
            sentence = (
                f"The account lost {_plain(lost)} of its credits since {at}, but jobs were charged {_plain(least)} at"
                " least. Credits were added, or a price in the table is too high."
            )
            report.add("balance", sentence)


def _doubts(report: Report, doubted: list[Job], now: datetime, *, has_list: bool) -> None:
    """List the jobs that only the operator can end before their deadline does."""
    for job in doubted:
        if job.state is JobState.SUBMITTING and now - (job.submitted_at or now) < FRESH:
            continue
        since = job.unknown_since or job.submitted_at or job.created_at
        task = f"task {job.task_id}" if job.task_id else "a task that nobody knows"
        if job.state is JobState.EXPIRED and job.task_id is None and not has_list:
            todo = f"Its hold was released; only {report.provider}'s own site can tell whether a clip was made."
        elif job.state is JobState.EXPIRED:
            todo = f"Its hold was released; it is watched until {job.watch_until:%Y-%m-%d}."
        else:
            todo = f"Look again: python -m bot jobs retry {job.id}. Give it up: python -m bot jobs fail {job.id}."
        if job.task_id is None:
            todo += f" If you know its task: python -m bot jobs retry {job.id} --task TASK."
        sentence = f"Job {job.id} is {job.state} since {since:%Y-%m-%d %H:%M} UTC, with {task}. {todo}"
        report.add("unknown", sentence, job=job, task_id=job.task_id)


def _described(task: TaskStatus) -> str:
    when = "" if task.created_at is None else f" of {task.created_at:%Y-%m-%d %H:%M} UTC"
    what = "" if task.model_name is None else f" by {task.model_name}"
    cost = "" if task.cost is None else f", cost {_plain(task.cost)}"
    return f"Task {task.task_id}{when}{what} is {task.state.value}{cost}"


def _ended(state: TaskState) -> str:
    return {TaskState.FAILED: "failed", TaskState.EXPIRED: "expired"}.get(state, "was cancelled")


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
