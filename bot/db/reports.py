"""Reading queries for people and operators."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.jobs import to_job
from bot.db.tables import budget, hold, job, job_event, ledger_entry, wallet_grant
from bot.domain.budgets import Level
from bot.domain.jobs import FINAL, OPEN, Job
from bot.domain.money import Credits

_FINAL = [state.value for state in FINAL]
_OPEN = sorted(state.value for state in OPEN)


async def jobs(
    connection: AsyncConnection,
    *,
    user_id: int | None,
    guild_id: int | None,
    state: str | None,
    only_open: bool,
    limit: int,
) -> list[Job]:
    """Return jobs that match, newest first."""
    query = sa.select(job).order_by(job.c.created_at.desc(), job.c.id).limit(limit)
    if user_id is not None:
        query = query.where(job.c.user_id == user_id)
    if guild_id is not None:
        query = query.where(job.c.guild_id == guild_id)
    if state is not None:
        query = query.where(job.c.state == state)
    if only_open:
        query = query.where(job.c.finished_at.is_(None))
    return [to_job(row) for row in await connection.execute(query)]


async def events(connection: AsyncConnection, job_id: str) -> list[Any]:
    """Return a job's history, oldest first."""
    rows = await connection.execute(sa.select(job_event).where(job_event.c.job_id == job_id).order_by(job_event.c.id))
    return list(rows.all())


async def moved_since(connection: AsyncConnection, after: int | None, *, cause: str) -> tuple[int, list[str]]:
    """Return the number of the newest move, and the jobs moved for `cause` after number `after` (None: none)."""
    newest = int((await connection.execute(sa.select(sa.func.max(job_event.c.id)))).scalar() or 0)
    if after is None:
        return newest, []
    query = sa.select(job_event.c.job_id).where(
        job_event.c.id > after, job_event.c.id <= newest, job_event.c.cause == cause
    )
    return newest, [row.job_id for row in await connection.execute(query)]


async def count_open(connection: AsyncConnection, *, guild_id: int, user_id: int) -> int:
    """Count a member's open jobs in a guild."""
    query = sa.select(sa.func.count()).where(
        job.c.guild_id == guild_id, job.c.user_id == user_id, job.c.finished_at.is_(None)
    )
    return int((await connection.execute(query)).scalar_one())


