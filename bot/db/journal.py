"""Lines for a guild's log channel, written in the transaction of what they tell of and posted later in batches."""

import json
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import guild, log_line


async def note(connection: AsyncConnection, guild_id: int, event: str, *, now: datetime, **detail: object) -> None:
    """Add a line where the guild has a log channel. `detail` is kept as JSON; its words are made when it is posted."""
    line = sa.select(
        guild.c.guild_id,
        sa.literal(now, log_line.c.at.type),
        sa.literal(event),
        sa.literal(json.dumps(detail, default=str)),
    ).where(guild.c.guild_id == guild_id, guild.c.log_channel_id.is_not(None))
    await connection.execute(sa.insert(log_line).from_select(["guild_id", "at", "event", "detail"], line))
