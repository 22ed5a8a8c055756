"""Guild rows, moderators' rules and limits, learned upload limits, audit lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore, upsert, upserting
from bot.db.tables import audit, guild, instance_value, learned_limit, quota
from bot.domain.money import Credits, Limit
from bot.domain.rules import GuildRules

# Statements that every job needs are built once and given their values.
_OF_GUILD = guild.c.guild_id == sa.bindparam("guild_id")
_ROW, _SETTINGS = sa.select(guild).where(_OF_GUILD), sa.select(guild.c.settings).where(_OF_GUILD)
_LEARNED = sa.select(learned_limit.c.limit_bytes).where(
    learned_limit.c.guild_id == sa.bindparam("guild_id"), learned_limit.c.until > sa.bindparam("now")
)


async def get(connection: AsyncConnection, guild_id: int) -> Any:
    """Return a guild's row, made with its defaults where there is none."""
    row = await find(connection, guild_id)
    if row is None:
        await insert_ignore(connection, guild, {"guild_id": guild_id})
        row = await find(connection, guild_id)
    return row


async def find(connection: AsyncConnection, guild_id: int) -> Any:
    """Return a guild's row or None, without making one: for readers."""
    return (await connection.execute(_ROW, {"guild_id": guild_id})).first()


async def every(connection: AsyncConnection) -> list[Any]:
    """Return the rows of all guilds that the bot has not been removed from; see `is_joined`."""
    rows = await connection.execute(sa.select(guild).where(guild.c.removed_at.is_(None)).order_by(guild.c.guild_id))
    return list(rows.all())


def is_joined(row: Any) -> bool:
    """Whether the bot has been in a guild: one that was only given a pool has no owner yet."""
    return bool(row.owner_id)


async def save(connection: AsyncConnection, guild_id: int, **values: Any) -> None:
    """Change columns of a guild's row, made where there is none."""
    await upsert(connection, guild, {"guild_id": guild_id}, values)


async def save_owner(connection: AsyncConnection, guild_id: int, *, owner_id: int) -> Any:
    """Note who owns a guild that the bot is in. Returns the guild's row as it is then."""
    statement = upserting(connection, guild, ("guild_id",), ("owner_id", "removed_at")).returning(guild)
    values = {"guild_id": guild_id, "owner_id": owner_id, "removed_at": None}
    return (await connection.execute(statement, values)).one()


def pool_limit(row: Any) -> Limit:
    """Return the pool limit that the operator set; None is unlimited."""
    return None if row.pool_limit_milli is None else Credits(row.pool_limit_milli)


async def rules(connection: AsyncConnection, guild_id: int) -> GuildRules:
    """Return a guild's rules, the defaults where it has no row."""
    text = (await connection.execute(_SETTINGS, {"guild_id": guild_id})).scalar()
    return GuildRules.from_json(text or "{}")


async def running_caps(connection: AsyncConnection) -> dict[int, int]:
    """Return how many jobs of a member may run at a time, for guilds that have settings of their own."""
    rows = await connection.execute(sa.select(guild.c.guild_id, guild.c.settings).where(guild.c.settings != "{}"))
    return {row.guild_id: GuildRules.from_json(row.settings).running_cap for row in rows}


async def save_rules(connection: AsyncConnection, guild_id: int, changed: GuildRules) -> None:
    """Write a guild's rules."""
    await save(connection, guild_id, settings=changed.to_json(), log_channel_id=changed.log_channel_id)


async def lock(connection: AsyncConnection, guild_id: int) -> Any:
    """Return a guild's row, made where there is none, and keep others from changing it until the transaction ends."""
    await get(connection, guild_id)
    return (await connection.execute(sa.select(guild).where(guild.c.guild_id == guild_id).with_for_update())).one()


async def quotas(
    connection: AsyncConnection, *, guild_id: int, user_id: int, role_ids: Sequence[int] = (), channel_id: int = 0
) -> dict[tuple[str, int], Limit]:
    """Return the limits that apply to a member, by scope and subject; one without a rule is absent."""
    q = quota.c
    subjects = [
        sa.and_(q.scope == "everyone", q.subject == 0),
        sa.and_(q.scope == "member", q.subject == user_id),
        sa.and_(q.scope == "channel", q.subject == channel_id),
    ]
    if role_ids:
        subjects.append(sa.and_(q.scope == "role", q.subject.in_(role_ids)))
    rows = await connection.execute(sa.select(quota).where(q.guild_id == guild_id, sa.or_(*subjects)))
    return {(row.scope, row.subject): None if row.limit_milli is None else Credits(row.limit_milli) for row in rows}


async def set_quota(connection: AsyncConnection, *, guild_id: int, scope: str, subject: int, limit: Limit) -> None:
    """Set a limit; None is unlimited."""
    key = {"guild_id": guild_id, "scope": scope, "subject": subject}
    await upsert(connection, quota, key, {"limit_milli": None if limit is None else limit.milli})


async def clear_quota(connection: AsyncConnection, *, guild_id: int, scope: str, subject: int) -> None:
    """Remove a limit: what is above it applies again."""
    q = quota.c
    await connection.execute(sa.delete(quota).where(q.guild_id == guild_id, q.scope == scope, q.subject == subject))


async def add_audit(
    connection: AsyncConnection,
    *,
    guild_id: int,
    actor: str,
    action: str,
    subject: str,
    detail: str,
    at: datetime,
    reason: str = "",
) -> None:
    """Note who changed what."""
    await connection.execute(
        sa.insert(audit).values(
            guild_id=guild_id,
            actor=actor,
            action=action,
            subject=subject,
            detail=detail[:500],
            reason=reason[:500],
            at=at,
        )
    )


async def learned(connection: AsyncConnection, guild_id: int, *, now: datetime) -> int | None:
    """Return the upload limit that a refusal taught for this guild, in bytes; None where none is remembered."""
    limit: int | None = (await connection.execute(_LEARNED, {"guild_id": guild_id, "now": now})).scalar()
    return limit


async def learn(connection: AsyncConnection, guild_id: int, *, limit_bytes: int, until: datetime) -> None:
    """Remember a lower upload limit."""
    await upsert(connection, learned_limit, {"guild_id": guild_id}, {"limit_bytes": limit_bytes, "until": until})


async def value(connection: AsyncConnection, key: str) -> str | None:
    """Read a value of the whole installation."""
    found: str | None = (
        await connection.execute(sa.select(instance_value.c.value).where(instance_value.c.key == key))
    ).scalar()
    return found


async def set_value(connection: AsyncConnection, key: str, text: str) -> None:
    """Write a value of the whole installation."""
    await upsert(connection, instance_value, {"key": key}, {"value": text})


async def set_value_once(connection: AsyncConnection, key: str, text: str) -> str:
    """Write a value unless there is one; return the one that holds."""
    await insert_ignore(connection, instance_value, {"key": key, "value": text})
    return await value(connection, key) or text
