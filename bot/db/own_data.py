"""Everything that is stored about one person, read for that person."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import (
    audit,
    budget,
    callback,
    delivery_part,
    guild,
    hold,
    job,
    job_event,
    ledger_entry,
    member,
    quota,
    served,
    suspension,
    wallet_grant,
)
from bot.domain.budgets import Level

CHUNK = 500
MEMBER_LEVELS = (Level.ALLOWANCE.value, Level.WALLET.value)

Row = dict[str, Any]


async def _rows(connection: AsyncConnection, query: sa.Select[Any]) -> list[Row]:
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def guild_ids(connection: AsyncConnection, user_id: int) -> list[int]:
    """Return the servers that anything is stored of a person in, the one of their newest job first."""
    newest = sa.select(job.c.guild_id, sa.func.max(job.c.created_at).label("at")).where(job.c.user_id == user_id)
    found = [row.guild_id for row in await connection.execute(newest.group_by(job.c.guild_id).order_by(sa.desc("at")))]
    b = budget.c
    for query in (
        sa.select(wallet_grant.c.guild_id).where(wallet_grant.c.user_id == user_id),
        sa.select(b.guild_id).where(b.level == Level.ALLOWANCE.value, b.subject == str(user_id)),
        sa.select(member.c.guild_id).where(member.c.user_id == user_id),
        sa.select(suspension.c.guild_id).where(suspension.c.user_id == user_id),
    ):
        found += sorted(row.guild_id for row in await connection.execute(query.distinct()))
    return list(dict.fromkeys(found))


async def entries(connection: AsyncConnection, *, user_id: int, guild_id: int | None, limit: int) -> list[Any]:
    """Return a person's ledger entries, newest first: of their allowances and grants, and what their jobs took there.

    `guild_id` None: everywhere.
    """
    e, b, w = ledger_entry.c, budget.c, wallet_grant.c
    allowances = sa.select(sa.literal("budget:") + sa.cast(b.id, sa.String)).where(
        b.level == Level.ALLOWANCE.value, b.subject == str(user_id), *_in(guild_id, b.guild_id)
    )
    grants = sa.select(sa.literal("grant:") + sa.cast(w.id, sa.String)).where(
        w.user_id == user_id, *_in(guild_id, w.guild_id)
    )
    of_jobs = (
        sa.select(e.id)
        .join(job, job.c.id == e.job_id)
        .join(hold, sa.and_(hold.c.job_id == e.job_id, hold.c.account == e.account))
        .where(job.c.user_id == user_id, hold.c.level.in_(MEMBER_LEVELS), *_in(guild_id, job.c.guild_id))
    )
    own = sa.union(
        sa.select(e.id).where(e.account.in_(allowances)), sa.select(e.id).where(e.account.in_(grants)), of_jobs
    ).subquery()
    query = sa.select(ledger_entry).where(e.id.in_(sa.select(own.c.id))).order_by(e.id.desc()).limit(limit)
    return list((await connection.execute(query)).all())


def _in(guild_id: int | None, column: sa.ColumnElement[int]) -> list[sa.ColumnElement[bool]]:
    return [] if guild_id is None else [column == guild_id]


async def count_jobs(connection: AsyncConnection, user_id: int) -> int:
    """Count a person's jobs."""
    query = sa.select(sa.func.count()).select_from(job).where(job.c.user_id == user_id)
    return int((await connection.execute(query)).scalar_one())


async def jobs(connection: AsyncConnection, user_id: int, *, limit: int) -> list[Row]:
    """Return a person's newest jobs. Tokens, addresses and the provider's request are not read at all."""
    secret = {
        "interaction_token",
        "submit_body",
        "result_url",
        "result_urls",
        "last_frame_url",
        "clip_key",
        "user_id",
        "decided_by",
        "token",
        "parked_reason",
    }
    columns = [column for column in job.c if column.name not in secret]
    query = sa.select(*columns).where(job.c.user_id == user_id).order_by(job.c.created_at.desc(), job.c.id).limit(limit)
    return await _rows(connection, query)


#: What is kept of each job beside its row, by the name that it has in the file.
JOB_PARTS = {
    "history": (job_event, ("at", "after", "cause"), job_event.c.id),
    "callbacks": (callback, ("first_at", "last_at", "count"), callback.c.attempt),
    "messages": (
        delivery_part,
        ("number", "part", "channel_id", "message_id", "intended_at", "posted_at"),
        delivery_part.c.intended_at,
    ),
}


async def job_parts(connection: AsyncConnection, job_ids: Sequence[str]) -> dict[str, dict[str, list[Row]]]:
    """Return each job's history, callbacks and messages, oldest first, by the job's id."""
    found: dict[str, dict[str, list[Row]]] = {job_id: {name: [] for name in JOB_PARTS} for job_id in job_ids}
    for name, (table, columns, order) in JOB_PARTS.items():
        query = sa.select(table.c.job_id, *(table.c[column] for column in columns)).order_by(order)
        for start in range(0, len(job_ids), CHUNK):
            for row in await _rows(connection, query.where(table.c.job_id.in_(job_ids[start : start + CHUNK]))):
                found[row.pop("job_id")][name].append(row)
    return found


async def records(connection: AsyncConnection, user_id: int) -> dict[str, list[Row]]:
    """Return the small tables' rows on a person; of moderators' rows, without who made them."""
    b, w, q, s = budget.c, wallet_grant.c, quota.c, suspension.c
    allowances = sa.select(b.guild_id, b.starts_at, b.ends_at, b.limit_milli, b.settled_milli, b.held_milli)
    return {
        "owned_servers": await _rows(
            connection, sa.select(guild.c.guild_id).where(guild.c.owner_id == user_id).order_by(guild.c.guild_id)
        ),
        "allowances": await _rows(
            connection,
            allowances.where(b.level == Level.ALLOWANCE.value, b.subject == str(user_id)).order_by(b.starts_at),
        ),
        "wallet_grants": await _rows(
            connection,
            sa.select(*[column for column in w if column.name not in {"id", "user_id"}])
            .where(w.user_id == user_id)
            .order_by(w.id),
        ),
        "own_limits": await _rows(
            connection,
            sa.select(q.guild_id, q.limit_milli).where(q.scope == "member", q.subject == user_id).order_by(q.guild_id),
        ),
        "suspensions": await _rows(
            connection,
            sa.select(s.guild_id, s.at, s.until, s.reason).where(s.user_id == user_id).order_by(s.guild_id, s.at),
        ),
        "roles_last_seen": await _rows(
            connection,
            sa.select(member.c.guild_id, member.c.role_ids, member.c.seen_at)
            .where(member.c.user_id == user_id)
            .order_by(member.c.guild_id),
        ),
        "last_turns": await _rows(
            connection,
            sa.select(served.c.guild_id, served.c.provider, served.c.at)
            .where(served.c.user_id == user_id)
            .order_by(served.c.guild_id, served.c.provider),
        ),
    }


async def audit_lines(connection: AsyncConnection, user_id: int, *, limit: int) -> list[Any]:
    """Return the newest audit lines that a person made or that name them: what was done to their jobs does so in its
    detail."""
    a, user = audit.c, str(user_id)
    query = sa.select(audit).where(sa.or_(a.actor == user, a.subject.contains(user), a.detail.contains(user)))
    return list((await connection.execute(query.order_by(a.id.desc()).limit(limit))).all())
