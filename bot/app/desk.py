"""What the operator's command line works with beside a running bot: the database, and the services over it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.app.build import money_rules
from bot.clock import Clock, SystemClock
from bot.db import guilds, migrate
from bot.db.engine import Database
from bot.domain.errors import SettingsInvalid
from bot.domain.jobs import Job
from bot.domain.money import ZERO
from bot.services import operator
from bot.services.breaker import SharedBreaker
from bot.services.budgets import Budgets
from bot.services.levels import LevelBook
from bot.services.operator_desk import DiskUse, Measure
from bot.services.queries import Queries
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """The operator's view of one installation. Every method is one short transaction."""

    database: Database
    clock: Clock
    queries: Queries
    budgets: Budgets
    breaker: SharedBreaker

    async def verify_ledger(self) -> list[str]:
        """Recompute every balance from the entries; one sentence for each difference."""
        return await operator.verify_ledger(self.database)

    async def retry_job(self, job_id: str) -> Job:
        """Give a parked job another go, or look at an unknown one now.

        Raises:
            NotFound: no such job.
            Refused: it is neither parked nor unknown.
        """
        return await operator.retry_job(self.database, self.clock, job_id)

    async def name_task(self, job_id: str, task_id: str) -> Job:
        """Tell which of the provider's tasks a job without one is.

        Raises:
            NotFound: no such job.
            Refused: it has one, was never sent, or another job has that task.
        """
        return await operator.name_task(self.database, self.clock, job_id, task_id=task_id)

    async def fail_job(self, job_id: str) -> Job:
        """Give a parked or unknown job up and release what it holds.

        Raises:
            NotFound: no such job.
            Refused: it is neither parked nor unknown.
        """
        return await operator.fail_job(self.database, self.clock, job_id)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database, which must exist; nothing is made.

    Raises:
        SettingsInvalid: there is no such SQLite file.
    """
    file = settings.sqlite_file
    if file is not None and not file.is_file():
        raise SettingsInvalid(
            f"DATABASE_URL: there is no file {str(file)!r} yet; start the bot once or run: python -m bot migrate"
        )
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        await database.dispose()


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """Open the desk on a database that has this version's tables.

    Raises:
        SettingsInvalid: the database does not exist or has other tables.
    """
    clock = SystemClock()
    async with open_database(settings) as database:
        await migrate.require_current(database)
        levels = LevelBook(money_rules(settings))
        yield Desk(
            database,
            clock,
            Queries(database, clock, levels=levels),
            Budgets(database, clock),
            SharedBreaker(database, clock),
        )


async def upgrade(settings: Settings) -> bool:
    """Bring the schema to head, making the database's file where there is none. Returns whether anything changed.

    Raises:
        SettingsInvalid: the database is of a newer version.
    """
    database = Database(settings.database_url)
    try:
        if await migrate.is_current(database):
            return False
        await migrate.upgrade(database)
        return True
    finally:
        await database.dispose()


async def is_current(database: Database) -> bool:
    """Tell whether the database has this version's tables."""
    return await migrate.is_current(database)


def measure(settings: Settings, used_bytes: Callable[[], Awaitable[int]]) -> Measure:
    """Return what measures the room for data. `used_bytes` counts what lies in DATA_DIR."""

    async def look() -> DiskUse:
        used = await used_bytes()
        disk = await asyncio.to_thread(shutil.disk_usage, settings.data_dir)
        return DiskUse(used, settings.data_dir_max_bytes, disk.free)

    return look


@dataclass(frozen=True, slots=True)
class Spenders:
    """How many guilds the bot is in, how many of them have a pool to spend from, and how many it has yet to join that
    were given one."""

    joined: int
    able: int
    awaited: int


async def count_spenders(settings: Settings, database: Database, owners: frozenset[int]) -> Spenders:
    """Count the guilds with a pool to spend from."""
    levels = LevelBook(money_rules(settings, owners=owners))
    async with database.read() as connection:
        rows = await guilds.every(connection)
    joined = [row for row in rows if guilds.is_joined(row)]
    able = sum(levels.pool_limit(row) != ZERO for row in joined)
    awaited = sum(row.pool_is_set and levels.pool_limit(row) != ZERO for row in rows if row not in joined)
    return Spenders(len(joined), able, awaited)
