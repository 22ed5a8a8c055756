"""Which kept files the rows still need, and what is left of servers that the bot has gone from."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.tables import (
    audit,
    callback,
    delivery_part,
    guild,
    job,
    learned_limit,
    log_line,
    member,
    quota,
    served,
    suspension,
)
from bot.domain.jobs import JobState

CHUNK = 50
PAGE = 1000

_HAS_REFERENCES = job.c.spec.like('%"references":[{%')

#: The number of the message by which a private clip was shared; deliveries are numbered from 1.
SHARED = 0


def _keys(spec: str) -> list[str]:
    return [reference["key"] for reference in json.loads(spec)["references"]]


# ----------------------------------------------------------------------------------------------------------- references


async def untidied(connection: AsyncConnection, *, before: datetime, limit: int) -> list[tuple[str, int, list[str]]]:
    """Return (job id, guild id, reference keys) of jobs that ended before then with their references not put away."""
    spec = sa.case((_HAS_REFERENCES, job.c.spec))
    query = (
        sa.select(job.c.id, job.c.guild_id, spec.label("spec"))
        .where(job.c.tidied_at.is_(None), job.c.finished_at <= before)
        .order_by(job.c.finished_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await connection.execute(query)
    return [(row.id, row.guild_id, _keys(row.spec) if row.spec else []) for row in rows]


async def mark_tidied(connection: AsyncConnection, job_ids: Sequence[str], *, now: datetime) -> None:
    """Note that jobs' references are put away."""
    await connection.execute(sa.update(job).where(job.c.id.in_(job_ids)).values(tidied_at=now))


async def unused(connection: AsyncConnection, found: Iterable[tuple[int, str]]) -> list[str]:
    """Return those of (guild id, media key) whose file no job names that may still need it.

    References pass from job to job within a server (Again, Edit & rerun); a clip belongs to one job.
    """
    by_guild: dict[int, set[str]] = {}
    for guild_id, key in found:
        by_guild.setdefault(guild_id, set()).add(key)
    gone: list[str] = []
    for guild_id, keys in by_guild.items():
        in_use: set[str] = set()
        ordered = sorted(keys)
        for start in range(0, len(ordered), CHUNK):
            in_use |= await _named(connection, guild_id, ordered[start : start + CHUNK])
        gone += [key for key in ordered if key not in in_use]
    return gone


async def _named(connection: AsyncConnection, guild_id: int, keys: Sequence[str]) -> set[str]:
    names = [job.c.spec.contains(f'"key":"{key}"', autoescape=True) for key in keys]
    query = sa.select(job.c.spec).where(
        job.c.guild_id == guild_id, job.c.tidied_at.is_(None), _HAS_REFERENCES, sa.or_(*names)
    )
    return {key for row in await connection.execute(query) for key in _keys(row.spec)}


async def references_in_use(connection: AsyncConnection) -> set[str]:
    """Return the keys of all references that have not been put away. Reads every such job, a page at a time."""
    last, found = "", set[str]()
    while True:
        query = sa.select(job.c.id, job.c.spec).where(job.c.id > last, job.c.tidied_at.is_(None), _HAS_REFERENCES)
        rows = (await connection.execute(query.order_by(job.c.id).limit(PAGE))).all()
        found.update(key for row in rows for key in _keys(row.spec))
        if len(rows) < PAGE:
            return found
        last = rows[-1].id


# ---------------------------------------------------------------------------------------------------------------- clips


async def stale_clips(
    connection: AsyncConnection, *, delivered_before: datetime, undelivered_before: datetime, limit: int
) -> list[tuple[str, str]]:
    """Return (job id, clip key) of kept clips whose retention is over."""
    is_undelivered = job.c.state == JobState.UNDELIVERED.value
    rows = await connection.execute(
        sa.select(job.c.id, job.c.clip_key)
        .where(
            job.c.clip_key.is_not(None),
            sa.or_(
                sa.and_(~is_undelivered, job.c.finished_at <= delivered_before),
                sa.and_(is_undelivered, job.c.finished_at <= undelivered_before),
            ),
        )
        .order_by(job.c.finished_at)
        .limit(limit)
    )
    return [(row.id, row.clip_key) for row in rows]


