"""Periods in a guild's own calendar, and how a cost is split over allowance and wallet."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.budgets import Account, Level, Part, Period, period_bounds, split_member_hold, split_settlement
from bot.domain.money import ZERO, Credits


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "period", "now", "start", "end"),
    [
        ("UTC", Period.DAY, "2026-03-04T12:00", "2026-03-04T00:00", "2026-03-05T00:00"),
        ("UTC", Period.MONTH, "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("UTC", Period.MONTH, "2028-02-29T12:00", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("Asia/Tokyo", Period.DAY, "2026-03-04T15:00", "2026-03-04T15:00", "2026-03-05T15:00"),
        ("Asia/Tokyo", Period.DAY, "2026-03-04T14:59", "2026-03-03T15:00", "2026-03-04T15:00"),
        ("Asia/Tokyo", Period.MONTH, "2026-03-31T15:00", "2026-03-31T15:00", "2026-04-30T15:00"),
        # Amsterdam: a day of 23 and a day of 25 hours, and weeks of 167 and 169
        ("Europe/Amsterdam", Period.DAY, "2026-03-29T10:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Europe/Amsterdam", Period.DAY, "2026-10-25T10:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("Europe/Amsterdam", Period.WEEK, "2026-03-25T10:00", "2026-03-22T23:00", "2026-03-29T22:00"),
        # São Paulo until 2019: midnight did not exist when summer time began (01:00 follows 23:59)
        ("America/Sao_Paulo", Period.DAY, "2018-11-04T12:00", "2018-11-04T03:00", "2018-11-05T02:00"),
        ("America/Sao_Paulo", Period.DAY, "2018-11-04T02:59", "2018-11-03T03:00", "2018-11-04T03:00"),
        # and the hour before midnight came twice when it ended
        ("America/Sao_Paulo", Period.DAY, "2018-02-18T01:30", "2018-02-17T02:00", "2018-02-18T03:00"),
        ("America/Sao_Paulo", Period.DAY, "2018-02-18T02:30", "2018-02-17T02:00", "2018-02-18T03:00"),
        # Havana: midnight itself comes twice when summer time ends; the first one counts
        ("America/Havana", Period.DAY, "2025-11-02T04:30", "2025-11-02T04:00", "2025-11-03T05:00"),
        ("America/Havana", Period.DAY, "2025-11-02T05:30", "2025-11-02T04:00", "2025-11-03T05:00"),
        # Apia left 30 December 2011 out altogether
        ("Pacific/Apia", Period.DAY, "2011-12-30T09:00", "2011-12-29T10:00", "2011-12-30T10:00"),
        ("Pacific/Apia", Period.DAY, "2011-12-30T10:00", "2011-12-30T10:00", "2011-12-31T10:00"),
    ],
)
def test_period_bounds(zone: str, period: Period, now: str, start: str, end: str) -> None:
    """Local days, weeks and months, whatever daylight saving does to midnight."""
    assert period_bounds(period, _utc(now), zone=zone) == (_utc(start), _utc(end))


@pytest.mark.parametrize("week_start", range(7))
def test_weeks_start_on_the_day_that_was_set(week_start: int) -> None:
    """0 is Monday, 6 is Sunday; the week holds now."""
    now = _utc("2026-03-04T12:00")

    start, end = period_bounds(Period.WEEK, now, week_start=week_start)

    assert start.weekday() == week_start
    assert start <= now < end
    assert end - start == timedelta(days=7)


ZONES = ["UTC", "Asia/Tokyo", "Europe/Amsterdam", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo"]


@given(
    st.sampled_from(ZONES),
    st.sampled_from(Period),
    st.integers(631_152_000, 1_893_456_000),  # 1990 to 2030
    st.integers(0, 6),
)
def test_periods_hold_now_and_follow_each_other(zone: str, period: Period, second: int, week_start: int) -> None:
    """No moment is outside its period, and the next period begins where this one ends."""
    now = datetime.fromtimestamp(second, UTC)

    start, end = period_bounds(period, now, zone=zone, week_start=week_start)

    assert start <= now < end
    assert period_bounds(period, end, zone=zone, week_start=week_start)[0] == end
    assert period_bounds(period, start, zone=zone, week_start=week_start) == (start, end)
    local = start.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) in {(0, 0), (1, 0)}


def _account(level: Level, number: int, limit: int | None, used: int = 0) -> Account:
    return Account(level, number, None if limit is None else Credits(limit), Credits(used), ZERO)


def test_the_allowance_pays_first() -> None:
    """Then the grants in the order given; parts that carry nothing are left out."""
    grants = [_account(Level.WALLET, 1, 5), _account(Level.WALLET, 2, 5, 5), _account(Level.WALLET, 3, 5)]

    parts = split_member_hold(Credits(13), _account(Level.ALLOWANCE, 7, 10, 5), grants)

    assert parts == [
        Part(Level.ALLOWANCE, "budget:7", Credits(5)),
        Part(Level.WALLET, "grant:1", Credits(5)),
        Part(Level.WALLET, "grant:3", Credits(3)),
    ]


def test_too_little_together_is_refused() -> None:
    """One millicredit short is too little."""
    assert split_member_hold(Credits(11), _account(Level.ALLOWANCE, 7, 5), [_account(Level.WALLET, 1, 5)]) is None


def test_an_allowance_of_zero_alone_refuses_whatever_the_cost() -> None:
    """What costs nothing too, unless the wallet has something; one that is used up takes what costs nothing."""
    none, used_up = _account(Level.ALLOWANCE, 7, 0), _account(Level.ALLOWANCE, 7, 5, 5)

    assert split_member_hold(ZERO, none, [_account(Level.WALLET, 1, 5, 5)]) is None
    assert split_member_hold(ZERO, none, [_account(Level.WALLET, 1, 5)]) == []
    assert split_member_hold(ZERO, used_up, []) == []


def test_an_unlimited_allowance_spares_the_wallet() -> None:
    """The whole cost sits on the allowance."""
    parts = split_member_hold(Credits(11), _account(Level.ALLOWANCE, 7, None), [_account(Level.WALLET, 1, 50)])

    assert parts == [Part(Level.ALLOWANCE, "budget:7", Credits(11))]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(0, 300))
def test_settling_keeps_every_part_whole(amounts: list[int], actual: int) -> None:
    """Paid and released make up each part; the wallet's are released first."""
    parts = [Part(Level.WALLET, f"grant:{n}", Credits(a)) for n, a in enumerate(amounts)]

    split = split_settlement(parts, Credits(actual))

    assert [paid + rest for _, paid, rest in split] == [Credits(a) for a in amounts]
    assert sum(paid.milli for _, paid, _ in split) == min(actual, sum(amounts))
    is_released = [rest.milli > 0 for _, _, rest in split]
    assert all(paid == ZERO for (_, paid, _), before in zip(split[1:], is_released, strict=False) if before)
