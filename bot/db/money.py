"""Budget, wallet, hold and ledger rows. Every guard is one UPDATE whose row count decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore
from bot.db.tables import budget, hold, ledger_entry, wallet_grant
from bot.domain.budgets import Account, Level, Part
from bot.domain.money import ZERO, Credits, Limit

#: A budget as levels name it: level, guild and subject.
BudgetKey = tuple[Level, int, str]

#: The order in which every transaction locks budgets, then wallets: else two could wait for each other in a circle.
_LEVELS_ORDER = sa.case({level.value: place for place, level in enumerate(Level)}, value=budget.c.level)

# Statements that every job needs are built once and given their values.
_HAS_ROOM = sa.or_(
    budget.c.limit_milli.is_(None),
    sa.and_(
        budget.c.limit_milli > 0,
        budget.c.limit_milli - budget.c.settled_milli - budget.c.held_milli >= sa.bindparam("cost_milli"),
    ),
)
_ARE_NAMED = budget.c.id.in_(sa.bindparam("ids", expanding=True))
_HOLD = (
    sa.update(budget)
    .where(_ARE_NAMED, _HAS_ROOM)
    .values(held_milli=budget.c.held_milli + sa.bindparam("cost_milli"))
    .returning(budget.c.id)
)
_LOCK_BUDGETS = sa.select(budget.c.id).where(_ARE_NAMED).order_by(_LEVELS_ORDER, budget.c.id).with_for_update()
_SHIFTS = {
    "held_milli": sa.bindparam("held", type_=sa.BigInteger),
    "settled_milli": sa.bindparam("settled", type_=sa.BigInteger),
}
_SHIFT_BUDGETS = (
    sa.update(budget).where(_ARE_NAMED).values({name: budget.c[name] + more for name, more in _SHIFTS.items()})
)
_SHIFT_GRANT = (
    sa.update(wallet_grant)
    .where(wallet_grant.c.id == sa.bindparam("grant_id"))
    .values({name: wallet_grant.c[name] + more for name, more in _SHIFTS.items()})
)
_IS_OWNER = sa.and_(
    wallet_grant.c.guild_id == sa.bindparam("guild_id"), wallet_grant.c.user_id == sa.bindparam("user_id")
)
_GRANTS = (
    sa.select(wallet_grant)
    .where(_IS_OWNER, sa.or_(wallet_grant.c.expires_at.is_(None), wallet_grant.c.expires_at > sa.bindparam("now")))
    .order_by(wallet_grant.c.expires_at.is_(None), wallet_grant.c.expires_at, wallet_grant.c.id)
)
_HOLDS = sa.select(hold).where(hold.c.job_id == sa.bindparam("of_job")).order_by(hold.c.position)
_CLOSE_HOLDS = (
    sa.update(hold).where(hold.c.job_id == sa.bindparam("of_job"), hold.c.is_open.is_(sa.true())).values(is_open=False)
)
_ADD_HOLDS = sa.insert(hold)


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
    connection: AsyncConnection, level: Level, *, guild_id: int, subject: str, now: datetime
) -> BudgetRow | None:
    """Return the budget whose stored period holds `now`, only to look at; writers use `lock_budgets`."""
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
    row = (await connection.execute(query)).first()
    return None if row is None else BudgetRow(_account(row), row.starts_at, row.ends_at)


@cache
def _find_budgets(count: int) -> Any:
    named = [
        sa.and_(
            budget.c.level == sa.bindparam(f"level_{number}"),
            budget.c.guild_id == sa.bindparam(f"guild_{number}"),
            budget.c.subject == sa.bindparam(f"subject_{number}"),
        )
        for number in range(count)
    ]
    is_present = (budget.c.starts_at <= sa.bindparam("now"), budget.c.ends_at > sa.bindparam("now"))
    query = sa.select(budget).where(sa.or_(*(sa.and_(*is_present, one) for one in named)))
    return query.order_by(_LEVELS_ORDER, budget.c.starts_at).with_for_update()


async def lock_budgets(
    connection: AsyncConnection, wanted: Sequence[BudgetKey], *, now: datetime
) -> dict[BudgetKey, BudgetRow]:
    """Return the budgets whose stored periods hold `now`, locked in the levels' order. Who has none yet is absent."""
    values: dict[str, Any] = {"now": now}
    for number, (level, guild_id, subject) in enumerate(wanted):
        values |= {f"level_{number}": level.value, f"guild_{number}": guild_id, f"subject_{number}": subject}
    rows = await connection.execute(_find_budgets(len(wanted)), values)
    return {  # of two periods that hold `now`, the one that began last
        (Level(row.level), row.guild_id, row.subject): BudgetRow(_account(row), row.starts_at, row.ends_at)
        for row in rows
    }


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


