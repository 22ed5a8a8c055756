"""Bring a database to the newest tables: one chain of revisions for SQLite and PostgreSQL."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.db.engine import Database
from bot.domain.errors import SettingsInvalid

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
LOCK_KEY = 0x5EEDA9CE  # PostgreSQL's advisory lock of this program's migrations


async def upgrade(database: Database) -> None:
    """Bring the database to the newest revision, or change nothing at all. Does nothing where it is there already.

    One transaction, under a lock: processes that start together wait for the first of them. On SQLite the lock is the
    transaction itself (BEGIN IMMEDIATE).

    Raises:
        SettingsInvalid: the database was made by a newer version of the program.
    """
    async with database.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
        await connection.run_sync(_to_head)


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
    except CommandError as error:
        raise SettingsInvalid(
            "DATABASE_URL: the database was made by a newer version of this program; update the program or use a backup"
        ) from error
