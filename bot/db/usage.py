"""What a guild's jobs came to, grouped in the database, and its audit lines. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import audit, hold, job, ledger_entry
from bot.domain.budgets import Level
from bot.domain.jobs import JobState

#: How each kind of entry changes what an account has paid for a job, in signs.
PAID = {"settle": 1, "extra": 1, "overrun": 1, "refund": -1}
#: A thread counts as its parent channel; jobs from before that was kept have 0 there.
CHANNEL = sa.func.coalesce(sa.func.nullif(job.c.parent_channel_id, 0), job.c.channel_id)
COLUMNS: dict[str, sa.ColumnElement[Any]] = {"member": job.c.user_id, "model": job.c.model, "channel": CHANNEL}


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums of one group. `key` is a user id, channel id, model or the number of a day; amounts in millicredits."""

    key: Any
    jobs: int
    delivered: int
    failed: int
    member_milli: int
    pool_milli: int


async def by_column(
    connection: AsyncConnection, by: str, *, guild_id: int, starts_at: datetime, ends_at: datetime
) -> list[Counts]:
    """Group the jobs asked for from `starts_at` up to `ends_at`; `by` is `member`, `model` or `channel`."""
    return await _grouped(connection, COLUMNS[by], guild_id=guild_id, starts_at=starts_at, ends_at=ends_at)


async def by_day(
    connection: AsyncConnection, starts: Sequence[datetime], *, guild_id: int, ends_at: datetime
) -> list[Counts]:
    """Group the jobs asked for from the first of `starts` up to `ends_at` by the last start at or before them.

    `starts` are in order, one for each day; a group's key is its place there. Days without jobs are absent.
    """
    return await _grouped(connection, _place(starts), guild_id=guild_id, starts_at=starts[0], ends_at=ends_at)


def _place(starts: Sequence[datetime], first: int = 0) -> sa.ColumnElement[int]:
    """Say in SQL between which two days a job lies, by halving: nine comparisons for a year, daylight saving or not."""
    if len(starts) == 1:
        return sa.literal(first)
    half = len(starts) // 2
    return sa.case(
        (job.c.created_at < starts[half], _place(starts[:half], first)), else_=_place(starts[half:], first + half)
    )


async def _grouped(
    connection: AsyncConnection, key: sa.ColumnElement[Any], *, guild_id: int, starts_at: datetime, ends_at: datetime
) -> list[Counts]:
    """Count jobs and money in a query each. The caller's transaction lets both see the same moment.

    Only jobs that ever held credits count: a quote that was never confirmed is no job yet.
    """
    asked = (
        sa.select(job.c.id, key.label("key"), job.c.state, job.c.submitted_at)
        .where(
            job.c.guild_id == guild_id,
            job.c.created_at >= starts_at,
            job.c.created_at < ends_at,
            sa.exists().where(hold.c.job_id == job.c.id),
        )
        .subquery("asked")
    )
    counted = (await connection.execute(_count(asked))).all()
    paid = {row.key: row for row in await connection.execute(_sum(asked))}
    return [
        Counts(
            row.key,
            int(row.jobs),
            int(row.delivered),
            int(row.failed),
            int(paid[row.key].member) if row.key in paid else 0,
            int(paid[row.key].pool) if row.key in paid else 0,
        )
        for row in counted
    ]


def _count(asked: sa.Subquery) -> sa.Select[Any]:
    """Count by outcome. Given up after it was sent to the provider is failed; an approval that lapsed is not."""
    is_delivered = asked.c.state == JobState.DELIVERED.value
    was_given_up = sa.and_(asked.c.state == JobState.EXPIRED.value, asked.c.submitted_at.is_not(None))
    is_failed = sa.or_(asked.c.state == JobState.FAILED.value, was_given_up)
    return sa.select(
        asked.c.key,
        sa.func.count().label("jobs"),
        sa.func.sum(sa.case((is_delivered, 1), else_=0)).label("delivered"),
        sa.func.sum(sa.case((is_failed, 1), else_=0)).label("failed"),
    ).group_by(asked.c.key)


def _sum(asked: sa.Subquery) -> sa.Select[Any]:
    """Sum what members and the pool paid."""
    return _paid(asked.c.key).join(asked, asked.c.id == ledger_entry.c.job_id).group_by(asked.c.key)


def paid_by_job(guild_id: int, *, since: datetime) -> sa.Select[Any]:
    """Sum what a member (`user_id`) and the pool paid for each of a guild's jobs asked for since a moment."""
    return (
        _paid(job.c.user_id)
        .join(job, job.c.id == ledger_entry.c.job_id)
        .where(job.c.guild_id == guild_id, job.c.created_at >= since)
        .group_by(job.c.id, job.c.user_id)
    )


def _paid(key: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Sum what members and pools paid in the end. An account without a hold is a grant that a cost above the hold drew
    on."""
    entry = ledger_entry.c
    level = sa.func.coalesce(hold.c.level, Level.WALLET.value)
    sign = sa.case(PAID, value=entry.kind, else_=0)
    of_member = level.in_((Level.ALLOWANCE.value, Level.WALLET.value))
    return (
        sa.select(
            key,
            sa.func.sum(sa.case((of_member, sign * entry.amount_milli), else_=0)).label("member"),
            sa.func.sum(sa.case((level == Level.POOL.value, sign * entry.amount_milli), else_=0)).label("pool"),
        )
        .select_from(ledger_entry)
        .outerjoin(hold, sa.and_(hold.c.job_id == entry.job_id, hold.c.account == entry.account))
        .where(entry.kind.in_(PAID))
    )


async def audit_lines(
    connection: AsyncConnection, *, guild_id: int, starts_at: datetime, ends_at: datetime, limit: int
) -> list[Any]:
    """Return a guild's changes in a span of time, newest first."""
    rows = await connection.execute(
        sa.select(audit)
        .where(audit.c.guild_id == guild_id, audit.c.at >= starts_at, audit.c.at < ends_at)
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    return list(rows.all())
