"""When a running task is asked for: seldom where its end will be announced, else as the account's pace allows."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.db import work
from bot.db.engine import Database
from bot.domain.jobs import Job
from bot.ports import Links, Provider
from bot.services.config import Timings
from bot.services.pacing import RateView

FIRST_POLL_FACTOR = 1.5


class PollTimes:
    """The times of polls. `rate` says how often running tasks can be asked for."""

    def __init__(
        self,
        database: Database,
        *,
        providers: Mapping[str, Provider],
        links: Links,
        timings: Timings,
        rate: RateView | None = None,
    ) -> None:
        self._database = database
        self._providers = providers
        self._links = links
        self._timings = timings
        self._rate = rate

    def expects_callback(self, held: Job) -> bool:
        """Whether the provider was given an address to announce the task's end at."""
        provider = self._providers[held.provider]
        return provider.traits.has_callback and self._links.callback_url(provider.name, held.id, 1) is not None

    async def awaits_callback(self, held: Job) -> bool:
        """Whether the task's end is likely to be announced: an address was given, and callbacks arrive. One read."""
        if not self.expects_callback(held):
            return False
        async with self._database.read() as connection:
            return not await work.are_callbacks_silent(connection, held.provider)

    async def next_gap_s(self, held: Job) -> float:
        """Return how far apart the polls of a job's task must be, at least the poll interval. Two reads at most.

        More where so many jobs run that their polls would not fit the account's rate budget. A job that waits for a
        callback is asked for seldom anyway, so that it need not wait longer for the next poll.
        """
        return await self.gap_s(held, awaits_callback=await self.awaits_callback(held))

    async def gap_s(self, held: Job, *, awaits_callback: bool) -> float:
        """Return the same where it is known whether a callback will come. One read at most."""
        if self._rate is None or awaits_callback:
            return self._timings.poll_interval_s
        return max(self._timings.poll_interval_s, await self._rate.poll_gap_s(held.provider))

    def first_at(self, held: Job, now: datetime, gap_s: float, *, awaits_callback: bool) -> datetime:
        """Return when to look for the first time: late where a callback is expected, else when polls allow it.

        Where polls are scarce the first one comes at the expected end; an earlier one would most likely be wasted.
        None waits beyond the job's deadline.
        """
        wait_s = max(self._timings.poll_interval_s, min(gap_s, held.expected_s))
        if awaits_callback:
            wait_s = max(wait_s, FIRST_POLL_FACTOR * held.expected_s)
        return now + timedelta(seconds=min(wait_s, max(self._timings.poll_interval_s, self._timings.job_deadline_s)))
