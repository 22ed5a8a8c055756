"""Values of the whole installation that several processes change: each change names what it replaces."""

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore
from bot.db.tables import instance_value

ROW = instance_value.c


async def read(connection: AsyncConnection, key: str) -> dict[str, Any] | None:
    """Return a value, None where there is none."""
    text = (await connection.execute(sa.select(ROW.value).where(ROW.key == key))).scalar()
    return None if text is None else dict(json.loads(text))


async def read_all(connection: AsyncConnection, prefix: str) -> dict[str, dict[str, Any]]:
    """Return the values whose keys begin with `prefix`, by key."""
    query = sa.select(ROW.key, ROW.value).where(ROW.key.startswith(prefix, autoescape=True)).order_by(ROW.key)
    return {row.key: dict(json.loads(row.value)) for row in await connection.execute(query)}


async def swap(
    connection: AsyncConnection, key: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> bool:
    """Put `after` in the place of `before`; None is no value. False where another process was faster."""
    if before is None:
        return after is None or await insert_ignore(connection, instance_value, {"key": key, "value": _text(after)})
    same = sa.and_(ROW.key == key, ROW.value == _text(before))
    statement: sa.Update | sa.Delete = sa.delete(instance_value).where(same)
    if after is not None:
        statement = sa.update(instance_value).where(same).values(value=_text(after))
    return bool((await connection.execute(statement)).rowcount)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)
