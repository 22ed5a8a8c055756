"""Figures for Prometheus. Names begin with `bot_`; labels are closed sets, never ids or paths."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot.clock import Clock
from bot.domain.money import ZERO, Credits

LAG_INTERVAL_S = 1.0
STATE_BUCKETS_S = (0.1, 0.5, 1, 5, 15, 60, 180, 600, 3600, 86_400)
LAG_BUCKETS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is read from the database at each scrape.

    `jobs` counts by (state, provider), `queue_depth` waiting jobs by provider; `held` is what all open holds keep.
    """

    jobs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    queue_depth: Mapping[str, int] = field(default_factory=dict)
    holds: int = 0
    held: Credits = ZERO


class Metrics:
    """All figures of one process, in a registry of their own."""

    def __init__(self, collect: Callable[[], Awaitable[Figures]] | None = None) -> None:
        """`collect` feeds the gauges at each scrape."""
        self._collect = collect
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._jobs = Gauge("bot_jobs", "Jobs by state and provider.", ("state", "provider"), registry=registry)
        self._queue = Gauge("bot_queue_depth", "Jobs waiting for a place.", ("provider",), registry=registry)
        self._holds = Gauge("bot_holds", "Open holds.", registry=registry)
        self._held = Gauge("bot_held_credits", "Credits that open holds keep.", registry=registry)
        self._states = Histogram(
            "bot_job_state_seconds",
            "Time that jobs spent in a state, counted when they leave it.",
            ("state", "provider"),
            buckets=STATE_BUCKETS_S,
            registry=registry,
        )
        self._callbacks = Counter("bot_callbacks", "Callbacks by outcome.", ("outcome",), registry=registry)
        self._provider_requests = Counter(
            "bot_provider_requests",
            "Requests to providers by route and status; status 0: no answer.",
            ("provider", "route", "status"),
            registry=registry,
        )
        self._discord_requests = Counter(
            "bot_discord_requests", "Requests to Discord by status; 0: no answer.", ("status",), registry=registry
        )
        self._rate_limits = Counter("bot_discord_rate_limits", "Discord's 429 answers.", registry=registry)
        self._lag = Histogram(
            "bot_event_loop_lag_seconds",
            "How much later than asked the event loop came back.",
            buckets=LAG_BUCKETS_S,
            registry=registry,
        )

    def count_callback(self, outcome: str) -> None:
        """Count a callback: `stored`, `forged`, `too_large`, `too_slow` or `failed`."""
        self._callbacks.labels(outcome).inc()

    def count_provider_request(self, provider: str, route: str, status: int) -> None:
        """Count a request to a provider. `route` is a word of its adapter (`submit`, `status`), never an address."""
        self._provider_requests.labels(provider, route, str(status)).inc()

    def count_discord_request(self, status: int) -> None:
        """Count a request to Discord, and a 429 once more by itself."""
        self._discord_requests.labels(str(status)).inc()
        if status == 429:
            self._rate_limits.inc()

    def note_state(self, state: str, provider: str, seconds: float) -> None:
        """Note how long a job was in the state that it leaves."""
        self._states.labels(state, provider).observe(seconds)

    async def watch_loop(self, clock: Clock) -> None:
        """Measure the event loop's lag once a second until cancelled."""
        while True:
            before = clock.monotonic()
            await clock.sleep(LAG_INTERVAL_S)
            self._lag.observe(max(0.0, clock.monotonic() - before - LAG_INTERVAL_S))

    async def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        if self._collect is not None:
            self._show(await self._collect())
        return await asyncio.to_thread(generate_latest, self._registry)

    def _show(self, figures: Figures) -> None:
        self._jobs.clear()
        for (state, provider), count in figures.jobs.items():
            self._jobs.labels(state, provider).set(count)
        self._queue.clear()
        for provider, count in figures.queue_depth.items():
            self._queue.labels(provider).set(count)
        self._holds.set(figures.holds)
        self._held.set(float(figures.held.amount))
