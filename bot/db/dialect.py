"""The few statements that the two databases spell differently."""

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECTS: dict[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}


async def insert_ignore(connection: AsyncConnection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert a row unless one with the same key is there. Returns whether it was inserted."""
    return bool((await connection.execute(_insert_ignore(connection.dialect.name, table), values)).rowcount)


async def upsert(connection: AsyncConnection, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row, or change the one with the same primary key to `values`."""
    statement = upserting(connection, table, tuple(key), tuple(values))
    await connection.execute(statement, key | values)


def upserting(connection: AsyncConnection, table: sa.Table, key: tuple[str, ...], values: tuple[str, ...]) -> Any:
    """Return the statement of `upsert` for rows with these columns, to be given any number of them."""
    return _upsert(connection.dialect.name, table, key, values)


@cache
def _insert_ignore(dialect: str, table: sa.Table) -> Any:
    return _DIALECTS[dialect].insert(table).on_conflict_do_nothing()


@cache
def _upsert(dialect: str, table: sa.Table, key: tuple[str, ...], values: tuple[str, ...]) -> Any:
    statement = _DIALECTS[dialect].insert(table)
    changes = {name: statement.excluded[name] for name in values}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changes)
