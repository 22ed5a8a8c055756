"""Queries for those who look after a guild or the installation: open jobs, refunds, trouble, figures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.jobs import to_job
from bot.db.tables import budget, guild, job, wallet_grant
from bot.domain.budgets import Level
from bot.domain.jobs import Job, JobState

#: What a guild's moderators see as open, in the order of the board: what needs a decision first, then what waits.
#: A quote is between the bot and its member until it is confirmed.
ORDER = (
    JobState.AWAITING_APPROVAL,
    JobState.UNKNOWN,
    JobState.DELIVERING,
    JobState.FETCHING,
    JobState.RUNNING,
    JobState.SUBMITTING,
    JobState.PREPARING,
    JobState.QUEUED,
)
_OPEN = [state.value for state in ORDER]
_RANK = sa.case({state.value: rank for rank, state in enumerate(ORDER)}, value=job.c.state, else_=len(ORDER))


def _is_open(guild_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(job.c.guild_id == guild_id, job.c.finished_at.is_(None), job.c.state.in_(_OPEN))


async def count_open(connection: AsyncConnection, guild_id: int) -> int:
    """Count a guild's open jobs."""
    query = sa.select(sa.func.count()).where(_is_open(guild_id))
    return int((await connection.execute(query)).scalar_one())


async def open_jobs(
    connection: AsyncConnection, guild_id: int, *, oldest_first: bool, offset: int, limit: int
) -> list[Job]:
    """Return a part of a guild's open jobs, by state, and within a state by age."""
    age = job.c.created_at if oldest_first else job.c.created_at.desc()
    query = sa.select(job).where(_is_open(guild_id)).order_by(_RANK, age, job.c.id)
    return [to_job(row) for row in await connection.execute(query.offset(offset).limit(limit))]


async def refundable(connection: AsyncConnection, guild_id: int, *, limit: int) -> list[Job]:
    """Return a guild's delivered jobs that have not been refunded, newest first."""
    query = (
        sa.select(job)
        .where(
            job.c.guild_id == guild_id,
            job.c.state == JobState.DELIVERED.value,
            job.c.refunded_at.is_(None),
            job.c.actual_milli > 0,
        )
        .order_by(job.c.finished_at.desc(), job.c.id)
        .limit(limit)
    )
    return [to_job(row) for row in await connection.execute(query)]


async def mark_refunded(connection: AsyncConnection, job_id: str, *, now: datetime) -> bool:
    """Note that a job's credits went back. False where they had before."""
    done = await connection.execute(
        sa.update(job).where(job.c.id == job_id, job.c.refunded_at.is_(None)).values(refunded_at=now)
    )
    return done.rowcount == 1


async def spendable(connection: AsyncConnection, accounts: Sequence[str], *, now: datetime) -> set[str]:
    """Return those accounts whose credits can still be spent: the period runs, the grant has not expired."""
    ids = {kind: [int(a.partition(":")[2]) for a in accounts if a.startswith(f"{kind}:")] for kind in _TABLES}
    found: set[str] = set()
    for kind, table in _TABLES.items():
        ends_at = table.c.ends_at if kind == "budget" else table.c.expires_at
        query = sa.select(table.c.id).where(table.c.id.in_(ids[kind]), sa.or_(ends_at.is_(None), ends_at > now))
        found |= {f"{kind}:{row.id}" for row in await connection.execute(query)}
    return found


_TABLES = {"budget": budget, "grant": wallet_grant}


async def parked(connection: AsyncConnection, *, limit: int) -> list[str]:
    """Return the jobs that wait for the operator after failing in our own code, oldest first."""
    query = sa.select(job.c.id).where(job.c.parked_reason.is_not(None), job.c.finished_at.is_(None))
    return [row.id for row in await connection.execute(query.order_by(job.c.created_at).limit(limit))]


async def unresolved(connection: AsyncConnection, *, unknown_before: datetime, limit: int) -> list[str]:
    """Return the jobs whose task was not cleared up in time: in doubt since before a moment, or given up and still
    watched, oldest first."""
    in_doubt = sa.and_(job.c.state == JobState.UNKNOWN.value, job.c.unknown_since <= unknown_before)
    given_up = sa.and_(
        job.c.state == JobState.EXPIRED.value, job.c.watch_until.is_not(None), job.c.submitted_at.is_not(None)
    )
    query = sa.select(job.c.id).where(sa.or_(in_doubt, given_up)).order_by(job.c.created_at).limit(limit)
    return [row.id for row in await connection.execute(query)]


async def lost(connection: AsyncConnection, *, since: datetime, limit: int) -> list[str]:
    """Return the jobs whose clip was paid for and, since a moment, can never be fetched or posted, oldest first."""
    is_lost = sa.and_(job.c.state == JobState.UNDELIVERED.value, job.c.error_code == "clip_lost")
    query = sa.select(job.c.id).where(is_lost, job.c.finished_at >= since).order_by(job.c.finished_at)
    return [row.id for row in await connection.execute(query.limit(limit))]


async def waiting_for(connection: AsyncConnection, provider: str, *, limit: int) -> list[str]:
    """Return the jobs that wait for a place at a provider."""
    query = sa.select(job.c.id).where(job.c.provider == provider, job.c.state == JobState.QUEUED.value)
    return [row.id for row in await connection.execute(query.order_by(job.c.created_at.desc()).limit(limit))]


async def shared_budgets(connection: AsyncConnection, level: Level, *, now: datetime) -> list[Any]:
    """Return the budget rows of a shared level whose period runs now."""
    b = budget.c
    query = sa.select(budget).where(b.level == level.value, b.starts_at <= now, b.ends_at > now)
    return list((await connection.execute(query.order_by(b.guild_id, b.subject))).all())


async def waiting_in_left_guilds(connection: AsyncConnection, states: Sequence[str]) -> list[str]:
    """Return the jobs that are in one of `states` in a guild that the bot has left, oldest first."""
    query = (
        sa.select(job.c.id)
        .join(guild, guild.c.guild_id == job.c.guild_id)
        .where(guild.c.removed_at.is_not(None), job.c.finished_at.is_(None), job.c.state.in_(states))
        .order_by(job.c.created_at)
    )
    return [row.id for row in await connection.execute(query)]


async def claim_welcome(connection: AsyncConnection, guild_id: int, *, now: datetime) -> bool:
    """Note that a guild is greeted. False where it was before."""
    done = await connection.execute(
        sa.update(guild).where(guild.c.guild_id == guild_id, guild.c.welcomed_at.is_(None)).values(welcomed_at=now)
    )
    return done.rowcount == 1
