"""Lines that wait to be written in guilds' log channels."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import log_line

ROW = log_line.c


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what happened, when, and its particulars."""

    id: int
    at: datetime
    event: str
    detail: dict[str, Any]


async def guilds_with_lines(connection: AsyncConnection, *, limit: int, but: set[int]) -> list[int]:
    """Return guilds that have lines, those that have waited longest first, without the guilds `but`."""
    first = sa.func.min(ROW.id)
    query = sa.select(ROW.guild_id).group_by(ROW.guild_id).order_by(first).limit(limit)
    if but:
        query = query.where(ROW.guild_id.not_in(but))
    return [row.guild_id for row in await connection.execute(query)]


async def oldest(connection: AsyncConnection, guild_id: int, *, limit: int, last: int | None = None) -> list[Line]:
    """Return a guild's oldest lines, up to the one with the id `last`."""
    query = sa.select(log_line).where(ROW.guild_id == guild_id).order_by(ROW.id).limit(limit)
    if last is not None:
        query = query.where(ROW.id <= last)
    rows = await connection.execute(query)
    return [Line(row.id, row.at, row.event, dict(json.loads(row.detail))) for row in rows]


async def delete(connection: AsyncConnection, guild_id: int, *, last: int | None = None) -> None:
    """Delete a guild's lines up to the one with the id `last`; None is all of them."""
    query = sa.delete(log_line).where(ROW.guild_id == guild_id)
    await connection.execute(query if last is None else query.where(ROW.id <= last))


async def keep_newest(connection: AsyncConnection, guild_id: int, *, most: int) -> int:
    """Delete all but a guild's newest `most` lines. Returns how many went."""
    newest = sa.select(ROW.id).where(ROW.guild_id == guild_id).order_by(ROW.id.desc()).limit(most).subquery()
    oldest_kept = sa.select(sa.func.min(newest.c.id)).scalar_subquery()
    done = await connection.execute(sa.delete(log_line).where(ROW.guild_id == guild_id, ROW.id < oldest_kept))
    return done.rowcount
