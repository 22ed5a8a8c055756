"""Transactions: all or nothing, no lost increments, snapshots that stand still."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.db import guilds
from bot.db.engine import Database
from bot.db.tables import guild
from bot.services.operator import verify_ledger


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(guild))).scalar_one())


async def test_an_error_rolls_everything_back(database: Database) -> None:
    """Nothing of a failed block is kept."""
    with pytest.raises(RuntimeError):
        async with database.begin() as connection:
            await guilds.save(connection, 1, owner_id=5)
            raise RuntimeError("no")

    assert await _count(database) == 0


async def test_concurrent_increments_are_all_kept(database: Database) -> None:
    """Two hundred transactions that add one leave two hundred."""
    async with database.begin() as connection:
        await guilds.save(connection, 1, owner_id=0)

    async def add() -> None:
        async with database.begin() as connection:
            await connection.execute(sa.update(guild).values(owner_id=guild.c.owner_id + 1))

    await asyncio.gather(*(add() for _ in range(200)))

    async with database.read() as connection:
        assert (await guilds.find(connection, 1)).owner_id == 200


async def test_a_snapshot_stands_still(database: Database) -> None:
    """Rows committed after its first query are not seen: sums over several tables agree."""
    async with database.snapshot() as connection:
        before = await guilds.find(connection, 1)
        async with database.begin() as other:
            await guilds.save(other, 1, owner_id=5)
        after = await guilds.find(connection, 1)

    assert before is after is None
    assert await _count(database) == 1


async def test_a_new_file_that_another_process_is_just_making_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses the change to WAL at once while another holds the file, whatever the busy timeout."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("CREATE TABLE first (a)")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO first VALUES (1)")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/new.db")

    async def rows() -> int:
        async with database.begin() as connection:
            return int((await connection.exec_driver_sql("SELECT count(*) FROM first")).scalar_one())

    opening = asyncio.ensure_future(rows())
    waited = not (await asyncio.wait({opening}, timeout=0.2))[0]
    other.execute("COMMIT")
    other.close()

    assert waited
    assert await opening == 1
    await database.dispose()


async def test_readers_cannot_write_on_sqlite(sqlite_url: str) -> None:
    """The reading engine is query-only."""
    database = Database(sqlite_url)
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        async with database.read() as connection:
            await guilds.save(connection, 1, owner_id=5)
    await database.dispose()


async def test_an_empty_ledger_is_exact(database: Database) -> None:
    """Nothing to complain of where nothing is."""
    assert await verify_ledger(database) == []


async def test_values_are_written_once(database: Database) -> None:
    """Of two processes that make a secret at the same moment, both get the same one."""

    async def make(text: str) -> str:
        async with database.begin() as connection:
            return await guilds.set_value_once(connection, "secret", text)

    assert len(set(await asyncio.gather(*(make(f"s{n}") for n in range(10))))) == 1
