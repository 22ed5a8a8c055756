"""seedance-tv's X-RateLimit headers: the account rests when nothing remains, and only then."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.errors import ProviderAccount, ProviderBusy, ProviderError
from bot.providers.seedance_tv import SeedanceTv
from bot.services.breaker import is_crowded
from tests.manual_clock import ManualClock
from tests.providers.conftest import RecordingRate, Wire
from tests.providers.test_tv_create import SPEC, connected, refused, respond, rig

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
AT = 1_792_567_680  # the same moment
REMAINING, RESET = "X-RateLimit-Remaining", "X-RateLimit-Reset"


async def rests(wire: Wire, headers: dict[str, str], *, status: int = 200, now: int = 0) -> list[float]:
    """The rests after one answer with these headers."""
    respond(wire, {"balance": 1}, status=status, headers=headers)
    rate = RecordingRate()
    async with connected(wire.origin, rate, clock=ManualClock(datetime.fromtimestamp(now, UTC))) as tv:
        await asked(tv)
    assert {key for key, _ in rate.pauses} <= {"seedance-tv"}
    return [seconds for _, seconds in rate.pauses]


async def asked(tv: SeedanceTv) -> None:
    try:
        await tv.balance()
    except ProviderError:
        return


@pytest.mark.parametrize("status", [200, 401, 404, 422, 500])
async def test_nothing_left_rests_until_the_reset_after_every_answer(wire: Wire, status: int) -> None:
    """By the provider's own clock, whatever ours says."""
    headers = {"Date": DATE, REMAINING: "0", RESET: str(AT + 42)}

    assert await rests(wire, headers, status=status, now=5) == [42.0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {RESET: str(AT + 42)},
        {REMAINING: "1", RESET: str(AT + 42)},
        {REMAINING: "", RESET: str(AT + 42)},
        {REMAINING: "none", RESET: str(AT + 42)},
        {REMAINING: "0x0", RESET: str(AT + 42)},
        {REMAINING: "59, 0", RESET: str(AT + 42)},
    ],
)
async def test_a_header_that_is_missing_or_makes_no_sense_is_not_a_zero(wire: Wire, headers: dict[str, str]) -> None:
    """The example's `get('X-RateLimit-Remaining', 0)` would stop a bot for good."""
    assert await rests(wire, {"Date": DATE, **headers}) == []


@pytest.mark.parametrize(
    ("reset", "rest_s"),
    [
        (str(AT), 1.0),
        (str(AT - 3), 1.0),
        (str(AT + 900), 900.0),
        (str(AT + 7200), 60.0),
        (str(AT - 7200), 10.0),
        (f"{(AT + 30) * 1000}", 30.0),
        (f"{AT + 30}.5", 30.5),
        ("25", 25.0),
        ("600", 600.0),
        ("soon", 10.0),
        ("", 10.0),
        ("9" * 40, 10.0),
    ],
)
async def test_a_reset_within_an_hour_is_obeyed_and_nonsense_is_not(wire: Wire, reset: str, rest_s: float) -> None:
    """Long windows, skewed clocks, milliseconds, seconds from now, nonsense."""
    assert await rests(wire, {"Date": DATE, REMAINING: "0", RESET: reset}) == [rest_s]


async def test_without_a_date_our_own_clock_stands_in(wire: Wire) -> None:
    """A day without sense is no date."""
    headers = {"Date": "some day", REMAINING: "0", RESET: str(AT + 20)}

    assert await rests(wire, headers, now=AT + 5) == [15.0]
    assert await rests(wire, headers, now=AT - 600) == [60.0]  # it may be wrong


