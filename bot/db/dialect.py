"""The few statements that the two databases spell differently."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def _insert(connection: AsyncConnection, table: sa.Table) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


async def insert_ignore(connection: AsyncConnection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert a row unless one with the same key is there. Returns whether it was inserted."""
    done = await connection.execute(_insert(connection, table).values(**values).on_conflict_do_nothing())
    return bool(done.rowcount)


async def upsert(
    connection: AsyncConnection,
    table: sa.Table,
    key: dict[str, Any],
    values: dict[str, Any],
    *,
    only_new: dict[str, Any] | None = None,
    only_change: dict[str, Any] | None = None,
) -> None:
    """Insert a row, or change the one with the same primary key to `values`.

    `only_new` are columns for the insert alone, `only_change` for the change alone.
    """
    statement = _insert(connection, table).values(**key, **values, **(only_new or {}))
    changes = values | (only_change or {})
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changes))
