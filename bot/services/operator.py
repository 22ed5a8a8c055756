"""The operator's levers: the ledger's proof, parked and hopeless jobs."""

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs, reports
from bot.db.engine import Database
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import ENDED_UNPAID, HOLDING, Job, JobState
from bot.services import settlement

LATE_WATCH = timedelta(days=7)
OPERATOR = "operator"
GIVEN_UP = f"given up by {OPERATOR}"
FIRST_WATCH = timedelta(minutes=1)

#: What each kind of entry does to an account: (settled, held) in signs.
EFFECTS = {
    "hold": (0, 1),
    "release": (0, -1),
    "settle": (1, -1),
    "extra": (1, 0),
    "overrun": (1, 0),
    "loss": (1, 0),
    "refund": (-1, 0),
    "grant": (0, 0),
    "revoke": (0, 0),
}


async def verify_ledger(database: Database) -> list[str]:
    """Recompute every balance from the entries. Returns one sentence per difference, none where all is exact."""
    async with database.snapshot() as connection:
        sums = await reports.sums(connection)
        balances = await reports.balances(connection)
        holds = await reports.open_holds(connection)
    held_by_account: dict[str, int] = {}
    for _, _, account, amount in holds:
        held_by_account[account] = held_by_account.get(account, 0) + amount
    problems = []
    for account, settled, held, granted, revoked in balances:
        kinds = sums.pop(account, {})
        expected_settled = sum(EFFECTS[kind][0] * total for kind, total in kinds.items())
        expected_held = sum(EFFECTS[kind][1] * total for kind, total in kinds.items())
        facts = [("settled", settled, expected_settled), ("held", held, expected_held)]
        if granted is not None:
            facts += [("granted", granted, kinds.get("grant", 0)), ("revoked", revoked or 0, kinds.get("revoke", 0))]
        facts.append(("open holds", held, held_by_account.get(account, 0)))
        problems += [
            f"{account}: {name} is {actual} millicredits, its entries say {expected}"
            for name, actual, expected in facts
            if actual != expected
        ]
    problems += [f"{account}: has entries but does not exist" for account in sums]
    holding = {state.value for state in HOLDING}
    problems += [
        f"job {job_id}: is {state} and still holds {amount} millicredits on {account}"
        for job_id, state, account, amount in holds
        if state not in holding
    ]
    return problems


async def retry_job(database: Database, clock: Clock, job_id: str) -> Job:
    """Give a parked job another go, or look at an unknown one now. One transaction.

    Raises:
        NotFound: no such job.
        Refused: `not_parked`.
    """
    async with database.begin() as connection:
        found = await jobs.lock(connection, job_id)
        if found is None:
            raise NotFound("job_not_found", job=job_id)
        if not found.is_parked and found.state is not JobState.UNKNOWN:
            raise Refused("not_parked", job=job_id, state=found.state.value)
        await jobs.update_any(connection, job_id, parked_reason=None, attempt=0, run_at=clock.now())
    return found


async def name_task(database: Database, clock: Clock, job_id: str, *, task_id: str) -> Job:
    """Tell which of the provider's tasks a job is: an unknown one, or one that ended without ever finding its own.

    The bot decides so only where nothing else can be meant; the operator, who sees the provider's own site, may know
    more. From here on the task is asked for as any other: a success of a job that had ended is delivered free of
    charge. One transaction.

    Raises:
        NotFound: no such job.
        Refused: `not_unknown`, or `task_taken` where another job has the task.
    """
    try:
        async with database.begin() as connection:
            return await _name_task(connection, job_id, task_id, now=clock.now())
    except IntegrityError as error:
        raise Refused("task_taken", task=task_id) from error


async def _name_task(connection: AsyncConnection, job_id: str, task_id: str, *, now: datetime) -> Job:
    found = await jobs.lock(connection, job_id)
    if found is None:
        raise NotFound("job_not_found", job=job_id)
    has_none = found.submitted_at is not None and found.task_id is None
    if not has_none or (found.state is not JobState.UNKNOWN and found.state not in ENDED_UNPAID):
        raise Refused("not_unknown", job=job_id, state=found.state.value)
    if found.state is not JobState.UNKNOWN:
        until = max(found.watch_until or now, now + LATE_WATCH)
        await jobs.update_any(connection, job_id, task_id=task_id, watch_until=until, attempt=0, run_at=now)
        return found
    return await jobs.move_locked(
        connection,
        found,
        JobState.RUNNING,
        now=now,
        cause=f"task named by the {OPERATOR}",
        run_at=now,
        task_id=task_id,
        unknown_since=None,
        missing_since=None,
        parked_reason=None,
    )


async def fail_job(database: Database, clock: Clock, job_id: str, *, actor: str = OPERATOR) -> Job:
    """Give a parked or unknown job up: its hold is released, and its task watched for a late success. One transaction.

    Raises:
        NotFound: no such job.
        Refused: `not_parked`.
    """
    async with database.begin() as connection:
        found = await jobs.lock(connection, job_id)
        if found is None:
            raise NotFound("job_not_found", job=job_id)
        if found.state not in HOLDING or not (found.is_parked or found.state is JobState.UNKNOWN):
            raise Refused("not_parked", job=job_id, state=found.state.value)
        now = clock.now()
        await settlement.release(connection, job_id=job_id, now=now, reason=f"given up by {actor}")
        after = JobState.EXPIRED if found.state is JobState.AWAITING_APPROVAL else JobState.FAILED
        return await jobs.move_locked(
            connection,
            found,
            after,
            now=now,
            cause=f"given up by {actor}",
            error_code="given_up",
            parked_reason=None,
            watch_until=now + LATE_WATCH if found.submitted_at else None,
            run_at=now + FIRST_WATCH,
        )
