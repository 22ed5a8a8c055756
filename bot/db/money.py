"""Budget, wallet, hold and ledger rows. Every guard is one UPDATE whose row count decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore
from bot.db.tables import budget, hold, ledger_entry, wallet_grant
from bot.domain.budgets import Account, Level, Part
from bot.domain.money import Credits, Limit


def _account(row: Any) -> Account:
    limit = None if row.limit_milli is None else Credits(row.limit_milli)
    return Account(Level(row.level), row.id, limit, Credits(row.settled_milli), Credits(row.held_milli))


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget of one period. `account` carries the money."""

    account: Account
    starts_at: datetime
    ends_at: datetime


async def find_budget(
    connection: AsyncConnection, level: Level, *, guild_id: int, subject: str, now: datetime, lock: bool = True
) -> BudgetRow | None:
    """Return the budget whose stored period holds `now`; locked until the transaction ends unless only looked at.

    Writers lock rows in the levels' fixed order, wallet last, as settling does: otherwise they could wait for each
    other in a circle.
    """
    query = (
        sa.select(budget)
        .where(
            budget.c.level == level.value,
            budget.c.guild_id == guild_id,
            budget.c.subject == subject,
            budget.c.starts_at <= now,
            budget.c.ends_at > now,
        )
        .order_by(budget.c.starts_at.desc())
        .limit(1)
    )
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else BudgetRow(_account(row), row.starts_at, row.ends_at)


async def last_end(connection: AsyncConnection, level: Level, *, guild_id: int, subject: str) -> datetime | None:
    """Return when the newest stored period of a subject ends, so that the next never overlaps it."""
    moment: datetime | None = (
        await connection.execute(
            sa.select(budget.c.ends_at)
            .where(budget.c.level == level.value, budget.c.guild_id == guild_id, budget.c.subject == subject)
            .order_by(budget.c.ends_at.desc())
            .limit(1)
        )
    ).scalar()
    return moment


async def add_budget(
    connection: AsyncConnection,
    level: Level,
    *,
    guild_id: int,
    subject: str,
    starts_at: datetime,
    ends_at: datetime,
    limit: Limit,
) -> None:
    """Begin a period; one that another transaction began at the same moment is kept."""
    await insert_ignore(
        connection,
        budget,
        {
            "level": level.value,
            "guild_id": guild_id,
            "subject": subject,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "limit_milli": None if limit is None else limit.milli,
        },
    )


async def set_limit(connection: AsyncConnection, account: Account, limit: Limit) -> None:
    """Change what a budget's present period allows. What is settled or held stays."""
    milli = None if limit is None else limit.milli
    await connection.execute(sa.update(budget).where(budget.c.id == account.id).values(limit_milli=milli))


async def hold_on_budget(connection: AsyncConnection, account: Account, cost: Credits) -> bool:
    """Hold `cost` if it fits. A limit of zero refuses whatever the cost."""
    room = sa.or_(
        budget.c.limit_milli.is_(None),
        sa.and_(
            budget.c.limit_milli > 0, budget.c.limit_milli - budget.c.settled_milli - budget.c.held_milli >= cost.milli
        ),
    )
    changed = await connection.execute(
        sa.update(budget).where(budget.c.id == account.id, room).values(held_milli=budget.c.held_milli + cost.milli)
    )
    return changed.rowcount == 1


async def hold_on_grant(connection: AsyncConnection, account: Account, cost: Credits, *, now: datetime) -> bool:
    """Hold `cost` on a wallet grant if it fits and the grant has not expired."""
    w = wallet_grant.c
    changed = await connection.execute(
        sa.update(wallet_grant)
        .where(
            w.id == account.id,
            sa.or_(w.expires_at.is_(None), w.expires_at > now),
            w.granted_milli - w.revoked_milli - w.settled_milli - w.held_milli >= cost.milli,
        )
        .values(held_milli=w.held_milli + cost.milli)
    )
    return changed.rowcount == 1


async def lock_wallet(connection: AsyncConnection, *, guild_id: int | None, user_id: int) -> None:
    """Lock all grants of a member, expired ones too, in the order of their ids whatever they are wanted for.

    `guild_id` None: those of every server.
    """
    w = wallet_grant.c
    query = sa.select(w.id).where(w.user_id == user_id)
    if guild_id is not None:
        query = query.where(w.guild_id == guild_id)
    await connection.execute(query.order_by(w.id).with_for_update())


async def lock_wallet_of(connection: AsyncConnection, account: str) -> None:
    """Lock the whole wallet that a grant is in, given the grant's key."""
    w = wallet_grant.c
    owner = sa.select(w.guild_id, w.user_id).where(w.id == int(account.partition(":")[2]))
    for row in await connection.execute(owner):
        await lock_wallet(connection, guild_id=row.guild_id, user_id=row.user_id)


async def grants(
    connection: AsyncConnection, *, guild_id: int, user_id: int, now: datetime, lock: bool = True
) -> list[Account]:
    """Return a member's live grants, earliest expiry first, as wallet accounts; locked unless only looked at."""
    if lock:
        await lock_wallet(connection, guild_id=guild_id, user_id=user_id)
    w = wallet_grant.c
    query = (
        sa.select(wallet_grant)
        .where(w.guild_id == guild_id, w.user_id == user_id, sa.or_(w.expires_at.is_(None), w.expires_at > now))
        .order_by(w.expires_at.is_(None), w.expires_at, w.id)
    )
    return [
        Account(
            Level.WALLET,
            row.id,
            Credits(row.granted_milli - row.revoked_milli),
            Credits(row.settled_milli),
            Credits(row.held_milli),
        )
        for row in await connection.execute(query)
    ]


