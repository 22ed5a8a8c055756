"""Job rows: reading, claiming with a lease, and fenced moves."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import journal
from bot.db.tables import guild, job, job_event
from bot.domain.errors import InvariantBroken, LeaseLost
from bot.domain.jobs import FINAL, CardTarget, Job, JobId, JobState, check_move
from bot.domain.money import Credits
from bot.domain.requests import Kind, MediaKind, Reference, ReferenceRole, Shot, Spec
from bot.domain.rules import GuildRules

LOGGED_PROMPT_CHARS = 200

#: Fields of a Job that are columns as they stand.
_PLAIN = [field.name for field in fields(Job) if field.name not in {"id", "spec", "state", "quote", "actual", "card"}]

# Statements that every job needs are built once and given their values: to build one takes longer than to run it.
_ONE = sa.select(job).where(job.c.id == sa.bindparam("job_id"))
_ONE_LOCKED = _ONE.with_for_update()
_ONE_WITH_SETTINGS = _ONE.add_columns(guild.c.settings).outerjoin_from(job, guild, guild.c.guild_id == job.c.guild_id)
_INSERT, _RECORD = sa.insert(job), sa.insert(job_event)
_IS_HELD = sa.and_(job.c.id == sa.bindparam("held_id"), job.c.token == sa.bindparam("held_token"))
_UPDATE_HELD = sa.update(job).where(_IS_HELD)
_FENCED = _UPDATE_HELD.returning(job)
_FENCED_ANEW = _FENCED.values(token=job.c.token + 1)
_UPDATE_ANY = sa.update(job).where(job.c.id == sa.bindparam("job_id"))


def encode_spec(spec: Spec) -> str:
    """Write a request as JSON."""
    return msgspec.json.encode(spec).decode()


@lru_cache(maxsize=256)
def decode_spec(text: str) -> Spec:
    """Read a request from JSON; what an older one lacks has its default. Every step of a job reads the same text."""
    raw: dict[str, Any] = msgspec.json.decode(text)
    shots = tuple(Shot(**item) for item in raw.pop("shots", ()))
    references = tuple(
        Reference(**(item | {"role": ReferenceRole(item["role"]), "kind": MediaKind(item["kind"])}))
        for item in raw.pop("references")
    )
    return Spec(**(raw | {"kind": Kind(raw["kind"])}), references=references, shots=shots)


def to_job(row: Any) -> Job:
    """Make a Job of a row of the job table."""
    card = CardTarget(
        application_id=row.application_id,
        interaction_token=row.interaction_token,
        token_expires_at=row.token_expires_at,
        channel_id=row.card_channel_id or row.channel_id,
        message_id=row.card_message_id,
    )
    return Job(
        id=JobId(row.id),
        spec=decode_spec(row.spec),
        state=JobState(row.state),
        quote=Credits(row.quote_milli),
        actual=None if row.actual_milli is None else Credits(row.actual_milli),
        card=card if row.application_id else None,
        **{name: getattr(row, name) for name in _PLAIN},
    )


async def insert(connection: AsyncConnection, new: Job, *, cause: str) -> None:
    """Write a new job and the first line of its history."""
    card = new.card
    values = {name: getattr(new, name) for name in _PLAIN}
    values |= {
        "id": new.id,
        "provider": new.provider,
        "model": new.spec.model,
        "spec": encode_spec(new.spec),
        "state": new.state.value,
        "quote_milli": new.quote.milli,
        "application_id": card.application_id if card else 0,
        "interaction_token": card.interaction_token if card else None,
        "token_expires_at": card.token_expires_at if card else None,
        "card_channel_id": card.channel_id if card else None,
        "card_message_id": card.message_id if card else None,
    }
    await connection.execute(_INSERT, values)
    await record(connection, new.id, at=new.created_at, before=None, after=new.state, cause=cause)


async def record(
    connection: AsyncConnection, job_id: str, *, at: datetime, before: JobState | None, after: JobState, cause: str
) -> None:
    """Add a line to a job's history."""
    line = {"job_id": job_id, "at": at, "before": before, "after": after.value, "cause": cause[:200]}
    await connection.execute(_RECORD, line)


async def note_job(connection: AsyncConnection, told: Job, event: str, *, now: datetime) -> None:
    """Add a line about a job for its guild's log channel; a private job's has no prompt."""
    await journal.note(
        connection,
        told.guild_id,
        event,
        now=now,
        job_id=told.id,
        user_id=told.user_id,
        channel_id=told.channel_id,
        model=told.spec.model,
        state=told.state.value,
        credits=str(told.cost),
        error_code=told.error_code,
        is_private=told.is_private,
        prompt=None if told.is_private else told.spec.prompt[:LOGGED_PROMPT_CHARS],
    )


async def get(connection: AsyncConnection, job_id: str) -> Job | None:
    """Read one job."""
    row = (await connection.execute(_ONE, {"job_id": job_id})).first()
    return None if row is None else to_job(row)


async def get_with_rules(connection: AsyncConnection, job_id: str) -> tuple[Job, GuildRules] | None:
    """Read one job with the rules of its guild, the defaults where that has no row."""
    row = (await connection.execute(_ONE_WITH_SETTINGS, {"job_id": job_id})).first()
    return None if row is None else (to_job(row), GuildRules.from_json(row.settings or "{}"))


async def lock(connection: AsyncConnection, job_id: str) -> Job | None:
    """Read one job and keep others from moving it until the transaction ends."""
    row = (await connection.execute(_ONE_LOCKED, {"job_id": job_id})).first()
    return None if row is None else to_job(row)


