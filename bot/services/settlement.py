"""The only writer of the ledger: hold, settle, release, grant and revoke.

No function here opens a transaction: each is called inside the one that moves the job, so that money and state change
together or not at all.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import money
from bot.domain.budgets import Account, Level, Part, split_member_hold, split_settlement
from bot.domain.errors import BudgetRefused, InvariantBroken
from bot.domain.jobs import Job
from bot.domain.money import ZERO, Credits, Limit

BOT = "bot"
MEMBER_LEVELS = frozenset({Level.ALLOWANCE, Level.WALLET})
#: Who bears what a provider keeps for a failed task.
LOSS_LEVELS = frozenset({Level.INSTANCE, Level.PROVIDER})
ABOVE_HOLD = "cost above the hold"
LATE = "late success after the release"
LATER = "what the provider said after the failure"
#: Moderators are told of an overrun from 0.1 credit on.
NOTABLE_OVERRUN = Credits(100)


@dataclass(frozen=True, slots=True)
class Levels:
    """The budget rows that a job must fit, in their fixed order; `grants` earliest expiry first."""

    shared: tuple[money.BudgetRow, ...]
    allowance: money.BudgetRow
    grants: tuple[Account, ...]

    @property
    def room(self) -> Limit:
        """What would fit every level at once but the provider's, which depends on the model; None is unlimited."""
        member = self.allowance.account.available
        if member is not None:
            member = sum((grant.available or ZERO for grant in self.grants), member)
        shared = (row.account.available for row in self.shared if row.account.level is not Level.PROVIDER)
        return min((room for room in (*shared, member) if room is not None), default=None)

    @property
    def room_at_provider(self) -> Limit:
        """What the provider's day still takes; None is unlimited."""
        return next(row.account.available for row in self.shared if row.account.level is Level.PROVIDER)


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling did. `overrun` is what neither hold nor member could carry."""

    actual: Credits
    overrun: Credits = ZERO


def _entry(job_id: str | None, account: str, kind: str, amount: Credits, now: datetime, **more: Any) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "account": account,
        "kind": kind,
        "amount_milli": amount.milli,
        "actor": more.get("actor", BOT),
        "reason": more.get("reason", "")[:500],
        "at": now,
    }


async def hold(
    connection: AsyncConnection, levels: Levels, *, job_id: str, cost: Credits, guild_id: int, actor: str, now: datetime
) -> None:
    """Set `cost` aside on every level. The caller has inserted the job and locked the rows in the same transaction.

    Raises:
        BudgetRefused: a level cannot take it; the caller's transaction must roll back.
    """
    allowance = levels.allowance.account
    member = split_member_hold(cost, allowance, list(levels.grants))
    shared = [Part(row.account.level, row.account.key, cost) for row in levels.shared]
    await _hold_budgets(connection, levels, cost, member or [], guild_id)
    if member is None:
        raise _member_refusal(levels, cost, guild_id)
    by_key = {grant.key: grant for grant in levels.grants}
    for part in member:
        if part.level is Level.WALLET and not await money.hold_on_grant(
            connection, by_key[part.account], part.amount, now=now
        ):
            raise InvariantBroken(f"{part.account} changed while it was locked")
    if allowance.key not in {part.account for part in member}:
        member.insert(0, Part(Level.ALLOWANCE, allowance.key, ZERO))  # a cost above the hold may still ask it
    parts = shared + member
    await money.add_holds(connection, job_id, parts)
    await money.append(
        connection,
        [_entry(job_id, part.account, "hold", part.amount, now, actor=actor) for part in parts if part.amount],
    )


async def _hold_budgets(
    connection: AsyncConnection, levels: Levels, cost: Credits, member: list[Part], guild_id: int
) -> None:
    """Hold what sits on budgets, in one statement where the allowance carries all of the member's part.

    Raises:
        BudgetRefused: for the first level that cannot take it.
    """
    allowance = levels.allowance.account
    own = next((part.amount for part in member if part.level is Level.ALLOWANCE), ZERO)
    accounts = [row.account for row in levels.shared]
    held = await money.hold_on_budgets(connection, [*accounts, allowance] if own == cost else accounts, cost)
    for row in levels.shared:
        if row.account.key not in held:
            raise _refusal(row, cost, guild_id)
    if own and own != cost:
        held |= await money.hold_on_budgets(connection, [allowance], own)
    if own and allowance.key not in held:
        raise InvariantBroken(f"{allowance.key} changed while it was locked")


def _refusal(row: money.BudgetRow, cost: Credits, guild_id: int) -> BudgetRefused:
    full = row.account
    return BudgetRefused(
        full.level.value,
        needed=cost,
        available=full.available or ZERO,
        limit=full.limit,
        frees_at=row.ends_at if full.limit else None,
        used=full.settled + full.held,
        guild_id=guild_id,
    )


def _member_refusal(levels: Levels, cost: Credits, guild_id: int) -> BudgetRefused:
    allowance = levels.allowance.account
    wallet = sum((grant.available or ZERO for grant in levels.grants), ZERO)
    return BudgetRefused(
        Level.ALLOWANCE.value,
        needed=cost,
        available=(allowance.available or ZERO) + wallet,
        limit=allowance.limit,
        frees_at=levels.allowance.ends_at if allowance.limit else None,
        guild_id=guild_id,
    )


@dataclass(slots=True)
class _Book:
    """Collects what one job's move changes: the accounts' sums and the ledger entries."""

    connection: AsyncConnection
    job_id: str
    now: datetime
    actor: str = BOT
    entries: list[dict[str, Any]] = field(default_factory=list)
    shifts: dict[str, money.Shift] = field(default_factory=dict)

    def change(self, account: str, *, held: Credits = ZERO, settled: Credits = ZERO) -> None:
        before = self.shifts.get(account, money.Shift(account))
        self.shifts[account] = money.Shift(account, before.held + held, before.settled + settled)

    async def apply(self) -> None:
        """Change the sums by what was collected so far."""
        shifts = list(self.shifts.values())
        self.shifts.clear()
        if not await money.shift(self.connection, shifts):
            raise InvariantBroken(f"an account of job {self.job_id} is gone")

    def note(self, account: str, kind: str, amount: Credits, reason: str = "") -> None:
        if amount:
            self.entries.append(_entry(self.job_id, account, kind, amount, self.now, actor=self.actor, reason=reason))

    async def write(self) -> None:
        await self.apply()
        await money.append(self.connection, self.entries)


async def settle(connection: AsyncConnection, *, finished: Job, actual: Credits, now: datetime) -> Settled:
    """Charge a job's actual cost to the rows that its hold sits on and release the rest, the wallet's first.

    An actual above the hold takes the difference from what the member still has, then from the pool as overrun.

    Raises:
        InvariantBroken: the hold was settled or released before.
    """
    parts, _ = await money.holds(connection, finished.id)
    if not parts or not await money.close_holds(connection, finished.id):
        raise InvariantBroken(f"job {finished.id} has no open hold to settle")
    book = _Book(connection, finished.id, now)
    shared = [part for part in parts if part.level not in MEMBER_LEVELS]
    member = [part for part in parts if part.level in MEMBER_LEVELS]
    split = [(part, min(part.amount, actual), max(ZERO, part.amount - actual)) for part in shared]
    for part, paid, rest in split + split_settlement(member, actual):
        book.change(part.account, held=-part.amount, settled=paid)
        book.note(part.account, "settle", paid)
        book.note(part.account, "release", rest)
    excess = actual - sum((part.amount for part in member), ZERO)
    overrun = await _book_excess(book, finished, parts, excess) if excess > ZERO else ZERO
    await book.write()
    return Settled(actual, overrun)


async def _book_excess(book: _Book, finished: Job, parts: list[Part], excess: Credits) -> Credits:
    """Book what the hold did not cover on every level. Returns the pool's overrun: what the member could not pay."""
    await book.apply()  # what the member has left is read next
    unpaid = await _take_from_member(book, finished, parts, excess)
    for part in parts:
        if part.level in MEMBER_LEVELS:
            continue
        overrun = unpaid if part.level is Level.POOL else ZERO
        book.change(part.account, settled=excess)
        book.note(part.account, "extra", excess - overrun, ABOVE_HOLD)
        book.note(part.account, "overrun", overrun, ABOVE_HOLD)
    return unpaid