async def hold_on_budgets(connection: AsyncConnection, accounts: Sequence[Account], cost: Credits) -> set[str]:
    """Hold `cost` on each of the locked budgets that it fits. Returns their keys. A limit of zero fits nothing."""
    ids = {account.id: account.key for account in accounts}
    held = await connection.execute(_HOLD, {"ids": list(ids), "cost_milli": cost.milli})
    return {ids[row_id] for row_id in held.scalars()}


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

    `guild_id` None: those of every server. On SQLite every writing transaction is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        own = wallet_grant.c.user_id == user_id
        which = own if guild_id is None else sa.and_(own, wallet_grant.c.guild_id == guild_id)
        await connection.execute(
            sa.select(wallet_grant.c.id).where(which).order_by(wallet_grant.c.id).with_for_update()
        )


async def grants(
    connection: AsyncConnection, *, guild_id: int, user_id: int, now: datetime, lock: bool = True
) -> list[Account]:
    """Return a member's live grants, earliest expiry first, as wallet accounts; locked unless only looked at."""
    if lock:
        await lock_wallet(connection, guild_id=guild_id, user_id=user_id)
    rows = await connection.execute(_GRANTS, {"guild_id": guild_id, "user_id": user_id, "now": now})
    return [
        Account(
            Level.WALLET,
            row.id,
            Credits(row.granted_milli - row.revoked_milli),
            Credits(row.settled_milli),
            Credits(row.held_milli),
        )
        for row in rows
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


@dataclass(frozen=True, slots=True)
class Shift:
    """Signed amounts to add to an account's held and settled sums."""

    account: str
    held: Credits = ZERO
    settled: Credits = ZERO

    @property
    def is_of_grant(self) -> bool:
        """Whether the account is a wallet grant."""
        return self.account.startswith("grant:")

    @property
    def row_id(self) -> int:
        """The id of the account's row."""
        return int(self.account.partition(":")[2])


async def shift(connection: AsyncConnection, shifts: Sequence[Shift]) -> bool:
    """Change accounts' sums, budgets first, each account once. CHECKs keep the sums from falling below zero.

    Budgets are locked in the levels' order, then the grants' wallet. False: an account is gone.
    """
    grants_of = [one for one in shifts if one.is_of_grant]
    alike: dict[tuple[int, int], list[int]] = {}
    for one in shifts:
        if not one.is_of_grant:
            alike.setdefault((one.held.milli, one.settled.milli), []).append(one.row_id)
    if alike and connection.dialect.name == "postgresql":
        await connection.execute(_LOCK_BUDGETS, {"ids": [row_id for ids in alike.values() for row_id in ids]})
    changed = 0
    for (held, settled), ids in alike.items():
        done = await connection.execute(_SHIFT_BUDGETS, {"ids": ids, "held": held, "settled": settled})
        changed += done.rowcount
    for one in grants_of[:1]:
        await _lock_wallet_of(connection, one)
    for one in grants_of:
        values = {"grant_id": one.row_id, "held": one.held.milli, "settled": one.settled.milli}
        changed += (await connection.execute(_SHIFT_GRANT, values)).rowcount
    return changed == len(shifts)


async def _lock_wallet_of(connection: AsyncConnection, shifted: Shift) -> None:
    """Lock the whole wallet that a grant is in."""
    w = wallet_grant.c
    if connection.dialect.name == "postgresql":
        owner = sa.select(w.guild_id, w.user_id).where(w.id == shifted.row_id)
        for row in await connection.execute(owner):
            await lock_wallet(connection, guild_id=row.guild_id, user_id=row.user_id)


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
    await connection.execute(_ADD_HOLDS, rows)


async def holds(connection: AsyncConnection, job_id: str) -> tuple[list[Part], bool]:
    """Return a job's hold in the order in which it was taken, and whether it is still open."""
    rows = (await connection.execute(_HOLDS, {"of_job": job_id})).all()
    parts = [Part(Level(row.level), row.account, Credits(row.amount_milli)) for row in rows]
    return parts, any(row.is_open for row in rows)


async def close_holds(connection: AsyncConnection, job_id: str) -> bool:
    """Close a job's hold. False where it was closed before: the guard against settling or releasing twice."""
    return bool((await connection.execute(_CLOSE_HOLDS, {"of_job": job_id})).rowcount)


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