async def grant_expiries(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, datetime | None]:
    """Return when grants expire, by id."""
    rows = await connection.execute(
        sa.select(wallet_grant.c.id, wallet_grant.c.expires_at).where(wallet_grant.c.id.in_(ids))
    )
    return {row.id: row.expires_at for row in rows}


async def add_grant(
    connection: AsyncConnection,
    *,
    guild_id: int,
    user_id: int,
    amount: Credits,
    expires_at: datetime | None,
    now: datetime,
) -> Account:
    """Put credits into a member's wallet."""
    made = await connection.execute(
        sa.insert(wallet_grant)
        .values(guild_id=guild_id, user_id=user_id, granted_milli=amount.milli, expires_at=expires_at, created_at=now)
        .returning(wallet_grant.c.id)
    )
    return Account(Level.WALLET, made.scalar_one(), amount, Credits(0), Credits(0))


async def revoke_from_grant(connection: AsyncConnection, account: Account, amount: Credits) -> bool:
    """Take unspent, unheld credits out of a grant."""
    w = wallet_grant.c
    changed = await connection.execute(
        sa.update(wallet_grant)
        .where(w.id == account.id, w.granted_milli - w.revoked_milli - w.settled_milli - w.held_milli >= amount.milli)
        .values(revoked_milli=w.revoked_milli + amount.milli)
    )
    return changed.rowcount == 1


async def shift(connection: AsyncConnection, account: str, *, held: int = 0, settled: int = 0) -> bool:
    """Add signed millicredits to an account's held and settled sums. CHECKs keep both from falling below zero."""
    kind, _, row_id = account.partition(":")
    table = wallet_grant if kind == "grant" else budget
    changed = await connection.execute(
        sa.update(table)
        .where(table.c.id == int(row_id))
        .values(held_milli=table.c.held_milli + held, settled_milli=table.c.settled_milli + settled)
    )
    return changed.rowcount == 1


async def add_holds(connection: AsyncConnection, job_id: str, parts: Sequence[Part]) -> None:
    """Remember where a job's hold sits, in the order in which it was taken."""
    rows = [
        {
            "job_id": job_id,
            "account": part.account,
            "position": position,
            "level": part.level.value,
            "amount_milli": part.amount.milli,
        }
        for position, part in enumerate(parts)
    ]
    await connection.execute(sa.insert(hold), rows)


async def holds(connection: AsyncConnection, job_id: str) -> tuple[list[Part], bool]:
    """Return a job's hold in the order in which it was taken, and whether it is still open."""
    rows = (await connection.execute(sa.select(hold).where(hold.c.job_id == job_id).order_by(hold.c.position))).all()
    parts = [Part(Level(row.level), row.account, Credits(row.amount_milli)) for row in rows]
    return parts, any(row.is_open for row in rows)


async def close_holds(connection: AsyncConnection, job_id: str) -> bool:
    """Close a job's hold. False where it was closed before: the guard against settling or releasing twice."""
    changed = await connection.execute(
        sa.update(hold).where(hold.c.job_id == job_id, hold.c.is_open.is_(sa.true())).values(is_open=False)
    )
    return bool(changed.rowcount)


async def append(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Append ledger entries; called by the settlement service alone."""
    if rows:
        await connection.execute(sa.insert(ledger_entry), list(rows))


async def lock_account(connection: AsyncConnection, account: str) -> Account | None:
    """Read an account by its key and keep others from changing it until the transaction ends."""
    kind, _, row_id = account.partition(":")
    if kind == "grant":
        w = wallet_grant.c
        row = (await connection.execute(sa.select(wallet_grant).where(w.id == int(row_id)).with_for_update())).first()
        if row is None:
            return None
        limit = Credits(row.granted_milli - row.revoked_milli)
        return Account(Level.WALLET, row.id, limit, Credits(row.settled_milli), Credits(row.held_milli))
    row = (await connection.execute(sa.select(budget).where(budget.c.id == int(row_id)).with_for_update())).first()
    return None if row is None else _account(row)


async def paid_by_member(connection: AsyncConnection, job_id: str) -> list[tuple[str, Credits]]:
    """Return what the member's allowance and grants paid for a job in the end, grants beyond its hold included."""
    entries = ledger_entry.c
    allowances = sa.select(sa.literal("budget:") + sa.cast(budget.c.id, sa.String)).where(
        budget.c.level == Level.ALLOWANCE.value
    )
    rows = await connection.execute(
        sa.select(entries.account, sa.func.sum(entries.amount_milli))
        .where(
            entries.job_id == job_id,
            entries.kind.in_(("settle", "extra")),
            sa.or_(entries.account.like("grant:%"), entries.account.in_(allowances)),
        )
        .group_by(entries.account)
        .order_by(entries.account)
    )
    return [(account, Credits(int(total))) for account, total in rows if total]


async def lost_on(connection: AsyncConnection, job_id: str) -> tuple[dict[str, Credits], set[str]]:
    """Return what was booked as a job's loss by account, and the accounts that had something of it back."""
    entries = ledger_entry.c
    rows = await connection.execute(
        sa.select(entries.account, entries.kind, entries.amount_milli).where(
            entries.job_id == job_id, entries.kind.in_(("loss", "refund"))
        )
    )
    lost: dict[str, Credits] = {}
    refunded: set[str] = set()
    for account, kind, amount_milli in rows:
        if kind == "loss":
            lost[account] = Credits(amount_milli)
        else:
            refunded.add(account)
    return lost, refunded