async def _take_from_member(book: _Book, finished: Job, parts: list[Part], excess: Credits) -> Credits:
    """Take from the allowance row of the hold, then from every live grant. Returns what they could not carry."""
    grants = await money.grants(book.connection, guild_id=finished.guild_id, user_id=finished.user_id, now=book.now)
    accounts = [part.account for part in parts if part.level is Level.ALLOWANCE] + [grant.key for grant in grants]
    left = excess
    for key in accounts:
        account = await money.lock_account(book.connection, key)
        room = ZERO if account is None else left if account.available is None else min(left, account.available)
        book.change(key, settled=room)
        book.note(key, "extra", room, ABOVE_HOLD)
        left = left - room
    return left


async def release(
    connection: AsyncConnection, *, job_id: str, now: datetime, reason: str, loss: Credits = ZERO
) -> bool:
    """Give a job's hold back. `loss` is what the provider keeps all the same: booked on provider and instance.

    Returns False where the hold was closed before; nothing changed then.
    """
    parts, _ = await money.holds(connection, job_id)
    if not await money.close_holds(connection, job_id):
        return False
    book = _Book(connection, job_id, now)
    for part in parts:
        lost = loss if part.level in LOSS_LEVELS else ZERO
        book.change(part.account, held=-part.amount, settled=lost)
        book.note(part.account, "release", part.amount, reason)
        book.note(part.account, "loss", lost, reason)
    await book.write()
    return True


