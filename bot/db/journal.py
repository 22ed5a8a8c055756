"""Lines for a guild's log channel, written in the transaction of what they tell of and posted later in batches."""

import json
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import guild, log_line

#: Built once and given its values: every job needs it twice.
_NOTE = sa.insert(log_line).from_select(
    ["guild_id", "at", "event", "detail"],
    sa.select(
        guild.c.guild_id,
        sa.bindparam("now", type_=log_line.c.at.type),
        sa.bindparam("event_name", type_=sa.String),
        sa.bindparam("particulars", type_=sa.Text),
    ).where(guild.c.guild_id == sa.bindparam("of_guild"), guild.c.log_channel_id.is_not(None)),
)


async def note(connection: AsyncConnection, guild_id: int, event: str, *, now: datetime, **detail: object) -> None:
    """Add a line where the guild has a log channel. `detail` is kept as JSON; its words are made when it is posted."""
    particulars = json.dumps(detail, default=str)
    values = {"of_guild": guild_id, "now": now, "event_name": event, "particulars": particulars}
    await connection.execute(_NOTE, values)
