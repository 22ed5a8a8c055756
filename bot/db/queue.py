"""Jobs that wait: when one may begin, and quotes too many."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import work
from bot.db.jobs import to_job
from bot.db.tables import job
from bot.domain.jobs import Job, JobState


async def expected_start(
    connection: AsyncConnection, waiting: Job, *, places: int, running_cap: int, now: datetime
) -> datetime | None:
    """Return when a queued job may be given one of its provider's `places`, None where one is free for it now.

    Members take turns, so that each other member has at most as many turns before this job as this member has up to
    and with it. A place is taken for as long as the model's jobs last.
    """
    member = (waiting.guild_id, waiting.user_id)
    queued = await _queued_by_member(connection, waiting.provider)
    at_work = await work.count_running(connection, waiting.provider, now=now)
    own_at_work = (await work.running_by_member(connection, now=now)).get(member, 0) if at_work else 0
    own_before = await _own_before(connection, waiting) if queued.get(member, 0) > 1 else 0
    others = sum(min(count, own_before + 1) for who, count in queued.items() if who != member)
    waves = max(
        (own_before + others + at_work) // places,
        (own_before + own_at_work) // running_cap,
    )
    return now + timedelta(seconds=waves * waiting.expected_s) if waves else None


async def _queued_by_member(connection: AsyncConnection, provider: str) -> dict[tuple[int, int], int]:
    rows = await connection.execute(
        sa.select(job.c.guild_id, job.c.user_id, sa.func.count())
        .where(job.c.provider == provider, job.c.state == JobState.QUEUED.value)
        .group_by(job.c.guild_id, job.c.user_id)
    )
    return {(guild_id, user_id): count for guild_id, user_id, count in rows}


async def _own_before(connection: AsyncConnection, waiting: Job) -> int:
    is_earlier = sa.or_(
        job.c.created_at < waiting.created_at,
        sa.and_(job.c.created_at == waiting.created_at, job.c.id < waiting.id),
    )
    query = sa.select(sa.func.count()).where(
        job.c.guild_id == waiting.guild_id,
        job.c.user_id == waiting.user_id,
        job.c.provider == waiting.provider,
        job.c.state == JobState.QUEUED.value,
        is_earlier,
    )
    return int((await connection.execute(query)).scalar_one())


async def surplus_quotes(connection: AsyncConnection, *, guild_id: int, user_id: int, keep: int) -> list[Job]:
    """Return a member's open quotes but the newest `keep`."""
    rows = await connection.execute(
        sa.select(job)
        .where(job.c.guild_id == guild_id, job.c.user_id == user_id, job.c.state == JobState.QUOTED.value)
        .order_by(job.c.created_at.desc())
        .offset(keep)
        .with_for_update()
    )
    return [to_job(row) for row in rows]


async def decided_since(connection: AsyncConnection, moment: datetime, *, most: int) -> list[Job]:
    """Return jobs with an approval card that moved on since a moment, newest first."""
    rows = await connection.execute(
        sa.select(job)
        .where(
            job.c.approval_message_id.is_not(None),
            job.c.state != JobState.AWAITING_APPROVAL.value,
            job.c.created_at > moment - timedelta(days=2),
            job.c.updated_at > moment,
        )
        .order_by(job.c.updated_at.desc())
        .limit(most)
    )
    return [to_job(row) for row in rows]
