"""A world on each database; every test ends with a proof of the ledger."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.db.engine import Database
from tests.manual_clock import ManualClock
from tests.services.world import PointedDatabase, World


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """This test's own database, once on SQLite and once on PostgreSQL, whose commits a test may strike at."""
    database = PointedDatabase(database_url)
    yield database
    await database.dispose()


@pytest.fixture
async def make_world(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Callable[..., World]]:
    """Make a world with rules of the test's own."""
    made: list[World] = []

    def make(**values: object) -> World:
        made.append(World(database, clock, tmp_path, **values))
        return made[-1]

    yield make
    for world in made:
        await world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with the default rules: an unlimited pool, 50 credits a week for everybody."""
    return make_world()