async def forget_clip(connection: AsyncConnection, job_id: str) -> bool:
    """Let a finished job's row forget its clip. False where it is being delivered anew."""
    changed = await connection.execute(
        sa.update(job).where(job.c.id == job_id, job.c.finished_at.is_not(None)).values(clip_key=None)
    )
    return bool(changed.rowcount)


async def clips_in_use(connection: AsyncConnection) -> set[str]:
    """Return the keys of kept clips and pictures, and those that open jobs may be fetching."""
    kept = await connection.execute(sa.select(job.c.clip_key).where(job.c.clip_key.is_not(None)))
    coming = await connection.execute(sa.select(job.c.id).where(job.c.finished_at.is_(None)))
    keys = {row.clip_key for row in kept}
    for row in coming:
        keys |= {f"clips/{row.id}.mp4", f"pictures/{row.id}"}
    return keys


# --------------------------------------------------------------------------------------------------------- housekeeping


async def old_parts(connection: AsyncConnection, *, ended_before: datetime, limit: int) -> list[tuple[str, int, int]]:
    """Return (job id, number, part) of messages that only helped while their job was young: meant but never receipted,
    or made by an earlier delivery. Looks at every message, so for a reading transaction.

    A job's newest receipts stay, and that of a shared clip: *Delete* needs them after months.
    """
    d = delivery_part.c
    query = (
        sa.select(d.job_id, d.number, d.part)
        .join(job, job.c.id == d.job_id)
        .where(
            d.intended_at <= ended_before,
            sa.or_(d.message_id.is_(None), sa.and_(d.number > SHARED, d.number < job.c.delivery_number)),
            job.c.finished_at <= ended_before,
            job.c.watch_until.is_(None),
        )
    )
    return [(row.job_id, row.number, row.part) for row in await connection.execute(query.limit(limit))]


async def delete_parts(connection: AsyncConnection, parts: Sequence[tuple[str, int, int]]) -> None:
    """Delete messages by (job id, number, part)."""
    keys = (delivery_part.c.job_id, delivery_part.c.number, delivery_part.c.part)
    statement = sa.delete(delivery_part).where(*(key == sa.bindparam(f"the_{key.name}") for key in keys))
    await connection.execute(
        statement, [{f"the_{key.name}": one for key, one in zip(keys, row, strict=True)} for row in parts]
    )


async def delete_old(connection: AsyncConnection, *, ended_before: datetime, now: datetime) -> None:
    """Delete the callbacks of jobs that ended before then, upload limits past their time, and turns long ago."""
    is_old = sa.exists().where(
        job.c.id == callback.c.job_id, job.c.finished_at <= ended_before, job.c.watch_until.is_(None)
    )
    await connection.execute(sa.delete(callback).where(callback.c.last_at <= ended_before, is_old))
    await connection.execute(sa.delete(learned_limit).where(learned_limit.c.until <= now))
    await connection.execute(sa.delete(served).where(served.c.at <= ended_before))


async def delete_old_lines(connection: AsyncConnection, *, before: datetime) -> int:
    """Delete lines for log channels that could not be posted for long."""
    return (await connection.execute(sa.delete(log_line).where(log_line.c.at <= before))).rowcount


async def guilds_to_erase(connection: AsyncConnection, *, removed_before: datetime) -> list[int]:
    """Return servers that the bot left before then and whose data are still there."""
    is_new, is_again = guild.c.erased_at.is_(None), guild.c.erased_at < guild.c.removed_at
    query = sa.select(guild.c.guild_id).where(guild.c.removed_at <= removed_before, sa.or_(is_new, is_again))
    return [row.guild_id for row in await connection.execute(query.order_by(guild.c.guild_id))]


async def erase_guild(connection: AsyncConnection, guild_id: int, *, now: datetime) -> None:
    """Delete a left server's own rows and reset its settings. The operator's pool stays, and the ledger."""
    tables: Collection[Any] = (quota, suspension, member, log_line, audit, learned_limit, served)
    for table in tables:
        await connection.execute(sa.delete(table).where(table.c.guild_id == guild_id))
    values: dict[str, Any] = {"settings": "{}", "owner_id": 0, "locale": "en-US", "zone": "UTC", "week_start": 0}
    unset = ("allowance_period", "log_channel_id", "next_zone", "next_allowance_period", "next_week_start")
    values |= dict.fromkeys((*unset, "next_calendar_at", "welcomed_at"))
    await connection.execute(sa.update(guild).where(guild.c.guild_id == guild_id).values(**values, erased_at=now))
