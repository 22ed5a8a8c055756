"""Engines and transactions, the same for both databases.

SQLite gets one writer connection that begins IMMEDIATE (the defaults lose concurrent increments) and a second,
query-only pool for reads.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Dialect, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.db import sqlite_driver

POSTGRES_POOL = 10
SQLITE_READERS = 4
BUSY_TIMEOUT_MS = 15_000
WAL_RETRY_S = 0.05
WAL_ATTEMPTS = BUSY_TIMEOUT_MS // 50


class Database:
    """The pair of engines. `begin()` writes, `read()` only reads; neither may be held over a network call."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = make_url(url).database
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._writer = _sqlite_engine(url, pool_size=1, begin="BEGIN IMMEDIATE", query_only=False)
            self._reader = _sqlite_engine(url, pool_size=SQLITE_READERS, begin="BEGIN", query_only=True)
        else:
            self._writer = self._reader = _postgres_engine(url)

    @property
    def engine(self) -> AsyncEngine:
        """The writing engine, for migrations and listeners."""
        return self._writer

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a writing transaction: committed at the end of the block, rolled back on any error."""
        async with self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a reading transaction."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Open a reading transaction whose queries all see the same moment, whatever others commit meanwhile."""
        async with self.read() as connection:
            if not self.is_sqlite:  # SQLite's reads are so anyway
                await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    async def dispose(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


def _postgres_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=POSTGRES_POOL, max_overflow=0, pool_pre_ping=True)

    @event.listens_for(engine.sync_engine, "do_connect")
    def _connect(dialect: Dialect, _record: Any, arguments: tuple[Any, ...], parameters: dict[str, Any]) -> Any:
        """Connect as SQLAlchemy does; a server that cannot be reached is one of its errors, as one that refuses."""
        try:
            return dialect.connect(*arguments, **parameters)
        except OSError as error:
            raise OperationalError("connect", None, error) from error

    return engine


def _sqlite_engine(url: str, *, pool_size: int, begin: str, query_only: bool) -> AsyncEngine:
    path = make_url(url).database or ":memory:"
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=60,
        async_creator=partial(sqlite_driver.connect, path, is_reader=query_only),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.run_async(_to_wal)  # type: ignore[attr-defined]  # SQLAlchemy's wrapper of aiosqlite's connection
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.begin(begin)

    return engine


async def _to_wal(connection: aiosqlite.Connection) -> None:
    """Write ahead from now on: kept in the file, so only the first connection ever changes it.

    That change needs the file for itself and does not heed the busy timeout: processes that open a new file together
    refuse each other at once (https://sqlite.org/wal.html, "Activating and configuring WAL mode").
    """
    for attempt in range(WAL_ATTEMPTS):
        try:
            async with connection.execute("PRAGMA journal_mode=WAL"):  # closed at once: an open statement bars commits
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or attempt == WAL_ATTEMPTS - 1:
                raise
            await asyncio.sleep(WAL_RETRY_S)
