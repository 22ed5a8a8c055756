"""Queries over many jobs: waiting and running places, fairness, past durations, callbacks, delivery parts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore, upsert, upserting
from bot.db.jobs import to_job
from bot.db.tables import callback, delivery_part, job, provider_state, served
from bot.domain.fairness import Waiting
from bot.domain.jobs import RUNNING_PLACES, WAITING_PLACES, Job, JobId, JobState

DEFAULT_EXPECTED_S = 120
PAST_JOBS = 20

_RUNNING = [state.value for state in RUNNING_PLACES]
_WAITING = [state.value for state in WAITING_PLACES]
_IN_DOUBT = [JobState.SUBMITTING.value, JobState.UNKNOWN.value]

# Statements that every job needs are built once and given their values.
_COUNT_WAITING = sa.select(sa.func.count()).where(
    job.c.guild_id == sa.bindparam("guild_id"), job.c.user_id == sa.bindparam("user_id"), job.c.state.in_(_WAITING)
)
_PAST = (
    sa.select(job.c.submitted_at, job.c.checked_at)
    .where(
        job.c.model == sa.bindparam("model"),
        job.c.finished_at.is_not(None),
        job.c.state == JobState.DELIVERED.value,
        job.c.submitted_at.is_not(None),
        job.c.checked_at.is_not(None),
    )
    .order_by(job.c.finished_at.desc())
    .limit(PAST_JOBS)
)
_OF_PROVIDER = provider_state.c.provider == sa.bindparam("of_provider")
_OF_JOB: sa.BindParameter[str] = sa.bindparam("of_job")


async def count_waiting(connection: AsyncConnection, *, guild_id: int, user_id: int) -> int:
    """Count a member's waiting jobs in a guild."""
    found = await connection.execute(_COUNT_WAITING, {"guild_id": guild_id, "user_id": user_id})
    return int(found.scalar_one())