#: What a worker does by itself: open jobs (of quotes and approvals: show them, let them lapse) but queued ones, which
#: wait for their turn, and ended ones that are watched. In the words of the index, which has nothing else.
_MAY_BE_TAKEN = sa.and_(
    sa.or_(job.c.finished_at.is_(None), job.c.watch_until.is_not(None)),
    job.c.state != sa.literal_column(f"'{JobState.QUEUED.value}'"),
)
_IS_DUE = sa.and_(_MAY_BE_TAKEN, job.c.run_at <= sa.bindparam("now"), job.c.parked_reason.is_(None))
_DUE = sa.select(job.c.id).where(_IS_DUE).order_by(job.c.run_at).limit(sa.bindparam("most"))
_CLAIM = (
    sa.update(job)
    .where(job.c.id.in_(_DUE.with_for_update(skip_locked=True).scalar_subquery()))
    .values(run_at=sa.bindparam("until"), token=job.c.token + 1, attempt=job.c.attempt + 1)
    .returning(job)
)
_NEXT_DUE = sa.select(job.c.run_at).where(_IS_DUE).order_by(job.c.run_at).limit(1)


async def claim(connection: AsyncConnection, *, now: datetime, lease_s: float, most: int) -> list[Job]:
    """Take up to `most` due jobs: each gets a lease and a new token. Rows that another worker takes are skipped."""
    values = {"now": now, "most": most, "until": now + timedelta(seconds=lease_s)}
    return [to_job(row) for row in (await connection.execute(_CLAIM, values)).all()]


async def next_due_at(connection: AsyncConnection) -> datetime | None:
    """Return when the next job is due, None where none will be."""
    moment: datetime | None = (await connection.execute(_NEXT_DUE, {"now": _FAR})).scalar()
    return moment


_FAR = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


async def update_fenced(connection: AsyncConnection, held: Job, **values: Any) -> Job:
    """Change a job that this worker has the lease of, without moving it.

    A new `run_at` ends the lease or begins another: the token rises, so that a renewal still under way is void.

    Raises:
        LeaseLost: another worker has it now; the caller's transaction must roll back.
    """
    statement = _FENCED_ANEW if "run_at" in values else _FENCED
    changed = await connection.execute(statement, values | {"held_id": held.id, "held_token": held.token})
    row = changed.first()
    if row is None:
        raise LeaseLost(held.id)
    return to_job(row)


async def renew(connection: AsyncConnection, held: Job, *, run_at: datetime) -> bool:
    """Prolong a lease under the same token. False where it is lost."""
    values = {"run_at": run_at, "held_id": held.id, "held_token": held.token}
    return (await connection.execute(_UPDATE_HELD, values)).rowcount == 1


async def move_fenced(
    connection: AsyncConnection,
    held: Job,
    after: JobState,
    *,
    now: datetime,
    cause: str,
    run_at: datetime | None = None,
    **values: Any,
) -> Job:
    """Move a job that this worker has the lease of. With no `run_at` the lease stays and the next step may follow.

    Raises:
        LeaseLost: another worker has it now; the caller's transaction must roll back.
        InvariantBroken: the move is not allowed.
    """
    check_move(held.state, after)
    fresh: dict[str, Any] = {"state": after.value, "updated_at": now, "attempt": 0}
    if run_at is not None:
        fresh["run_at"] = run_at
    if after in FINAL:
        fresh |= {"finished_at": now}
    elif held.state in FINAL:
        is_late = held.is_late or held.state is not JobState.UNDELIVERED
        fresh |= {"finished_at": None, "is_late": is_late, "watch_until": None}
    changed = await update_fenced(connection, held, **(fresh | values))
    await record(connection, held.id, at=now, before=held.state, after=after, cause=cause)
    if after in FINAL and held.state is not JobState.QUOTED:
        await note_job(connection, changed, "job.ended", now=now)
    return changed


async def move_locked(
    connection: AsyncConnection, locked: Job, after: JobState, *, now: datetime, cause: str, **values: Any
) -> Job:
    """Move a job read by `lock` in this transaction, taking it from whatever worker has it.

    Raises:
        InvariantBroken: the move is not allowed.
    """
    taken = await connection.execute(
        sa.update(job)
        .where(job.c.id == locked.id, job.c.state == locked.state.value)
        .values(token=job.c.token + 1)
        .returning(job)
    )
    row = taken.first()
    if row is None:
        raise InvariantBroken(f"job {locked.id} moved while it was locked")
    return await move_fenced(connection, to_job(row), after, now=now, cause=cause, **values)


async def update_any(connection: AsyncConnection, job_id: str, **values: Any) -> bool:
    """Change columns that no lease guards (card, cancel request, told). False where there is no such job."""
    return bool((await connection.execute(_UPDATE_ANY, values | {"job_id": job_id})).rowcount)


async def name_candidate(connection: AsyncConnection, sent: Job, task_id: str) -> bool:
    """Note which task a create was answered with, where the job as it was `sent` is in doubt of that meanwhile."""
    in_doubt = job.c.state.in_([JobState.SUBMITTING.value, JobState.UNKNOWN.value])
    same = sa.and_(job.c.id == sent.id, job.c.submit_attempt == sent.submit_attempt, job.c.task_id.is_(None), in_doubt)
    return bool((await connection.execute(sa.update(job).where(same).values(candidate_task_id=task_id))).rowcount)


async def make_due(connection: AsyncConnection, job_id: str, *, now: datetime, states: Iterable[JobState]) -> bool:
    """Bring a waiting job's next step forward to now. A job that a worker has at the moment is left to it."""
    changed = await connection.execute(
        sa.update(job)
        .where(
            job.c.id == job_id,
            job.c.state.in_([s.value for s in states]),
            job.c.run_at > now,
            job.c.attempt == 0,
        )
        .values(run_at=now)
    )
    return bool(changed.rowcount)
