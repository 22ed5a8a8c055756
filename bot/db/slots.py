"""Rate slots: a limit of N requests per window is N rows, and a row may be used once per window.

Exact for any window, unlike a token bucket, and shared by all processes. Moments are of the database's own clock, so
that processes need not agree about the time.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore
from bot.db.tables import provider_state, rate_slot

_POSTGRES_NOW = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
_SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"


def _now(connection: AsyncConnection) -> sa.ColumnElement[float]:
    is_sqlite = connection.dialect.name == "sqlite"
    return sa.literal_column(_SQLITE_NOW if is_sqlite else _POSTGRES_NOW, sa.Float)


async def prepare(connection: AsyncConnection, key: str, count: int) -> None:
    """Have exactly `count` slots for `key`; new ones are free at once."""
    await connection.execute(sa.delete(rate_slot).where(rate_slot.c.key == key, rate_slot.c.n >= count))
    present = sa.select(sa.func.count()).select_from(rate_slot).where(rate_slot.c.key == key)
    if (await connection.execute(present)).scalar_one() < count:
        for n in range(count):
            await insert_ignore(connection, rate_slot, {"key": key, "n": n, "used_at": 0.0})


async def use(connection: AsyncConnection, key: str, *, window_s: float, below: int, wanted: int, now: datetime) -> int:
    """Use up to `wanted` free slots numbered below `below`, highest first. Returns how many; none during a pause."""
    clock = _now(connection)
    pauses = sa.exists().where(provider_state.c.provider == key, provider_state.c.paused_until > now)
    free = (
        sa.select(rate_slot.c.n)
        .where(rate_slot.c.key == key, rate_slot.c.n < below, _is_free(clock, window_s), ~pauses)
        .order_by(rate_slot.c.n.desc())
        .limit(wanted)
        .with_for_update(skip_locked=True, of=rate_slot)
        .cte("free")
    )
    taken = sa.update(rate_slot).where(rate_slot.c.key == key, rate_slot.c.n.in_(sa.select(free.c.n)))
    rows = await connection.execute(taken.values(used_at=clock).returning(rate_slot.c.n))
    return len(rows.all())


async def next_free_s(connection: AsyncConnection, key: str, *, window_s: float, below: int) -> float:
    """Return the seconds until the next slot numbered below `below` is free, 0 or less where one is."""
    oldest = sa.func.min(rate_slot.c.used_at) + window_s - _now(connection)
    query = sa.select(oldest).where(rate_slot.c.key == key, rate_slot.c.n < below)
    return float((await connection.execute(query)).scalar_one() or 0.0)


def _is_free(now: sa.ColumnElement[float], window_s: float) -> sa.ColumnElement[bool]:
    """A slot used more than a window ahead of now is left from a clock that was set back since."""
    return sa.or_(rate_slot.c.used_at + window_s <= now, rate_slot.c.used_at > now + window_s)


async def paused_until(connection: AsyncConnection, key: str) -> datetime | None:
    """Return the end of the pause that a `Retry-After` began, None where there was none."""
    query = sa.select(provider_state.c.paused_until).where(provider_state.c.provider == key)
    return (await connection.execute(query)).scalar_one_or_none()


async def pause(connection: AsyncConnection, key: str, until: datetime) -> None:
    """Let nothing through until then; a later end that is set already stays."""
    await insert_ignore(connection, provider_state, {"provider": key})
    earlier = sa.or_(provider_state.c.paused_until.is_(None), provider_state.c.paused_until < until)
    await connection.execute(
        sa.update(provider_state).where(provider_state.c.provider == key, earlier).values(paused_until=until)
    )