async def expected_s(connection: AsyncConnection, *, model: str) -> int:
    """Return the middle of the last durations of this model's jobs, two minutes where there are none."""
    past = await connection.execute(_PAST, {"model": model})
    spans = sorted((checked_at - submitted_at).total_seconds() for submitted_at, checked_at in past)
    return max(1, round(spans[len(spans) // 2])) if spans else DEFAULT_EXPECTED_S


_LOCK_PROVIDER = sa.select(provider_state.c.provider).where(_OF_PROVIDER).with_for_update()


async def lock_provider(connection: AsyncConnection, provider: str) -> None:
    """Keep other dispatchers of this provider out until the transaction ends."""
    await insert_ignore(connection, provider_state, {"provider": provider})
    await connection.execute(_LOCK_PROVIDER, {"of_provider": provider})


#: A job in doubt keeps its place only so long: a provider's or member's places must not stay taken for a day.
DOUBT_KEEPS_PLACE = timedelta(minutes=15)


#: A job that has a running place: not a parked one, and not one that has been in doubt for long.
_OCCUPIES = sa.and_(
    job.c.state.in_(_RUNNING),
    job.c.parked_reason.is_(None),
    sa.or_(job.c.unknown_since.is_(None), job.c.unknown_since > sa.bindparam("doubted")),
)
_COUNT_RUNNING = sa.select(sa.func.count()).where(job.c.provider == sa.bindparam("provider"), _OCCUPIES)
_RUNNING_BY_MEMBER = (
    sa.select(job.c.guild_id, job.c.user_id, sa.func.count())
    .where(job.c.finished_at.is_(None), _OCCUPIES)
    .group_by(job.c.guild_id, job.c.user_id)
)


async def count_running(connection: AsyncConnection, provider: str, *, now: datetime) -> int:
    """Count the running places that a provider's jobs occupy."""
    found = await connection.execute(_COUNT_RUNNING, {"provider": provider, "doubted": now - DOUBT_KEEPS_PLACE})
    return int(found.scalar_one())


async def running_by_member(connection: AsyncConnection, *, now: datetime) -> dict[tuple[int, int], int]:
    """Count running places by guild and member, over all providers."""
    rows = await connection.execute(_RUNNING_BY_MEMBER, {"doubted": now - DOUBT_KEEPS_PLACE})
    return {(guild, user): count for guild, user, count in rows}


async def waiting_heads(connection: AsyncConnection, provider: str, *, now: datetime, deep: int) -> list[Waiting]:
    """Return each member's oldest `deep` queued jobs that are due."""
    place = sa.func.row_number().over(
        partition_by=(job.c.guild_id, job.c.user_id), order_by=(job.c.created_at, job.c.id)
    )
    ranked = (
        sa.select(job.c.id, job.c.guild_id, job.c.user_id, job.c.created_at, place.label("place"))
        .where(
            job.c.provider == provider,
            job.c.state == JobState.QUEUED.value,
            job.c.run_at <= now,
            job.c.parked_reason.is_(None),
        )
        .subquery()
    )
    rows = await connection.execute(sa.select(ranked).where(ranked.c.place <= deep))
    return [Waiting(JobId(row.id), row.guild_id, row.user_id, row.created_at) for row in rows]


_QUEUED_PROVIDERS = (
    sa.select(job.c.provider)
    .where(job.c.state == JobState.QUEUED.value, job.c.run_at <= sa.bindparam("now"), job.c.parked_reason.is_(None))
    .distinct()
)


async def queued_providers(connection: AsyncConnection, *, now: datetime) -> list[str]:
    """Return the providers that have due queued jobs."""
    return list((await connection.execute(_QUEUED_PROVIDERS, {"now": now})).scalars())


async def served_at(
    connection: AsyncConnection, provider: str
) -> tuple[dict[int, datetime], dict[tuple[int, int], datetime]]:
    """Return when guilds, and members in guilds, were last given a place."""
    rows = (await connection.execute(sa.select(served).where(served.c.provider == provider))).all()
    by_guild = {row.guild_id: row.at for row in rows if row.user_id == 0}
    by_member = {(row.guild_id, row.user_id): row.at for row in rows if row.user_id}
    return by_guild, by_member


async def mark_served(connection: AsyncConnection, provider: str, *, guild_id: int, user_id: int, at: datetime) -> None:
    """Note that a guild and its member were given a place."""
    statement = upserting(connection, served, ("provider", "guild_id", "user_id"), ("at",))
    both = [{"provider": provider, "guild_id": guild_id, "user_id": member, "at": at} for member in (0, user_id)]
    await connection.execute(statement, both)


_LAST_CALLBACK = (
    sa.select(callback.c.last_at).where(callback.c.job_id == _OF_JOB).order_by(callback.c.last_at.desc()).limit(1)
)


async def last_callback_at(connection: AsyncConnection, job_id: str) -> datetime | None:
    """Return when the newest callback for a job came."""
    moment: datetime | None = (await connection.execute(_LAST_CALLBACK, {"of_job": job_id})).scalar()
    return moment


async def callback_task(connection: AsyncConnection, job_id: str) -> str | None:
    """Return the task id that the newest callback for a job named."""
    query = (
        sa.select(callback.c.task_id)
        .where(callback.c.job_id == job_id, callback.c.task_id.is_not(None))
        .order_by(callback.c.last_at.desc())
        .limit(1)
    )
    task: str | None = (await connection.execute(query)).scalar()
    return task


#: So many jobs in a row found done without a callback: the provider's callbacks do not arrive.
SILENT_AFTER = 3


_CALLBACK_CAME = (
    sa.update(provider_state).where(_OF_PROVIDER, provider_state.c.polled_in_a_row > 0).values(polled_in_a_row=0)
)


async def note_finding(connection: AsyncConnection, provider: str, *, job_id: str) -> None:
    """Count a job found done without a callback; one that had its callback begins the count anew."""
    had_callback = await last_callback_at(connection, job_id) is not None
    counted = provider_state.c.polled_in_a_row
    if had_callback:
        await connection.execute(_CALLBACK_CAME, {"of_provider": provider})
        return
    await insert_ignore(connection, provider_state, {"provider": provider})
    await connection.execute(
        sa.update(provider_state).where(provider_state.c.provider == provider).values(polled_in_a_row=counted + 1)
    )


_POLLED_IN_A_ROW = sa.select(provider_state.c.polled_in_a_row).where(_OF_PROVIDER)


async def are_callbacks_silent(connection: AsyncConnection, provider: str) -> bool:
    """Whether a provider's callbacks have not arrived for the last jobs."""
    found = await connection.execute(_POLLED_IN_A_ROW, {"of_provider": provider})
    return int(found.scalar() or 0) >= SILENT_AFTER


async def owners(connection: AsyncConnection, provider: str, task_ids: Sequence[str]) -> set[str]:
    """Return those of the tasks that some job has already."""
    rows = await connection.execute(
        sa.select(job.c.task_id).where(job.c.provider == provider, job.c.task_id.in_(task_ids))
    )
    return {row.task_id for row in rows}


async def unresolved(connection: AsyncConnection, provider: str, *, but: str) -> list[Job]:
    """Return the other jobs of a provider whose create may have made a task that is not known yet."""
    rows = await connection.execute(
        sa.select(job).where(
            job.c.provider == provider,
            job.c.id != but,
            job.c.task_id.is_(None),
            job.c.submitted_at.is_not(None),
            sa.or_(job.c.state.in_(_IN_DOUBT), job.c.watch_until.is_not(None)),
        )
    )
    return [to_job(row) for row in rows]


_PARTS = (
    sa.select(delivery_part)
    .where(delivery_part.c.job_id == _OF_JOB, delivery_part.c.number == sa.bindparam("of_number"))
    .order_by(delivery_part.c.part)
)
_PART = sa.and_(
    delivery_part.c.job_id == _OF_JOB,
    delivery_part.c.number == sa.bindparam("of_number"),
    delivery_part.c.part == sa.bindparam("of_part"),
)
_RECEIPT = sa.update(delivery_part).where(_PART)


async def parts(connection: AsyncConnection, job_id: str, number: int) -> list[Any]:
    """Return the messages that a delivery meant to make, oldest first."""
    return list((await connection.execute(_PARTS, {"of_job": job_id, "of_number": number})).all())


async def are_in_doubt(connection: AsyncConnection, job_id: str, *, before: int, rung: str) -> bool:
    """Whether a delivery earlier than number `before` meant to make a message on that rung and never heard of it."""
    d = delivery_part.c
    query = sa.select(d.part).where(d.job_id == job_id, d.number < before, d.rung == rung, d.message_id.is_(None))
    return (await connection.execute(query.limit(1))).first() is not None


async def intend(
    connection: AsyncConnection,
    *,
    job_id: str,
    number: int,
    part: int,
    rung: str,
    channel_id: int,
    now: datetime,
    pictures: Sequence[int] = (),
) -> None:
    """Write down a message that is about to be sent, and the numbers of the pictures that it brings."""
    values = {"rung": rung, "channel_id": channel_id, "intended_at": now, "message_id": None, "posted_at": None}
    await upsert(
        connection,
        delivery_part,
        {"job_id": job_id, "number": number, "part": part},
        values | {"pictures": ",".join(map(str, pictures)) or None},
    )


async def carry_over(connection: AsyncConnection, *, job_id: str, before: int, after: int) -> None:
    """Make the messages that an earlier delivery posted part of another, which then posts only what is missing."""
    d = delivery_part.c
    await connection.execute(
        sa.update(delivery_part)
        .where(d.job_id == job_id, d.number == before, d.message_id.is_not(None))
        .values(number=after)
    )


async def forget_intent(connection: AsyncConnection, *, job_id: str, number: int, part: int) -> None:
    """Take back an intent whose message surely does not exist."""
    d = delivery_part.c
    await connection.execute(
        sa.delete(delivery_part).where(d.job_id == job_id, d.number == number, d.part == part, d.message_id.is_(None))
    )


async def posted(
    connection: AsyncConnection, *, job_id: str, number: int, part: int, channel_id: int, message_id: int, now: datetime
) -> None:
    """Store Discord's receipt."""
    which = {"of_job": job_id, "of_number": number, "of_part": part}
    receipt = {"channel_id": channel_id, "message_id": message_id, "posted_at": now}
    await connection.execute(_RECEIPT, which | receipt)


_CANCEL_REQUESTED = sa.select(job.c.cancel_requested_at).where(job.c.id == _OF_JOB).with_for_update()


async def cancel_requested(connection: AsyncConnection, job_id: str) -> bool:
    """Whether a cancel was asked for. The row stays locked: one that comes now waits for the step's own move."""
    return (await connection.execute(_CANCEL_REQUESTED, {"of_job": job_id})).scalar() is not None
