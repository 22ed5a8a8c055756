"""Alerts: what an operator must see to, told once, until it is well again."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.db import notices, work
from bot.discord.journal_text import JournalText
from bot.domain.errors import DeliveryForbidden, DeliveryRetry, DownloadFailed, ProviderAccount, ProviderBusy
from bot.domain.jobs import JobState
from bot.i18n import Catalogue
from bot.services.alerts import Alerts, clip_costs
from bot.services.balances import Balances
from bot.services.breaker import SharedBreaker
from bot.services.operator_desk import DiskUse
from tests.services.fakes import P1
from tests.services.world import GUILD, World, catalog

OPERATOR, SECOND = 999, 998
WRITER = JournalText(Catalogue.load())


@dataclass
class Watch:
    """The alerts of one installation; `account` is what the provider says of its balance."""

    world: World
    breaker: SharedBreaker
    alerts: Alerts
    account: Decimal | Exception = Decimal(1000)
    asked: int = 0

    async def look(self, *, after_s: float = 61.0) -> None:
        self.world.clock.advance(after_s)
        await self.alerts.look()

    def told(self, user_id: int = OPERATOR) -> list[str]:
        """What an operator read."""
        channel = 9_000_000 + user_id
        return [notice.text for channel_id, notice in self.world.messenger.notices if channel_id == channel]


@pytest.fixture
def watch(world: World) -> Watch:
    return make_watch(world)


async def _measure() -> DiskUse:
    return DiskUse(int(4.94 * 2**30), 5 * 2**30, int(0.26 * 2**30))


def make_watch(world: World, operators: frozenset[int] = frozenset({OPERATOR})) -> Watch:
    breaker = SharedBreaker(world.database, world.clock)
    costs = clip_costs(catalog())
    filled_from = {name: cost * 20 for name, cost in costs.items()}
    balances = Balances(
        world.database, world.clock, providers={P1: world.provider}, breaker=breaker, filled_from=filled_from
    )
    alerts = Alerts(
        world.database,
        world.clock,
        messenger=world.messenger,
        balances=balances,
        writer=WRITER,
        operator_ids=operators,
        clip_costs=costs,
        has_callbacks=True,
        intake=world.intake,
        measure=_measure,
        unknown_deadline_s=world.timings.unknown_deadline_s,
    )
    made = Watch(world, breaker, alerts)

    async def balance() -> Decimal:
        made.asked += 1
        if isinstance(made.account, Exception):
            raise made.account
        return made.account

    world.provider.balance = balance  # type: ignore[method-assign]
    return made


async def test_a_low_balance_is_told_once_until_it_is_filled_up(watch: Watch) -> None:
    """Below a tenth of what it was, or twenty default clips (9 credits each) where that is more."""
    for amount in (5000, 501, 499, 520, 480):  # 520: a refund, not yet well again
        watch.account = Decimal(amount)
        await watch.look(after_s=601)
    assert len(watch.told()) == 1
    assert "499.00 of its credits left, less than 500.00" in watch.told()[0]

    for amount in (1000, 190, 179):  # filled up: a tenth is now less than twenty clips
        watch.account = Decimal(amount)
        await watch.look(after_s=601)

    assert len(watch.told()) == 2
    assert "179.00 of its credits left, less than 180.00" in watch.told()[1]


async def test_the_balance_is_asked_every_ten_minutes_over_all_processes(watch: Watch) -> None:
    """However often one looks."""
    for _ in range(12):
        await watch.look()
        await asyncio.gather(watch.alerts.look(), watch.alerts.look())

    assert watch.asked == 2


async def test_a_provider_that_does_not_tell_its_balance_is_no_trouble(watch: Watch) -> None:
    """The last figure stays; an alert on it too."""
    watch.account = Decimal(10)
    await watch.look()
    watch.account = ProviderBusy("malformed")
    for _ in range(3):
        await watch.look(after_s=601)

    assert len(watch.told()) == 1


async def test_a_dead_key_is_noticed_without_any_job(watch: Watch) -> None:
    """By the question for the balance; and so is its end."""
    watch.account = ProviderAccount("INVALID_API_KEY")
    await watch.look()
    assert (await watch.breaker.view.state(P1)).reason == "key"
    await watch.look()
    assert "SEEDANCE2_MOVIE_API_KEY" in watch.told()[0]

    watch.account = Decimal(1000)
    await watch.look(after_s=601)

    assert (await watch.breaker.view.state(P1)).reason is None


@pytest.mark.parametrize("reason", ["key", "credits", "outage"])
async def test_an_open_breaker_is_told_once_each_time_it_opens(watch: Watch, reason: str) -> None:
    """Closed and open again is news."""
    await watch.look()
    for _ in range(2):
        for _ in range(5):
            await watch.breaker.failed(P1, reason)
        await watch.look(after_s=1)
        await watch.look(after_s=1)
        await watch.breaker.resume_provider(P1)
        await watch.look(after_s=1)

    assert len(watch.told()) == 2
    assert P1 in watch.told()[0]


async def test_what_the_operator_paused_is_no_alert(watch: Watch) -> None:
    """They know."""
    await watch.breaker.pause_provider(P1)
    await watch.look()

    assert watch.told() == []


async def test_callbacks_that_do_not_arrive_are_told(watch: Watch) -> None:
    """Until one arrives."""
    async with watch.world.database.begin() as connection:
        for job_id in "ABC":
            await work.note_finding(connection, P1, job_id=job_id)
    await watch.look()
    await watch.look()
    assert ["had no callback" in text for text in watch.told()] == [True]

    async with watch.world.database.begin() as connection:
        await notices.store(connection, [notices.Notice(P1, "D", 1, None)], now=watch.world.clock.now())
        await work.note_finding(connection, P1, job_id="D")
    await watch.look()

    assert len(watch.told()) == 1


async def test_a_full_data_folder_is_told_until_there_is_clearly_room(watch: Watch) -> None:
    """With what lies there; a little room that comes and goes is no news."""
    intake = watch.world.intake
    for room in (2, 0, 1, 0, 1, 2):
        intake.room = room
        await watch.look()
    assert len(watch.told()) == 1
    assert "DATA_DIR holds 4.9 GiB of 5.0 GiB, and its disk has 0.3 GiB left" in watch.told()[0]

    intake.room = 0
    await watch.look()

    assert len(watch.told()) == 2


async def test_parked_jobs_are_named(watch: Watch) -> None:
    """Again once others are parked after those were seen to."""
    job = await watch.world.accept()
    await watch.world.change(job, parked_reason="ValueError")
    await watch.look()
    await watch.look()
    await watch.world.change(job, parked_reason=None)
    await watch.look()
    await watch.world.change(job, parked_reason="ValueError")
    await watch.look()
    await watch.world.change(job, parked_reason=None)

    assert len(watch.told()) == 2
    assert job.id in watch.told()[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": JobState.UNKNOWN.value},
        {"state": JobState.EXPIRED.value, "error_code": "unknown_expired"},
    ],
)
async def test_jobs_unknown_past_the_deadline_are_named(watch: Watch, changes: dict) -> None:
    """Still in doubt, or given up and watched."""
    world = watch.world
    job = await world.accept()
    now = world.clock.now()
    await world.change(job, unknown_since=now, submitted_at=now, state=JobState.UNKNOWN.value)
    await watch.look()
    assert watch.told() == []

    world.clock.advance(world.timings.unknown_deadline_s)
    await world.change(job, watch_until=world.clock.now() + timedelta(days=7), **changes)
    await watch.look()

    assert job.id in watch.told()[0]
    await world.change(job, state=JobState.QUEUED.value, unknown_since=None, submitted_at=None, watch_until=None)


async def test_a_paid_clip_that_was_lost_is_told_once(watch: Watch) -> None:
    """The operator paid for it and hears which job it was."""
    world = watch.world
    world.workshop.script.extend([DownloadFailed("http_404", is_gone=True)] * 50)
    job = await world.accept()
    await world.until_state(job, JobState.UNDELIVERED)
    await watch.look()
    await watch.look()

    assert len(watch.told()) == 1
    assert job.id in watch.told()[0]


async def test_a_lapsed_quote_is_nothing_to_look_into(watch: Watch) -> None:
    """It expired too, and never had a task."""
    job = await watch.world.accept()
    await watch.world.cancellation.request(job.id, actor_id=100, guild_id=GUILD, is_moderator=False)
    await watch.world.change(job, state=JobState.EXPIRED.value, error_code="quote_lapsed")

    await watch.look()

    assert watch.told() == []


async def test_closed_direct_messages_leave_the_log(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """One try, no error."""
    watch.world.messenger.script["open"].append(DeliveryForbidden(50007, status=403))
    watch.account = Decimal(1)

    with caplog.at_level(logging.INFO):
        for _ in range(5):
            await watch.look()

    assert watch.told() == []
    assert [r.msg for r in caplog.records if r.msg.startswith("alert.")] == ["alert.opened", "alert.not_told"]


async def test_an_operator_whom_discord_did_not_reach_is_told_later(world: World) -> None:
    """The other one only once."""
    watch = make_watch(world, frozenset({OPERATOR, SECOND}))
    world.messenger.script["open"].extend([DeliveryRetry(0, status=503), None])
    watch.account = Decimal(1)

    await watch.look()
    await watch.look()
    await watch.look()

    assert (len(watch.told(OPERATOR)), len(watch.told(SECOND))) == (1, 1)


async def test_tries_to_reach_an_operator_end(watch: Watch) -> None:
    """After ten."""
    watch.world.messenger.script["open"].extend(DeliveryRetry(0, status=503) for _ in range(50))
    watch.account = Decimal(1)

    for _ in range(20):
        await watch.look()

    assert len(watch.world.messenger.script["open"]) == 40


async def test_an_alert_outlives_a_restart(world: World) -> None:
    """It is not told again by the next process."""
    for _ in range(2):
        watch = make_watch(world)
        watch.account = Decimal(1)
        await watch.look()

    assert len(watch.told()) == 1


async def test_nobody_to_tell_is_fine(world: World) -> None:
    """Only the log has it."""
    watch = make_watch(world, frozenset())
    watch.account = Decimal(1)

    await watch.look()

    assert world.messenger.notices == []


def test_a_default_clip_costs_what_the_provider_asks_for_it() -> None:
    """In its own credits."""
    assert clip_costs(catalog()) == {P1: Decimal(9)}
