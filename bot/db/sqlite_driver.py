"""aiosqlite with one trip to the connection's thread per statement, where it takes four, and none to begin or reset.

SQLAlchemy opens a cursor, executes, fetches and closes, and aiosqlite carries each of these to its thread and back.
Such a trip costs more than most statements do. A transaction's beginning travels with its first statement.
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
    """An aiosqlite connection whose cursors make one trip.

    What was sent is known here, on the loop's side, so that a statement whose waiting was cancelled counts as well.
    """

    def __init__(self, path: str, *, is_reader: bool) -> None:
        """Be ready to open a file, without transactions of the driver's own. A reader only ever reads."""
        super().__init__(lambda: sqlite3.connect(path, isolation_level=None), ITER_CHUNK_ROWS)
        self._thread.daemon = True  # as SQLAlchemy does: a forgotten connection cannot keep the process alive
        self._is_reader = is_reader
        self._beginning: str | None = None
        self._has_sent = False

    def cursor(self) -> OneTripCursor:  # type: ignore[override]  # what SQLAlchemy calls, and it awaits no cursor
        """Return a cursor. No trip."""
        return OneTripCursor(self)

    def begin(self, beginning: str) -> None:
        """Begin a transaction together with its first statement. No trip."""
        self._beginning = beginning

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with SQLite's connection in its own thread, in the transaction that is to begin."""
        beginning, self._beginning = self._beginning, None
        self._has_sent = True

        def begun() -> T:
            if beginning is not None:
                self._conn.execute(beginning).close()
            return work(self._conn)

        done: T = await self._execute(begun)  # type: ignore[no-untyped-call]
        return done

    async def commit(self) -> None:
        """Commit. No trip where nothing was sent, and nobody waits for the end of a transaction that only read: the
        thread ends it before whatever comes next.

        Raises:
            sqlite3.Error: it is not committed, and still open.
        """
        self._beginning = None
        if self._has_sent and self._is_reader:
            self._tx.put_nowait((None, self._conn.commit))
        elif self._has_sent:
            await super().commit()
        self._has_sent = False

    async def rollback(self) -> None:
        """Roll back whatever was sent since the last commit. No trip where nothing was."""
        self._beginning = None
        if self._has_sent:
            await super().rollback()
        self._has_sent = False


async def connect(path: str, *, is_reader: bool) -> OneTripConnection:
    """Open a file; for SQLAlchemy's `async_creator`.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = OneTripConnection(path, is_reader=is_reader)
    await connection
    return connection
