"""One trip to SQLite's thread per statement, with everything that SQLAlchemy reads of its result."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.db.engine import Database

clip = sa.Table(
    "clip",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, unique=True),
)


@pytest.fixture
async def clips(sqlite_url: str) -> AsyncIterator[Database]:
    """A database with three clips."""
    database = Database(sqlite_url)
    async with database.begin() as connection:
        await connection.run_sync(clip.metadata.create_all)
        await connection.execute(sa.insert(clip), [{"id": n, "name": f"clip {n}"} for n in range(3)])
    yield database
    await database.dispose()


async def test_statements_tell_what_they_changed(clips: Database) -> None:
    """Counts, returned rows and new keys are those of the statement."""
    async with clips.begin() as connection:
        changed = await connection.execute(sa.update(clip).where(clip.c.id > 0).values(name=clip.c.name + "!"))
        returned = await connection.execute(sa.delete(clip).where(clip.c.id > 0).returning(clip.c.name))
        added = await connection.execute(sa.insert(clip).values(name="new"))
        left = await connection.execute(sa.select(clip.c.name).order_by(clip.c.id))

        assert changed.rowcount == 2
        assert sorted(returned.scalars()) == ["clip 1!", "clip 2!"]
        assert added.inserted_primary_key == (1,)
        assert left.scalars().all() == ["clip 0", "new"]


async def test_a_refused_statement_leaves_the_connection_in_order(clips: Database) -> None:
    """The error is SQLAlchemy's own; nothing of the statement stays open, and the next transaction is as any other."""
    with pytest.raises(sa.exc.IntegrityError):
        async with clips.begin() as connection:
            await connection.execute(sa.insert(clip), [{"name": "fresh"}, {"name": "clip 0"}])

    async with clips.begin() as connection:
        assert (await connection.execute(sa.select(sa.func.count()).select_from(clip))).scalar_one() == 3


async def test_a_cancelled_wait_for_the_file_leaves_no_transaction_open(clips: Database, sqlite_url: str) -> None:
    """Whoever is cancelled while another process writes does not write later, nor keep anybody out."""
    other = sqlite3.connect(Path(sa.make_url(sqlite_url).database or ""), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def add() -> None:
        async with clips.begin() as connection:
            await connection.execute(sa.insert(clip).values(name="late"))

    waiting = asyncio.ensure_future(add())
    await asyncio.wait({waiting}, timeout=0.05)
    waiting.cancel()
    other.execute("COMMIT")
    await asyncio.wait({waiting})
    async with clips.begin() as connection:
        names = (await connection.execute(sa.select(clip.c.name))).scalars().all()
    other.execute("BEGIN IMMEDIATE")  # nobody holds the file any more
    other.close()

    assert waiting.cancelled()
    assert "late" not in names


async def test_beginning_and_resetting_cost_no_trip(clips: Database, caplog: pytest.LogCaptureFixture) -> None:
    """A transaction costs its statements and its commit; one without statements costs nothing."""

    async def trips(statements: int) -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="aiosqlite"):
            async with clips.begin() as connection:
                for _ in range(statements):
                    await connection.execute(sa.select(clip))
        return sum(record.getMessage().startswith("executing") for record in caplog.records)

    assert [await trips(statements) for statements in (0, 1, 2)] == [0, 2, 3]


async def test_a_snapshot_ends_with_its_block(clips: Database) -> None:
    """Nobody waits for the end of a transaction that only read, and the next one on its connection is a new one."""
    counts = []
    for number in range(10, 13):
        async with clips.read() as connection:
            counts.append((await connection.execute(sa.select(sa.func.count()).select_from(clip))).scalar_one())
        async with clips.begin() as connection:
            await connection.execute(sa.insert(clip).values(id=number, name=f"clip {number}"))

    assert counts == [3, 4, 5]


async def test_a_statement_makes_one_trip(clips: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Cursor, rows and closing cost nothing besides."""
    async with clips.read() as connection:
        await connection.execute(sa.select(clip))
        with caplog.at_level(logging.DEBUG, logger="aiosqlite"):
            rows = (await connection.execute(sa.select(clip))).all()

    assert len(rows) == 3
    assert sum(record.getMessage().startswith("executing") for record in caplog.records) == 1
