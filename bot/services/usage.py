"""What moderators see of a server's use: sums by day, member, model or channel, and who changed what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.db import guilds, usage
from bot.db.engine import Database
from bot.domain.budgets import Period, period_bounds
from bot.domain.money import ZERO, Credits
from bot.services.levels import LevelBook

DAYS_MIN, DAYS_MAX, DAYS_DEFAULT = 1, 365, 30
AUDIT_LINES_MAX = 20_000


class ChartDrawer(Protocol):
    """Draws the chart; `bot.media.charts.Charts` is one."""

    async def draw(
        self, *, title: str, unit: str, bars: Sequence[tuple[str, Credits]], is_upright: bool, decimal_mark: str = "."
    ) -> bytes | None:
        """Return a PNG with a bar for each (label, amount), None where it cannot be drawn. Never raises for a label."""
        ...


class UsageBy(StrEnum):
    """What `/usage` groups by."""

    DAY = "day"
    MEMBER = "member"
    MODEL = "model"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One group's sums. `key` is a date, user id, model or channel id; None for a sum of groups.

    `jobs` are all that were asked for and not only quoted, `charged` is what members paid after refunds, `pooled` what
    the server's pool carried, overruns included.
    """

    key: date | int | str | None
    jobs: int = 0
    delivered: int = 0
    failed: int = 0
    charged: Credits = ZERO
    pooled: Credits = ZERO


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Days in order, without gaps; other groups by what they were charged, the most first."""

    by: UsageBy
    rows: tuple[UsageRow, ...]
    total: UsageRow
    starts_at: datetime
    ends_at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who changed what, when, and why. `actor` is a Discord user id, `operator` or `bot`."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    reason: str


class Usage:
    """Reads only; one reading transaction each."""

    def __init__(self, database: Database, clock: Clock, *, levels: LevelBook) -> None:
        self._database = database
        self._clock = clock
        self._levels = levels

    async def report(self, guild_id: int, days: int, by: UsageBy) -> UsageReport:
        """Sum up the jobs asked for on the last `days` days (1 to 365) of the server's time zone, today included.

        A job's money belongs to the day it was asked for, whenever it was charged or refunded. A thread counts as its
        parent channel.
        """
        now = self._clock.now()
        ends_at = now + timedelta(microseconds=1)  # so that a job of this very moment counts
        async with self._database.snapshot() as connection:
            zone = self._levels.calendar(await guilds.find(connection, guild_id), now).zone
            dates = _last_days(now, days, zone)
            starts = [_start(day, zone) for day in dates]
            if by is UsageBy.DAY:
                found = await usage.by_day(connection, starts, guild_id=guild_id, ends_at=ends_at)
            else:
                found = await usage.by_column(
                    connection, by.value, guild_id=guild_id, starts_at=starts[0], ends_at=ends_at
                )
        rows = _days(found, dates) if by is UsageBy.DAY else _ranked(found)
        return UsageReport(by, tuple(rows), _total(rows), starts[0], ends_at, zone)

    async def audit(self, guild_id: int, days: int) -> list[AuditLine]:
        """Return the changes of the last `days` times 24 hours, newest first, at most the newest 20,000."""
        now = self._clock.now()
        async with self._database.read() as connection:
            rows = await usage.audit_lines(
                connection,
                guild_id=guild_id,
                starts_at=now - timedelta(days=days),
                ends_at=now + timedelta(microseconds=1),
                limit=AUDIT_LINES_MAX,
            )
        return [AuditLine(row.at, row.actor, row.action, row.subject, row.detail, row.reason) for row in rows]


def _last_days(now: datetime, days: int, zone: str) -> list[date]:
    today = now.astimezone(ZoneInfo(zone)).date()
    return [today - timedelta(days=back) for back in range(days - 1, -1, -1)]


def _start(day: date, zone: str) -> datetime:
    noon = datetime.combine(day, time(12), tzinfo=ZoneInfo(zone))
    return period_bounds(Period.DAY, noon, zone=zone)[0]


def _row(counts: usage.Counts, key: date | int | str) -> UsageRow:
    charged, pooled = Credits(counts.member_milli), Credits(counts.pool_milli)
    return UsageRow(key, counts.jobs, counts.delivered, counts.failed, charged, pooled)


def _days(found: Iterable[usage.Counts], dates: Sequence[date]) -> list[UsageRow]:
    known = {counts.key: counts for counts in found}
    return [_row(known[n], day) if n in known else UsageRow(day) for n, day in enumerate(dates)]


def _ranked(found: Iterable[usage.Counts]) -> list[UsageRow]:
    ranked = sorted(found, key=lambda one: (-one.member_milli, -one.jobs, str(one.key)))
    return [_row(counts, counts.key) for counts in ranked]


def _total(rows: Sequence[UsageRow]) -> UsageRow:
    return UsageRow(
        None,
        sum(row.jobs for row in rows),
        sum(row.delivered for row in rows),
        sum(row.failed for row in rows),
        sum((row.charged for row in rows), ZERO),
        sum((row.pooled for row in rows), ZERO),
    )