async def count_by_state(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """Count open jobs by state and provider."""
    query = (
        sa.select(job.c.state, job.c.provider, sa.func.count())
        .where(job.c.state.in_(_OPEN))
        .group_by(job.c.state, job.c.provider)
    )
    return [(state, provider, count) for state, provider, count in await connection.execute(query)]


async def member_accounts(connection: AsyncConnection, *, guild_id: int, user_id: int) -> dict[str, Credits]:
    """Return what is held on each account of a member, by key: allowances of every period, and grants."""
    b, w = budget.c, wallet_grant.c
    allowances = await connection.execute(
        sa.select(b.id, b.held_milli).where(
            b.level == Level.ALLOWANCE.value, b.guild_id == guild_id, b.subject == str(user_id)
        )
    )
    grants = await connection.execute(sa.select(w.id, w.held_milli).where(w.guild_id == guild_id, w.user_id == user_id))
    held = {f"budget:{row.id}": Credits(row.held_milli) for row in allowances}
    return held | {f"grant:{row.id}": Credits(row.held_milli) for row in grants}


async def entries(connection: AsyncConnection, accounts: Iterable[str], *, limit: int) -> list[Any]:
    """Return the newest ledger entries of accounts."""
    rows = await connection.execute(
        sa.select(ledger_entry)
        .where(ledger_entry.c.account.in_(list(accounts)))
        .order_by(ledger_entry.c.id.desc())
        .limit(limit)
    )
    return list(rows.all())


async def untold(connection: AsyncConnection, user_id: int) -> list[Job]:
    """Return private finished jobs whose outcome has not been told."""
    rows = await connection.execute(
        sa.select(job)
        .where(
            job.c.user_id == user_id, job.c.is_private.is_(sa.true()), job.c.told_at.is_(None), job.c.state.in_(_FINAL)
        )
        .order_by(job.c.finished_at)
        .limit(10)
    )
    return [to_job(row) for row in rows]


async def dying_tokens(connection: AsyncConnection, *, before: datetime, now: datetime) -> list[str]:
    """Return open private jobs whose card's token dies soon."""
    rows = await connection.execute(
        sa.select(job.c.id).where(
            job.c.is_private.is_(sa.true()),
            job.c.finished_at.is_(None),
            job.c.interaction_token.is_not(None),
            job.c.token_expires_at > now,
            job.c.token_expires_at <= before,
        )
    )
    return [row.id for row in rows]


async def delete_dead_tokens(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete interaction tokens at their expiry."""
    done = await connection.execute(
        sa.update(job)
        .where(job.c.interaction_token.is_not(None), job.c.token_expires_at <= now)
        .values(interaction_token=None)
    )
    return done.rowcount


async def sums(connection: AsyncConnection) -> dict[str, dict[str, int]]:
    """Return the ledger's sum per account and kind, in millicredits."""
    rows = await connection.execute(
        sa.select(ledger_entry.c.account, ledger_entry.c.kind, sa.func.sum(ledger_entry.c.amount_milli)).group_by(
            ledger_entry.c.account, ledger_entry.c.kind
        )
    )
    result: dict[str, dict[str, int]] = {}
    for account, kind, total in rows:
        result.setdefault(account, {})[kind] = int(total)
    return result


async def balances(connection: AsyncConnection) -> list[tuple[str, int, int, int | None, int | None]]:
    """Return every account's (key, settled, held, granted, revoked); the last two are None for budgets."""
    rows = await connection.execute(sa.select(budget.c.id, budget.c.settled_milli, budget.c.held_milli))
    result: list[tuple[str, int, int, int | None, int | None]] = [
        (f"budget:{row.id}", row.settled_milli, row.held_milli, None, None) for row in rows
    ]
    for row in await connection.execute(sa.select(wallet_grant)):
        result.append((f"grant:{row.id}", row.settled_milli, row.held_milli, row.granted_milli, row.revoked_milli))
    return result


async def open_holds(connection: AsyncConnection) -> list[tuple[str, str, str, int]]:
    """Return (job id, job state, account, millicredits) of every open hold."""
    rows = await connection.execute(
        sa.select(hold.c.job_id, job.c.state, hold.c.account, hold.c.amount_milli)
        .join(job, job.c.id == hold.c.job_id)
        .where(hold.c.is_open)
    )
    return [(row.job_id, row.state, row.account, row.amount_milli) for row in rows]


async def has_dead_tokens(connection: AsyncConnection, *, now: datetime) -> bool:
    """Whether any job still has a token past its expiry."""
    query = sa.select(job.c.id).where(job.c.interaction_token.is_not(None), job.c.token_expires_at <= now).limit(1)
    return (await connection.execute(query)).first() is not None


async def parked_since(connection: AsyncConnection, *, before: datetime) -> list[str]:
    """Return parked jobs that last changed before a moment."""
    rows = await connection.execute(
        sa.select(job.c.id).where(
            job.c.parked_reason.is_not(None), job.c.updated_at <= before, job.c.finished_at.is_(None)
        )
    )
    return [row.id for row in rows]


async def living_cards(connection: AsyncConnection, *, now: datetime, limit: int) -> list[str]:
    """Return the newest jobs whose card can still be edited through its interaction."""
    rows = await connection.execute(
        sa.select(job.c.id)
        .where(job.c.interaction_token.is_not(None), job.c.token_expires_at > now)
        .order_by(job.c.created_at.desc())
        .limit(limit)
    )
    return [row.id for row in rows]
