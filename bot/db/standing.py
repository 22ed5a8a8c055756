"""Reading queries about limits and use: for moderators who look at a member or at their whole server."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import budget, quota
from bot.db.usage import paid_by_job
from bot.domain.money import Credits, Limit

Use = tuple[Credits, Credits]


async def limits(connection: AsyncConnection, guild_id: int) -> dict[tuple[str, int], Limit]:
    """Return every limit that a guild's moderators set, by scope and subject."""
    rows = await connection.execute(
        sa.select(quota).where(quota.c.guild_id == guild_id).order_by(quota.c.scope, quota.c.subject)
    )
    return {(row.scope, row.subject): None if row.limit_milli is None else Credits(row.limit_milli) for row in rows}


async def limit(connection: AsyncConnection, *, guild_id: int, scope: str, subject: int) -> tuple[bool, Limit]:
    """Return whether a limit is set, and which."""
    q = quota.c
    query = sa.select(q.limit_milli).where(q.guild_id == guild_id, q.scope == scope, q.subject == subject)
    row = (await connection.execute(query)).first()
    return row is not None, None if row is None or row.limit_milli is None else Credits(row.limit_milli)


async def use(
    connection: AsyncConnection, *, guild_id: int, level: str, subjects: Sequence[str], now: datetime
) -> dict[str, Use]:
    """Return what is settled and what is held in the running period, by subject; one without use is absent."""
    b = budget.c
    rows = await connection.execute(
        sa.select(b.subject, b.settled_milli, b.held_milli).where(
            b.guild_id == guild_id,
            b.level == level,
            b.subject.in_(subjects),
            b.starts_at <= now,
            b.ends_at > now,
        )
    )
    return {row.subject: (Credits(row.settled_milli), Credits(row.held_milli)) for row in rows}


async def top_spenders(
    connection: AsyncConnection, guild_id: int, *, since: datetime, limit: int
) -> list[tuple[int, Credits, int]]:
    """Return who spent most on jobs asked for since a moment, as (user id, credits, jobs that cost them something)."""
    paid = paid_by_job(guild_id, since=since).subquery("paid")
    spent = sa.func.sum(paid.c.member)
    rows = await connection.execute(
        sa.select(paid.c.user_id, spent, sa.func.count())
        .where(paid.c.member > 0)
        .group_by(paid.c.user_id)
        .order_by(spent.desc(), paid.c.user_id)
        .limit(limit)
    )
    return [(user_id, Credits(int(total)), count) for user_id, total, count in rows]
