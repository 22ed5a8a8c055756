"""Rate slots: a limit of N requests per window is N rows, and a row may be used once per window.

Exact for any window, unlike a token bucket, and shared by all processes. Moments are of the database's own clock, so
that processes need not agree about the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore
from bot.db.tables import job, provider_state, rate_slot
from bot.domain.jobs import JobState

_POSTGRES_NOW = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
_SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_ABOUT_TO_SEND = (JobState.PREPARING.value, JobState.SUBMITTING.value)
_POLLED = (*_ABOUT_TO_SEND, JobState.RUNNING.value)


def database_now(connection: AsyncConnection) -> sa.ColumnElement[float]:
    """Return the database's clock, in seconds since 1970."""
    is_sqlite = connection.dialect.name == "sqlite"
    return sa.literal_column(_SQLITE_NOW if is_sqlite else _POSTGRES_NOW, sa.Float)


async def prepare(connection: AsyncConnection, key: str, count: int) -> None:
    """Have exactly `count` slots for `key`; new ones are free at once."""
    await connection.execute(sa.delete(rate_slot).where(rate_slot.c.key == key, rate_slot.c.n >= count))
    present = sa.select(sa.func.count()).select_from(rate_slot).where(rate_slot.c.key == key)
    if (await connection.execute(present)).scalar_one() < count:
        for n in range(count):
            await insert_ignore(connection, rate_slot, {"key": key, "n": n, "used_at": 0.0})


async def use(
    connection: AsyncConnection,
    key: str,
    *,
    at: sa.ColumnElement[float],
    window_s: float,
    below: int,
    wanted: int,
    from_the_top: bool,
    now: datetime,
) -> list[int]:
    """Use up to `wanted` free slots numbered below `below`. Returns their numbers; none during a pause."""
    pauses = sa.exists().where(provider_state.c.provider == key, provider_state.c.paused_until > now)
    free = (
        sa.select(rate_slot.c.n)
        .where(rate_slot.c.key == key, rate_slot.c.n < below, _is_free(at, window_s), ~pauses)
        .order_by(rate_slot.c.n.desc() if from_the_top else rate_slot.c.n)
        .limit(wanted)
        .with_for_update(skip_locked=True, of=rate_slot)
        .cte("free")
    )
    taken = sa.update(rate_slot).where(rate_slot.c.key == key, rate_slot.c.n.in_(sa.select(free.c.n)))
    rows = await connection.execute(taken.values(used_at=at).returning(rate_slot.c.n))
    return list(rows.scalars())


async def renew(connection: AsyncConnection, key: str, numbers: Sequence[int], *, at: sa.ColumnElement[float]) -> None:
    """Count the window of slots that are in use already from a later moment."""
    used = sa.update(rate_slot).where(rate_slot.c.key == key, rate_slot.c.n.in_(numbers))
    await connection.execute(used.values(used_at=at))


async def waits_s(
    connection: AsyncConnection, key: str, *, at: sa.ColumnElement[float], window_s: float
) -> list[float]:
    """Return for each slot, by its number, the seconds until it is free; 0 where it is."""
    wait = sa.case((_is_free(at, window_s), 0.0), else_=rate_slot.c.used_at + window_s - at)
    rows = await connection.execute(sa.select(wait).where(rate_slot.c.key == key).order_by(rate_slot.c.n))
    return [float(value) for value in rows.scalars()]


def _is_free(now: sa.ColumnElement[float], window_s: float) -> sa.ColumnElement[bool]:
    """A slot used more than a window ahead of now is left from a clock that was set back since."""
    return sa.or_(rate_slot.c.used_at + window_s <= now, rate_slot.c.used_at > now + window_s)


@dataclass(frozen=True, slots=True)
class Supply:
    """A look at the slots of a key: how many are free, in all, from `kept` up, and below `open_to_polls`.

    `promised` are the jobs that have a place and are about to send their create. `paused_until` is the end of the pause
    that a `Retry-After` began, None where there never was one.
    """

    free: int
    free_from_kept: int
    free_to_polls: int
    promised: int
    paused_until: datetime | None


async def look(
    connection: AsyncConnection,
    key: str,
    *,
    at: sa.ColumnElement[float],
    window_s: float,
    kept: int,
    open_to_polls: int,
) -> Supply:
    """Count what is free, in one query."""
    n, is_free = rate_slot.c.n, _is_free(at, window_s)

    def count(*where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*where), 1), else_=0)), 0)

    promised = (
        sa.select(sa.func.count())
        .where(job.c.provider == key, job.c.state.in_(_ABOUT_TO_SEND), job.c.parked_reason.is_(None))
        .scalar_subquery()
    )
    paused = sa.select(provider_state.c.paused_until).where(provider_state.c.provider == key).scalar_subquery()
    query = sa.select(
        count(is_free), count(is_free, n >= kept), count(is_free, n < open_to_polls), promised, paused
    ).where(rate_slot.c.key == key)
    free, from_kept, to_polls, about_to_send, paused_until = (await connection.execute(query)).one()
    return Supply(int(free), int(from_kept), int(to_polls), int(about_to_send), paused_until)


async def count_polled(connection: AsyncConnection, provider: str) -> int:
    """Count the jobs whose task is polled, or soon will be."""
    query = sa.select(sa.func.count()).where(
        job.c.provider == provider, job.c.state.in_(_POLLED), job.c.parked_reason.is_(None)
    )
    return int((await connection.execute(query)).scalar_one())


async def book_polls(
    connection: AsyncConnection, key: str, *, count: int, first_at: datetime, apart: timedelta
) -> list[datetime]:
    """Promise `count` polls their turns, `apart` from each other and from those promised before, from `first_at` on."""
    await insert_ignore(connection, provider_state, {"provider": key})
    apart_us = round(apart.total_seconds() * 1_000_000)
    booked = sa.type_coerce(provider_state.c.polls_booked_until, sa.BigInteger)
    following = sa.type_coerce(booked + apart_us, sa.BigInteger)
    first = sa.bindparam("first", first_at, type_=provider_state.c.polls_booked_until.type)
    start = sa.case((following > first, following), else_=sa.type_coerce(first, sa.BigInteger))
    changed = await connection.execute(
        sa.update(provider_state)
        .where(provider_state.c.provider == key)
        .values(polls_booked_until=start + apart_us * (count - 1))
        .returning(provider_state.c.polls_booked_until)
    )
    last: datetime = changed.scalar_one()
    return [last - apart * (count - 1 - number) for number in range(count)]


async def pause(connection: AsyncConnection, key: str, until: datetime) -> None:
    """Let nothing through until then; a later end that is set already stays."""
    await insert_ignore(connection, provider_state, {"provider": key})
    earlier = sa.or_(provider_state.c.paused_until.is_(None), provider_state.c.paused_until < until)
    await connection.execute(
        sa.update(provider_state).where(provider_state.c.provider == key, earlier).values(paused_until=until)
    )
