"""aiosqlite with one trip to the connection's thread per statement, where it takes four.

SQLAlchemy opens a cursor, executes, fetches and closes, and aiosqlite carries each of these to its thread and back.
Such a trip costs more than most statements do.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import aiosqlite

T = TypeVar("T")

#: aiosqlite's own default; nothing here reads rows in chunks.
ITER_CHUNK_ROWS = 64


class OneTripCursor:
    """One statement's rows, complete: nothing of it stays open in the connection's thread.

    What SQLAlchemy asks of an asynchronous driver's cursor, without reading from the server row by row.
    """

    arraysize = 1

    def __init__(self, connection: "OneTripConnection") -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        """Be ready: there is nothing to open."""
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Self:
        """Run a statement and fetch all of its rows.

        Raises:
            sqlite3.Error: as SQLite refuses it.
        """
        await self._connection.run(lambda raw: self._take(raw.execute(statement, parameters)))
        return self

    async def executemany(self, statement: str, rows: Any) -> Self:
        """Run a statement once for every row of parameters.

        Raises:
            sqlite3.Error: as SQLite refuses it.
        """
        await self._connection.run(lambda raw: self._take(raw.executemany(statement, rows)))
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows that the statement brought."""
        return self._rows

    async def close(self) -> None:
        """Do nothing: it is closed already."""

    def _take(self, cursor: sqlite3.Cursor) -> None:
        """Take everything over, in the connection's thread. How many rows changed is known after the last one only."""
        try:
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else ()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class OneTripConnection(aiosqlite.Connection):
    """An aiosqlite connection whose cursors make one trip."""

    def cursor(self) -> OneTripCursor:  # type: ignore[override]  # what SQLAlchemy calls, and it awaits no cursor
        """Return a cursor. No trip."""
        return OneTripCursor(self)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with SQLite's connection in its own thread."""
        done: T = await self._execute(lambda: work(self._conn))  # type: ignore[no-untyped-call]
        return done


async def connect(path: str) -> OneTripConnection:
    """Open a file, without transactions of the driver's own; for SQLAlchemy's `async_creator`.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = OneTripConnection(lambda: sqlite3.connect(path, isolation_level=None), ITER_CHUNK_ROWS)
    connection._thread.daemon = True  # as SQLAlchemy does: a forgotten connection cannot keep the process alive
    await connection
    return connection