async def correct_loss(connection: AsyncConnection, *, job_id: str, loss: Credits, now: datetime) -> None:
    """Let `loss` be what the provider keeps for a failed job in the end: the first loss told after its hold was
    released, or less than was booked, for a refund that came later. Once for a job; what was booked never rises.
    """
    booked, refunded = await money.lost_on(connection, job_id)
    parts, _ = await money.holds(connection, job_id)
    book = _Book(connection, job_id, now)
    for part in parts:
        before = booked.get(part.account)
        if part.level not in LOSS_LEVELS or part.account in refunded:
            continue
        if before is None:
            book.change(part.account, settled=loss)
            book.note(part.account, "loss", loss, LATER)
        elif loss < before:
            book.change(part.account, settled=loss - before)
            book.note(part.account, "refund", before - loss, LATER)
    await book.write()


async def book_late(connection: AsyncConnection, *, job_id: str, actual: Credits, now: datetime) -> Settled:
    """Book a success that came after the hold was released: overrun on the original pool, the member pays nothing."""
    parts, _ = await money.holds(connection, job_id)
    book = _Book(connection, job_id, now)
    for part in parts:
        if part.level not in MEMBER_LEVELS:
            book.change(part.account, settled=actual)
            book.note(part.account, "overrun" if part.level is Level.POOL else "extra", actual, LATE)
    await book.write()
    return Settled(actual, actual)


async def refund(connection: AsyncConnection, *, job_id: str, actor: str, reason: str, now: datetime) -> Credits:
    """Give the member (only the member: the provider was paid) a settled job's credits back.

    Returns what was given back; zero where the member paid nothing. The ledger's unique key refuses a second time.
    """
    book, given = _Book(connection, job_id, now, actor), ZERO
    for account, paid in await money.paid_by_member(connection, job_id):
        book.change(account, settled=-paid)
        book.note(account, "refund", paid, reason)
        given = given + paid
    await book.write()
    return given


async def grant(
    connection: AsyncConnection,
    *,
    guild_id: int,
    user_id: int,
    amount: Credits,
    expires_at: datetime | None,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """Put credits into a member's wallet."""
    account = await money.add_grant(
        connection, guild_id=guild_id, user_id=user_id, amount=amount, expires_at=expires_at, now=now
    )
    await money.append(connection, [_entry(None, account.key, "grant", amount, now, actor=actor, reason=reason)])


async def revoke(
    connection: AsyncConnection,
    *,
    guild_id: int,
    user_id: int,
    amount: Credits,
    actor: str,
    reason: str,
    now: datetime,
) -> Credits:
    """Take up to `amount` of unspent, unheld credits out of a wallet. Returns what was really taken."""
    left, entries = amount, []
    for account in await money.grants(connection, guild_id=guild_id, user_id=user_id, now=now):
        take = min(left, account.available or ZERO)
        if take > ZERO and await money.revoke_from_grant(connection, account, take):
            entries.append(_entry(None, account.key, "revoke", take, now, actor=actor, reason=reason))
            left = left - take
    await money.append(connection, entries)
    return amount - left
