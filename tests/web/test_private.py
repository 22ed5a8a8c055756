"""The operator's listener: readiness with reasons, metrics in Prometheus' format."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.domain.money import Credits
from bot.web.listeners import Listeners
from bot.web.metrics import Figures, Metrics
from bot.web.private import private_app
from tests.manual_clock import ManualClock

FIGURES = [
    Figures(jobs={("running", "seedance2-movie"): 3}, queue_depth={"seedance2-movie": 2}, holds=3, held=Credits(27_500))
]


async def _collect() -> Figures:
    return FIGURES[-1]


@pytest.fixture
def metrics() -> Metrics:
    """Figures of a bot with three running jobs."""
    return Metrics(_collect)


@pytest.fixture
def reasons() -> dict[str, str]:
    """What is not ready; tests fill it."""
    return {}


@pytest.fixture
async def base(metrics: Metrics, reasons: dict[str, str]) -> AsyncIterator[str]:
    """The listener's address."""

    async def readiness() -> dict[str, str]:
        return reasons

    listeners = Listeners()
    port = await listeners.start(private_app(readiness=readiness, metrics=metrics), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{port}"
    await listeners.stop()


async def get(url: str) -> tuple[int, str]:
    """Status and text of an answer."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_ready(base: str) -> None:
    """All is well."""
    assert await get(base + "/readyz") == (200, '{"ready": true, "reasons": {}}')


async def test_not_ready_says_why(base: str, reasons: dict[str, str]) -> None:
    """503 with the reason by name."""
    reasons["database"] = "no answer"

    assert await get(base + "/readyz") == (503, '{"ready": false, "reasons": {"database": "no answer"}}')


async def test_health(base: str) -> None:
    """Alive, on the private side too."""
    assert await get(base + "/healthz") == (200, '{"ok": true}')


async def test_metrics_show_everything_that_was_counted(base: str, metrics: Metrics) -> None:
    """Gauges are fresh at each scrape, counters add up."""
    metrics.count_callback("stored")
    metrics.count_callback("stored")
    metrics.count_provider_request("seedance2-movie", "submit", 200)
    metrics.count_discord_request(200)
    metrics.count_discord_request(429)
    metrics.note_state("running", "seedance2-movie", 42.0)
    status, text = await get(base + "/metrics")

    assert status == 200
    for line in (
        'bot_jobs{provider="seedance2-movie",state="running"} 3.0',
        'bot_queue_depth{provider="seedance2-movie"} 2.0',
        "bot_holds 3.0",
        "bot_held_credits 27.5",
        'bot_callbacks_total{outcome="stored"} 2.0',
        'bot_provider_requests_total{provider="seedance2-movie",route="submit",status="200"} 1.0',
        'bot_discord_requests_total{status="429"} 1.0',
        "bot_discord_rate_limits_total 1.0",
        'bot_job_state_seconds_sum{provider="seedance2-movie",state="running"} 42.0',
    ):
        assert line in text.splitlines()


async def test_states_that_emptied_disappear(base: str) -> None:
    """A gauge of a state without jobs does not keep its last value."""
    await get(base + "/metrics")
    FIGURES.append(Figures())
    _, text = await get(base + "/metrics")
    FIGURES.pop()

    assert 'state="running"' not in text


async def test_event_loop_lag_is_measured(metrics: Metrics) -> None:
    """Each second that passes is one observation."""
    watching = asyncio.create_task(metrics.watch_loop(ManualClock()))
    for _ in range(20):
        await asyncio.sleep(0)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    text = (await metrics.render()).decode()

    count = next(line for line in text.splitlines() if line.startswith("bot_event_loop_lag_seconds_count"))
    assert float(count.split()[1]) >= 2


async def test_a_taken_port_is_an_error() -> None:
    """Two listeners cannot share an address."""
    listeners = Listeners()
    app = private_app(readiness=dict, metrics=Metrics())  # type: ignore[arg-type]
    port = await listeners.start(app, "127.0.0.1", 0)

    with pytest.raises(OSError, match="in use"):
        await Listeners().start(private_app(readiness=dict, metrics=Metrics()), "127.0.0.1", port)  # type: ignore[arg-type]
    await listeners.stop()
