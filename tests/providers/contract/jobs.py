"""The whole job with a real adapter: real services on SQLite, the emulator as the provider, a clock moved by hand.

The emulator lives in real time, in which hardly any passes; its tasks are done after a few polls.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import DownloadFailed
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.ports import ClipInfo
from bot.services.config import Timings
from bot.services.dispatch import Dispatch
from bot.services.fetching import Fetching
from bot.services.status import StatusCheck
from bot.services.submission import Submitter
from bot.workers.steps import Steps
from tests.manual_clock import ManualClock
from tests.providers.contract.rigs import AI, MOVIE, TV, Rig, rig_of
from tests.services.fakes import FakeBreaker, FakeWorkshop
from tests.services.world import GUILD, USER, World, credits

#: A short doubt and seldom polls, so that a day of waiting is no thousand requests.
UNKNOWN_DEADLINE_S = 7200.0
TIMINGS = Timings(poll_interval_s=20, job_deadline_s=1200, unknown_deadline_s=UNKNOWN_DEADLINE_S)


QUOTE = {MOVIE: credits("9"), AI: credits("30"), TV: credits("15")}


class PatientBreaker(FakeBreaker):
    """Never opens for an outage: these tests are about one job."""

    async def failed(self, provider: str, reason: str, *, is_create: bool = False, is_lost: bool = False) -> None:
        """Only dead keys and empty accounts count."""
        if reason != "outage":
            await super().failed(provider, reason, is_create=is_create)


class OpenWorkshop(FakeWorkshop):
    """Asks the provider's content network for every clip, and then works on it as the fake does."""

    async def fetch_clip(self, url: str, key: str) -> ClipInfo:
        """Refuse what the network refuses."""
        info = await super().fetch_clip(url, key)
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            if answer.status != 200:
                raise DownloadFailed(f"http_{answer.status}", is_gone=answer.status in (403, 404, 410))
        return info


def offered(name: str) -> Catalog:
    """One provider's models, a credit of ours for each of theirs."""
    return Catalog.build(providers=[name], rates={name: Decimal(1)})


@dataclass
class JobWorld(World):
    """A bot whose only provider is a real adapter."""

    rig: Rig = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.breaker = PatientBreaker()
        self.workshop = OpenWorkshop(self.folder)
        self.restart()

    def restart(self) -> None:
        """Build every service anew, those that speak to the provider with the adapter."""
        super().restart()
        name, providers = self.rig.name, {self.rig.name: self.rig.adapter}
        self.dispatch = Dispatch(self.database, self.clock, breaker=self.breaker, places={name: 5}, cards=self.cards)
        submitter = Submitter(
            self.database,
            self.clock,
            providers=providers,
            breaker=self.breaker,
            store=self.store,
            links=self.links,
            timings=self.timings,
        )
        self.status = StatusCheck(
            self.database,
            self.clock,
            providers=providers,
            breaker=self.breaker,
            catalog=self.offered,
            submitter=submitter,
            timings=self.timings,
        )
        fetching = Fetching(
            self.database, self.clock, workshop=self.workshop, providers=providers, timings=self.timings
        )
        self.steps = Steps(submitter, self.status, fetching, self.delivery, self.quotes, self.approvals)

    async def member(self) -> tuple[Credits, Credits]:
        """What the member has paid for good, and what is held of theirs."""
        balance = await self.queries.balance(guild_id=GUILD, user_id=USER)
        return balance.allowance.settled, balance.held

    async def shown(self, job: Job) -> list[JobState]:
        """The states that the job's card has shown, in order."""
        await self.cards.stop()
        return list(dict.fromkeys(card.job.state for card in self.messenger.cards if card.job.id == job.id))


@asynccontextmanager
async def job_world(name: str, url: str, folder: Path, *, credits: int = 1000, **knobs: Any) -> AsyncIterator[JobWorld]:
    """A bot, its database, and one provider. At the end the ledger is proved."""
    database, clock = Database(url), ManualClock(datetime.now(UTC))
    async with rig_of(name, credits=credits, **knobs) as rig:
        world = JobWorld(database, clock, folder, offered=offered(name), rig=rig, places={name: 5}, timings=TIMINGS)
        try:
            yield world
            await world.close()
        finally:
            await database.dispose()


class Outcome(NamedTuple):
    """What came of a job: its state, the provider's tasks and what they cost, the messages, the member's figures."""

    state: JobState
    tasks: int
    spent: Decimal
    messages: int
    paid: Credits
    held: Credits


async def outcome(world: JobWorld, job: Job) -> Outcome:
    """What came of a job that is its world's only one."""
    state, messages = await world.state(job), len(world.messenger.of(job))
    return Outcome(state, len(world.rig.emulator.tasks), world.rig.spent, messages, *await world.member())


def delivered_once(world: JobWorld) -> Outcome:
    """One task, one price, one message, and the member charged for it once."""
    return Outcome(JobState.DELIVERED, 1, world.rig.words.price, 1, QUOTE[world.rig.name], ZERO)
