"""Circuit breakers over the database: every process sees the same, and exactly one of them probes."""

import logging
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.db import breakers, work
from bot.db.engine import Database
from bot.domain.errors import ProviderAccount, ProviderBusy, ProviderError
from bot.ports import Breaker, BreakerState, Provider

log = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5  # in a row, over all processes
LOST_CREATE_COUNTS = 2
FIRST_PROBE = timedelta(seconds=30)
MAX_PROBE = timedelta(minutes=10)

#: Parts of the codes that say: the account has too many tasks under way, or the provider too much to do.
CROWDED = ("service_busy", "service_unavailable", "concurrency_limit", "http_503")
#: One such answer may be a hiccup; two within this time halve the running places, at most once in `HALVED_ONCE_IN`.
REPEATS_WITHIN = timedelta(minutes=5)
HALVED_ONCE_IN = timedelta(minutes=1)
GROWS_EVERY = timedelta(minutes=2)  # by one place

#: Reasons from least to most: a greater one replaces a lesser one. Only `paused` is a person's own doing.
REASONS = ("outage", "credits", "key", "paused")


class BreakerView:
    """Tells whether a breaker is open, and never gives the probe away: for those who only show it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self, provider: str) -> BreakerState:
        """Return whether it is open. One read."""
        async with self._database.read() as connection:
            row = await breakers.read(connection, provider)
        return _state(row)


class SharedBreaker:
    """The breaker of every provider. `view` is for those who only look."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.view = BreakerView(database)
        self._database = database
        self._clock = clock

    async def state(self, provider: str) -> BreakerState:
        """Return whether submissions must wait. One read; a due probe is one transaction more.

        When a probe is due, one caller among all processes is told `is_open=False` with the `reason` still set: that
        one may send one submission. Its outcome closes the breaker, or the next probe comes later than this one did.
        """
        seen = await self.view.state(provider)
        now = self._clock.now()
        if not seen.is_open or seen.probe_at is None or seen.probe_at > now:
            return seen
        async with self._database.begin() as connection:
            row = await breakers.read(connection, provider)
            if row.probe_at is None or row.probe_at > now:
                return _state(row)
            following = now + _probe_wait(row.opened_at or now, now)
            may_probe = await breakers.move_probe(connection, provider, before=row.probe_at, after=following)
        log.info("breaker.probe", extra={"provider": provider, "reason": row.reason, "granted": may_probe})
        return BreakerState(not may_probe, row.reason, following, row.create_failures > 0)

    async def succeeded(self, provider: str, *, took_task: bool = True) -> None:
        """Note that the provider works. One read; where that is news, one transaction.

        Closes after an outage or a dead key. An empty account is no longer empty only where the provider
        `took_task`: it answers polls without credits, and may answer them while creates fail. What the operator paused
        stays so.
        """
        async with self._database.read() as connection:
            row = await breakers.read(connection, provider)
        closing, left = frozenset({"outage", "key", "credits"}), 0
        if not took_task:
            left = row.create_failures
            closing = frozenset({"key"} if left >= FAILURES_TO_OPEN else {"outage", "key"})
        if (row.reason is None and row.failures == left) or (row.reason is not None and row.reason not in closing):
            return
        async with self._database.begin() as connection:
            await breakers.close(connection, provider, closing, keep_creates=not took_task)
        if row.reason is not None:
            log.warning("breaker.closed", extra={"provider": provider, "reason": row.reason})

    async def failed(self, provider: str, reason: str, *, is_create: bool = False, is_lost: bool = False) -> None:
        """Note a failure: the fifth `outage` in a row opens, `credits` and `key` open at once. One transaction.

        A poll that is answered ends the row of failed polls, never that of failed creates. A create that `is_lost`
        counts for two: what it would have made is in doubt for a day, so that the third one is too many.
        """
        now = self._clock.now()
        async with self._database.begin() as connection:
            if reason == "outage":
                weight = LOST_CREATE_COUNTS if is_lost else 1
                failures = await breakers.count_failure(connection, provider, is_create=is_create, weight=weight)
                if failures < FAILURES_TO_OPEN:
                    return
            opened = await breakers.open_for(
                connection, provider, reason, over=_lesser(reason), now=now, probe_at=now + FIRST_PROBE
            )
        if opened:
            log.error("breaker.opened", extra={"provider": provider, "reason": reason})

    async def crowded(self, provider: str) -> None:
        """Note that a create was answered that there is too much to do; halve the places where it repeats itself.

        One transaction.
        """
        now = self._clock.now()
        async with self._database.begin() as connection:
            seen = await breakers.read_crowd(connection, provider)
            await breakers.note_crowded(connection, provider, now=now)
            is_first = seen.crowded_at is None or now - seen.crowded_at > REPEATS_WITHIN
            if is_first or (seen.learned_at is not None and now - seen.learned_at < HALVED_ONCE_IN):
                return
            running = await work.count_running(connection, provider, now=now)
            places = max(1, places_now(running, seen, now) // 2)
            halved = await breakers.learn_places(connection, provider, before=seen.learned_at, places=places, now=now)
        if halved:
            log.warning("provider.crowded", extra={"provider": provider, "places": places})

    async def pause_provider(self, provider: str) -> None:
        """Stop submissions until `resume_provider`; never probed. One transaction."""
        now = self._clock.now()
        async with self._database.begin() as connection:
            await breakers.open_for(connection, provider, "paused", over=_lesser("paused"), now=now, probe_at=None)
        log.warning("breaker.paused", extra={"provider": provider})

    async def resume_provider(self, provider: str) -> None:
        """Close whatever it was open for, and forget the failures. One transaction."""
        async with self._database.begin() as connection:
            await breakers.close(connection, provider, frozenset(REASONS))
        log.warning("breaker.resumed", extra={"provider": provider})


def is_crowded(code: str) -> bool:
    """Whether an error code says that there is too much to do."""
    return any(part in code.lower() for part in CROWDED)


def places_now(configured: int, learned: breakers.CrowdRow, now: datetime) -> int:
    """Return how many of the configured running places may be used now: what was learned, and one more every while."""
    if learned.places is None or learned.learned_at is None:
        return configured
    return min(configured, learned.places + max(0, (now - learned.learned_at) // GROWS_EVERY))


def _state(row: breakers.BreakerRow) -> BreakerState:
    return BreakerState(row.reason is not None, row.reason, row.probe_at, row.create_failures > 0)


def _lesser(reason: str) -> frozenset[str]:
    return frozenset(REASONS[: REASONS.index(reason)])


def _probe_wait(opened_at: datetime, now: datetime) -> timedelta:
    """As long again as it has been open: 30 s, 60 s, 120 s and so on, to 10 minutes."""
    return min(max(now - opened_at, FIRST_PROBE), MAX_PROBE)


async def note_failure(
    breaker: Breaker, provider: str, error: ProviderError, *, is_create: bool = False, is_lost: bool = False
) -> None:
    """Tell the breaker what an error means for the provider. A busy one works."""
    if isinstance(error, ProviderAccount):
        await breaker.failed(provider, account_trouble(error))
    elif not isinstance(error, ProviderBusy):
        await breaker.failed(provider, "outage", is_create=is_create, is_lost=is_lost)


def account_trouble(error: ProviderAccount) -> str:
    """Name what is wrong with the operator's account: `credits` or `key`."""
    return "credits" if "CREDIT" in error.code.upper() else "key"


async def ask_first(breaker: Breaker, provider: Provider) -> None:
    """See that a provider answers again before another create, where a lost answer could never be cleared up.

    Raises:
        ProviderError: it does not.
    """
    if provider.traits.can_clear_up:
        return
    seen = await breaker.state(provider.name)
    if seen.reason is not None or seen.has_failed:
        await provider.check_key()
