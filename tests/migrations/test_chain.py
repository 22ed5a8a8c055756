"""The chain of migrations ends at the tables of the code, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.db import migrate
from bot.db.engine import Database
from bot.db.tables import metadata
from bot.domain.errors import SettingsInvalid


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table, once on each."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
async def defined(empty_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A database of the same kind whose tables were made from the code's definitions."""
    database = Database(request.getfixturevalue("sqlite_url" if empty_url.startswith("sqlite") else "postgres_url"))
    yield database
    await database.dispose()


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    """A database without any table, once on each."""
    database = Database(empty_url)
    yield database
    await database.dispose()


def _shape(connection: sa.Connection) -> dict[str, object]:
    """Everything that the database itself says of its tables, without the chain's own."""
    inspector = sa.inspect(connection)
    names = sorted(set(inspector.get_table_names()) - {"alembic_version"})

    def ordered(rows: list[object]) -> list[str]:
        return sorted(map(str, rows))

    def indexes(name: str) -> list[str]:
        found = inspector.get_indexes(name)
        for index in found:
            index["dialect_options"] = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
        return ordered(list(found))

    return {
        name: {
            "columns": [str({**column, "type": str(column["type"])}) for column in inspector.get_columns(name)],
            "primary": str(inspector.get_pk_constraint(name)),
            "unique": ordered(list(inspector.get_unique_constraints(name))),
            "check": ordered(list(inspector.get_check_constraints(name))),
            "foreign": ordered(list(inspector.get_foreign_keys(name))),
            "indexes": indexes(name),
        }
        for name in names
    }


async def test_empty_to_head_gives_the_tables_of_the_code(empty: Database, defined: Database) -> None:
    """Columns, defaults, constraints and partial indexes are those that the code's own definitions make."""
    await migrate.upgrade(empty)

    async with empty.read() as left, defined.read() as right:
        migrated, wanted = await left.run_sync(_shape), await right.run_sync(_shape)
    assert migrated == wanted
    assert set(migrated) == set(metadata.tables)


async def test_autogenerate_finds_nothing_to_change(empty: Database) -> None:
    """A developer who asks for a new revision right after an upgrade gets an empty one."""
    await migrate.upgrade(empty)

    async with empty.read() as connection:
        changes = await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
    assert changes == []


async def test_an_empty_database_is_not_current_and_an_upgraded_one_is(empty: Database) -> None:
    """Commands can tell whether the tables are theirs before they read them."""
    before = await migrate.is_current(empty)
    with pytest.raises(SettingsInvalid, match="python -m bot migrate"):
        await migrate.require_current(empty)
    await migrate.upgrade(empty)

    assert (before, await migrate.is_current(empty)) == (False, True)


async def test_an_upgrade_keeps_rows_and_may_be_repeated(empty: Database) -> None:
    """Every start upgrades; the second one changes nothing."""
    await migrate.upgrade(empty)
    async with empty.begin() as connection:
        await connection.execute(sa.insert(metadata.tables["instance_value"]).values(key="a", value="b"))
    await migrate.upgrade(empty)

    async with empty.read() as connection:
        rows = (await connection.execute(sa.select(metadata.tables["instance_value"]))).all()
    assert rows == [("a", "b")]


LARGER = ("ends_at", "granted_milli")  # than other columns of their row


def _fill(connection: sa.Connection) -> dict[str, int]:
    """Put a row into every table, each pointing at the others; return how many rows each table has."""
    tables = sa.MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        if table.name != "alembic_version":
            row = {column.name: _something(column) for column in table.columns if not column.nullable}
            connection.execute(sa.insert(table).values(row | {name: 9 for name in LARGER if name in table.columns}))
    return {name: connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables.tables}


def _something(column: sa.Column[object]) -> object:
    return True if isinstance(column.type, sa.Boolean) else 1 if isinstance(column.type, sa.Integer | sa.Float) else "x"


async def test_an_upgrade_keeps_the_rows_of_the_first_version(empty: Database) -> None:
    """A table that SQLite has to make anew keeps its rows and what points at them."""
    async with empty.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(migrate._config(sync), "0001"))
        before = await connection.run_sync(_fill)
    await migrate.upgrade(empty)

    async with empty.begin() as connection:
        for name, count in before.items():
            assert await connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) == count, name
        assert before["job"] == before["ledger_entry"] == 1
        with pytest.raises(sa.exc.IntegrityError):  # the database guards its references as before
            await connection.execute(sa.text("DELETE FROM job"))


async def test_processes_that_start_together_upgrade_once(empty_url: str) -> None:
    """The lock lets one process migrate; the others find the work done."""
    databases = [Database(empty_url) for _ in range(4)]
    await asyncio.gather(*(migrate.upgrade(database) for database in databases))

    assert all([await migrate.is_current(database) for database in databases])
    for database in databases:
        await database.dispose()


async def test_a_database_of_a_newer_version_is_refused_in_a_sentence(empty: Database) -> None:
    """An older program on a newer database ends with a line, and leaves the database alone."""
    await migrate.upgrade(empty)
    async with empty.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SettingsInvalid, match="newer version"):
        await migrate.upgrade(empty)
    assert not await migrate.is_current(empty)


async def test_a_failing_revision_leaves_the_database_as_it_was(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision that breaks half way is rolled back whole, table changes included."""

    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        await migrate.upgrade(empty)

    async with empty.read() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []
