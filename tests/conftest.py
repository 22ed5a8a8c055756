"""Fixtures for every test: real databases, and a clock that is moved by hand."""

import gc
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.db.engine import Database
from bot.db.tables import metadata
from tests.manual_clock import ManualClock
from tests.postgres import TABLES, PostgresServer, run_apart

#: Tests that start processes, walk through days, or search for counter-examples: `make test-fast` leaves them out.
SLOW = (
    "e2e",
    "playground",
    "cli",
    "media",
    "providers",
    "cogs",
    "discord",
    "workers",
    "services/test_pictures",
    "services/test_privacy",
    "services/test_retention",
    "services/test_delivery",
    "services/test_status",
    "services/test_kill",
    "services/test_money_machine",
)


#: Whole stories, the playground's own tests, and walks through days: `make test-all` runs them too.
LONG = (
    "e2e/test_everyday",
    "e2e/test_scripts",
    "e2e/test_kill_decisions",
    "playground/discord",
    "playground/providers",
    "playground/page/test_forms",
    "playground/page/test_page",
    "playground/page/test_rig",
    "playground/page/test_sides",
    "playground/page/test_switches",
    "services/test_hundred",
)
LONG_NAMES = (
    "test_expired_then_a_late_success",
    "test_a_provider_that_only_errs_makes_the_job_unknown_too",
    "test_the_watch_ends_after_seven_days",
    "test_the_job_deadline_makes_it_unknown_with_its_hold",
    "test_dead_bot_token_is_waited_for",
    "test_without_a_list_an_ambiguous_create_stays_unknown",
    "test_keys_are_not_trusted_for_ever",
    "test_a_loss_that_is_told_only_after_the_release_is_booked",
)
#: Families whose PostgreSQL turn differs least from the SQLite one: no races, no money of their own.
LONG_ON_POSTGRESQL = (
    "services/test_alerts",
    "services/test_cards",
    "services/test_clip_reports",
    "services/test_delivery",
    "services/test_journal",
    "services/test_moderation",
    "services/test_outside",
    "services/test_pictures",
    "services/test_quotes",
    "services/test_reconcile",
    "services/test_rerun",
    "services/test_retention",
    "services/test_rules",
    "services/test_sharing",
    "services/test_silent",
    "services/test_status",
    "services/test_styles",
    "services/test_usage",
    "workers",
    "cli",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow and the long part by place and name, and what runs once more on PostgreSQL."""
    here = Path(__file__).parent
    for item in items:
        place, is_on_postgres = item.path.relative_to(here).as_posix(), "[postgresql" in item.name
        if place.startswith(SLOW) or is_on_postgres:
            item.add_marker(pytest.mark.slow)
        is_long = place.startswith(LONG) or item.name.partition("[")[0] in LONG_NAMES
        if is_long or (is_on_postgres and place.startswith(LONG_ON_POSTGRESQL)):
            item.add_marker(pytest.mark.long)


def pytest_collection_finish() -> None:
    """Search what the tests leave for garbage, not the thousands of tests themselves: a seventh of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _create_tables(url: str) -> None:
    database = Database(url)
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await database.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this test process, with a database that has every table."""
    server = PostgresServer.start()
    try:
        server.create_database(TABLES)
        run_apart(lambda: _create_tables(server.url(TABLES)))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has every table, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    run_apart(lambda: _create_tables(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a SQLite database of this test's own, with every table."""
    path = tmp_path / "bot.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a PostgreSQL database with every table and no rows; tests of one process use it in turn."""
    yield postgres_server.url(TABLES)
    postgres_server.empty_database(TABLES)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a PostgreSQL database of this test's own, without any table."""
    name = f"test_{uuid.uuid4().hex}"
    postgres_server.create_database(name)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of this test's own database, once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """This test's own database, once on SQLite and once on PostgreSQL, with every table and no rows."""
    database = Database(database_url)
    yield database
    await database.dispose()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until the test moves it or somebody sleeps on it."""
    return ManualClock()
