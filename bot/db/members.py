"""What is known of members: the roles that they were last seen with, and who is suspended."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import upsert
from bot.db.tables import member, suspension

_IS_MEMBER = sa.and_(suspension.c.guild_id == sa.bindparam("guild_id"), suspension.c.user_id == sa.bindparam("user_id"))
_SUSPENSION = sa.select(suspension).where(
    _IS_MEMBER, sa.or_(suspension.c.until.is_(None), suspension.c.until > sa.bindparam("now"))
)


async def remember(
    connection: AsyncConnection, *, guild_id: int, user_id: int, role_ids: Sequence[int], now: datetime
) -> None:
    """Note the roles that a member's interaction told of."""
    key = {"guild_id": guild_id, "user_id": user_id}
    await upsert(connection, member, key, {"role_ids": json.dumps(sorted(role_ids)), "seen_at": now})


async def roles(connection: AsyncConnection, *, guild_id: int, user_id: int) -> tuple[int, ...] | None:
    """Return the roles that a member was last seen with, None where they never were."""
    text = (
        await connection.execute(
            sa.select(member.c.role_ids).where(member.c.guild_id == guild_id, member.c.user_id == user_id)
        )
    ).scalar()
    return None if text is None else tuple(json.loads(text))


async def suspension_of(connection: AsyncConnection, *, guild_id: int, user_id: int, now: datetime) -> Any:
    """Return the suspension that holds for a member now (`until`, `reason`, `actor`, `at`), or None."""
    return (await connection.execute(_SUSPENSION, {"guild_id": guild_id, "user_id": user_id, "now": now})).first()


async def suspensions(connection: AsyncConnection, guild_id: int, *, now: datetime) -> list[Any]:
    """Return a guild's suspensions that hold now, newest first."""
    s = suspension.c
    query = sa.select(suspension).where(s.guild_id == guild_id, sa.or_(s.until.is_(None), s.until > now))
    return list((await connection.execute(query.order_by(s.at.desc()))).all())


async def suspend(
    connection: AsyncConnection,
    *,
    guild_id: int,
    user_id: int,
    until: datetime | None,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """Suspend a member, in place of an earlier suspension."""
    key = {"guild_id": guild_id, "user_id": user_id}
    await upsert(connection, suspension, key, {"until": until, "reason": reason[:500], "actor": actor, "at": now})


async def resume(connection: AsyncConnection, *, guild_id: int, user_id: int, now: datetime) -> bool:
    """End a member's suspension. False where none held."""
    held = await suspension_of(connection, guild_id=guild_id, user_id=user_id, now=now)
    s = suspension.c
    await connection.execute(sa.delete(suspension).where(s.guild_id == guild_id, s.user_id == user_id))
    return held is not None
