"""Budgets: levels, periods in a time zone, and the arithmetic of settling a hold."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.domain.money import ZERO, Credits, Limit


class Level(StrEnum):
    """A level that a job must fit, in the fixed order in which they are checked."""

    INSTANCE = "instance"
    PROVIDER = "provider"
    POOL = "pool"
    CHANNEL = "channel"
    ALLOWANCE = "allowance"
    WALLET = "wallet"


class Period(StrEnum):
    """How long an allowance lasts before it begins anew."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


#: The period of each level that the operator or the calendar fixes; these run in UTC.
FIXED_PERIODS = {Level.INSTANCE: Period.DAY, Level.PROVIDER: Period.DAY, Level.POOL: Period.MONTH}


@dataclass(frozen=True, slots=True)
class Calendar:
    """A guild's own reckoning of periods. `week_start`: 0 is Monday, 6 is Sunday.

    `since` is when this reckoning took the place of another: no period of it begins earlier. None: it always held.
    """

    zone: str = "UTC"
    period: Period = Period.WEEK
    week_start: int = 0
    since: datetime | None = None

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the UTC start and end of the period around `now`."""
        starts_at, ends_at = period_bounds(self.period, now, zone=self.zone, week_start=self.week_start)
        return (starts_at if self.since is None else max(starts_at, self.since)), ends_at


UTC_CALENDAR = Calendar()


def period_bounds(
    period: Period, now: datetime, *, zone: str = "UTC", week_start: int = 0
) -> tuple[datetime, datetime]:
    """Return the UTC start and end of the calendar period around `now`, in local days of `zone`.

    A local midnight that does not exist (daylight saving) becomes the first moment after the gap; one that exists
    twice is taken the first time. The end is never before or at `now`.
    """
    tz = ZoneInfo(zone)
    today = now.astimezone(tz).date()
    match period:
        case Period.DAY:
            first, after = today, today + timedelta(days=1)
        case Period.WEEK:
            first = today - timedelta(days=(today.weekday() - week_start) % 7)
            after = first + timedelta(days=7)
        case Period.MONTH:
            first = today.replace(day=1)
            after = (first + timedelta(days=32)).replace(day=1)
    return _midnight(first, tz), _midnight(after, tz)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), tzinfo=tz).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Account:
    """One row that money sits on: a budget (`budget:7`) or a wallet grant (`grant:3`)."""

    level: Level
    id: int
    limit: Limit
    settled: Credits
    held: Credits

    @property
    def key(self) -> str:
        """How ledger entries name the row."""
        return f"{'grant' if self.level is Level.WALLET else 'budget'}:{self.id}"

    @property
    def available(self) -> Limit:
        """What may still be held; None is unlimited, and never below zero."""
        if self.limit is None:
            return None
        return max(ZERO, self.limit - self.settled - self.held)


@dataclass(frozen=True, slots=True)
class Part:
    """A hold's share on one account."""

    level: Level
    account: str
    amount: Credits


def split_member_hold(cost: Credits, allowance: Account, grants: list[Account]) -> list[Part] | None:
    """Split a cost over the allowance first, then the wallet's grants in the order given (earliest expiry first).

    Returns None where they cannot carry it together: with an allowance of zero and nothing granted, whatever the cost.
    """
    if allowance.limit == ZERO and not any(grant.available for grant in grants):
        return None
    left, parts = cost, []
    for account in [allowance, *grants]:
        room = left if account.available is None else min(left, account.available)
        if room > ZERO:
            parts.append(Part(account.level, account.key, room))
            left = left - room
    return parts if left == ZERO else None


def split_settlement(parts: list[Part], actual: Credits) -> list[tuple[Part, Credits, Credits]]:
    """Say for each member part how much of it is settled and how much released.

    The allowance pays first; what is left over is released from the wallet first. Parts come in the order they were
    held. An actual above the sum settles every part whole.
    """
    left, result = actual, []
    for part in parts:
        paid = min(left, part.amount)
        result.append((part, paid, part.amount - paid))
        left = left - paid
    return result