@pytest.mark.parametrize(
    ("headers", "rest_s"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "7", REMAINING: "0", RESET: str(AT + 30)}, 30.0),
        ({"Retry-After": "45", REMAINING: "0", RESET: str(AT + 30)}, 45.0),
        ({"Retry-After": "300", REMAINING: "0", RESET: str(AT + 300)}, 300.0),
        ({REMAINING: "0", RESET: str(AT + 30)}, 30.0),
        ({"Retry-After": "5", REMAINING: "12", RESET: str(AT + 30)}, 5.0),
    ],
)
async def test_a_429_rests_as_long_as_it_says(wire: Wire, headers: dict[str, str], rest_s: float) -> None:
    """Retry-After in full, also where requests remain: then too many tasks are under way."""
    respond(wire, {"error": "Too Many Requests"}, status=429, headers={"Date": DATE, **headers})
    rate = RecordingRate()
    async with connected(wire.origin, rate) as tv:
        error = await refused(tv)

    assert type(error) is ProviderBusy
    assert error.retry_after_s == rest_s
    assert rate.pauses == [("seedance-tv", rest_s)]


async def test_429s_that_name_no_time_are_met_with_growing_rests(wire: Wire) -> None:
    """ "1 second … 2 seconds, then 4", at most a minute, and from the start again after another answer."""
    rate = RecordingRate()
    async with connected(wire.origin, rate) as tv:
        respond(wire, b"", status=429)
        for _ in range(8):
            await refused(tv)
        respond(wire, {"balance": 1})
        await tv.balance()
        respond(wire, b"", status=429)
        await refused(tv)

    assert [seconds for _, seconds in rate.pauses] == [1, 2, 4, 8, 16, 32, 60, 60, 1]


async def test_a_gateways_503_is_obeyed_as_well(wire: Wire) -> None:
    """Its Retry-After is for everybody."""
    assert await rests(wire, {"Retry-After": "9"}, status=503) == [9.0]


@pytest.mark.parametrize("knobs", [{}, {"clock_skew_s": 3600.0}, {"clock_skew_s": -3600.0}])
async def test_the_last_request_of_a_window_rests_until_the_next(knobs: dict[str, Any]) -> None:
    """The provider's clock may be an hour off: no request is refused for its rate, and no rest is longer."""
    async with rig(rate_limit_per_minute=3, rate_window_s=30.0, **knobs) as at:
        for _ in range(3):
            await at.tv.balance()

        assert len(at.rate.pauses) == 1
        assert 28 <= at.rate.pauses[0][1] <= 31
        assert [record.status for record in at.emulator.requests] == [200, 200, 200]


async def test_a_provider_that_tells_no_rate_is_not_rested_for() -> None:
    """Until it refuses."""
    async with rig(rate_limit_per_minute=1, tells_rate_headers=False) as at:
        await at.submitted()
        before = list(at.rate.pauses)
        error = await refused(at.tv)

        assert before == []
        assert type(error) is ProviderBusy
        assert len(at.emulator.tasks) == 1
        assert at.rate.pauses == [("seedance-tv", error.retry_after_s)]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "tv_too_many_requests"),
        ({REMAINING: "0", RESET: str(AT + 5)}, "tv_too_many_requests"),
        ({REMAINING: "soon"}, "tv_too_many_requests"),
        ({REMAINING: "3", RESET: str(AT + 30)}, "tv_concurrency_limit"),
    ],
)
async def test_a_429_with_requests_left_means_too_many_tasks(wire: Wire, headers: dict[str, str], code: str) -> None:
    """Fewer jobs run at once then; polls, which are within the rate, go on unless a time is named."""
    respond(wire, b"", status=429, headers={"Date": DATE, **headers})
    rate = RecordingRate()
    async with connected(wire.origin, rate) as tv:
        error = await refused(tv)

    assert (type(error), error.code) == (ProviderBusy, code)
    assert is_crowded(error.code) == (code == "tv_concurrency_limit") == (rate.pauses == [])


async def test_too_many_tasks_under_way_are_waited_for() -> None:
    """A 429 although requests remain is without effect."""
    async with rig(concurrency_limit=1) as at:
        at.emulator.next_outcome(hang=True)
        await at.submitted(SPEC)
        error = await refused(at.tv)

        assert (type(error), error.retry_after_s) == (ProviderBusy, 5.0)


async def test_a_dead_key_says_nothing_of_a_rest() -> None:
    """A 401 tells a full window."""
    async with rig() as at:
        at.emulator.account.enabled = False
        assert type(await refused(at.tv)) is ProviderAccount
        assert at.rate.pauses == []
