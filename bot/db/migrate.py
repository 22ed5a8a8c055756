"""Bring a database to the newest tables: one chain of revisions for SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.engine import Database
from bot.domain.errors import InvariantBroken, SettingsInvalid

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
LOCK_KEY = 0x5EEDA9CE  # PostgreSQL's advisory lock of this program's migrations


async def upgrade(database: Database) -> None:
    """Bring the database to the newest revision, or change nothing at all. Does nothing where it is there already.

    One transaction, under a lock: processes that start together wait for the first of them. On SQLite the lock is the
    transaction itself (BEGIN IMMEDIATE).

    Raises:
        SettingsInvalid: the database was made by a newer version of the program.
    """
    async with _changing(database) as connection:
        if not database.is_sqlite:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
        await connection.run_sync(_to_head)


@asynccontextmanager
async def _changing(database: Database) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that may change tables.

    SQLite cannot alter everything in place: such a table is made anew under its name. Meanwhile nothing may insist on
    what points at it, which only a connection outside a transaction can be told
    (https://sqlite.org/lang_altertable.html#otheralter, steps 1 and 12).
    """
    if not database.is_sqlite:
        async with database.begin() as connection:
            yield connection
        return
    async with database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None, "connected"
        await driver.execute_fetchall("PRAGMA foreign_keys=OFF")
        try:
            async with connection.begin():
                yield connection
        finally:
            await driver.execute_fetchall("PRAGMA foreign_keys=ON")


async def is_current(database: Database) -> bool:
    """Tell whether the database is at the newest revision. One read."""
    async with database.read() as connection:
        return await connection.run_sync(lambda sync: _revision(sync) == _head())


async def require_current(database: Database) -> None:
    """Refuse to work on a database that is not at the newest revision. One read.

    Raises:
        SettingsInvalid: it is older or newer, or empty.
    """
    if not await is_current(database):
        raise SettingsInvalid(
            "DATABASE_URL: the database's tables are not those of this version; run: python -m bot migrate"
        )


def _config(connection: Connection | None = None) -> Config:
    config = Config(toml_file=PYPROJECT)
    config.attributes["connection"] = connection
    return config


def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _to_head(connection: Connection) -> None:
    if _revision(connection) == _head():
        return
    try:
        command.upgrade(_config(connection), "head")
        _prove_references(connection)
    except CommandError as error:
        raise SettingsInvalid(
            "DATABASE_URL: the database was made by a newer version of this program; update the program or use a backup"
        ) from error


def _prove_references(connection: Connection) -> None:
    """Raises: InvariantBroken: a row points at one that does not exist, which SQLite was told not to look at."""
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if lost:
            raise InvariantBroken(f"rows of {sorted({row[0] for row in lost})} point at rows that do not exist")
