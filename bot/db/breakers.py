"""Breakers and learned places in `provider_state`: every change is one guarded UPDATE."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.dialect import insert_ignore
from bot.db.tables import provider_state

ROW = provider_state.c


@dataclass(frozen=True, slots=True)
class BreakerRow:
    """A breaker as stored. `reason` None is closed; `probe_at` None is never. `failures` include `create_failures`."""

    reason: str | None
    failures: int
    create_failures: int
    opened_at: datetime | None
    probe_at: datetime | None


CLOSED = BreakerRow(None, 0, 0, None, None)
_OF_PROVIDER = ROW.provider == sa.bindparam("provider")
_READ = sa.select(ROW.reason, ROW.failures, ROW.create_failures, ROW.opened_at, ROW.probe_at).where(_OF_PROVIDER)
_READ_CROWD = sa.select(ROW.crowded_at, ROW.learned_places, ROW.learned_at).where(_OF_PROVIDER)


async def read(connection: AsyncConnection, provider: str) -> BreakerRow:
    """Read a provider's breaker; one that nothing ever happened to is closed."""
    row = (await connection.execute(_READ, {"provider": provider})).one_or_none()
    return CLOSED if row is None else BreakerRow(*row)


async def move_probe(connection: AsyncConnection, provider: str, *, before: datetime, after: datetime) -> bool:
    """Put the probe off from `before` to `after`. Returns whether this caller did it, and so may probe."""
    done = await connection.execute(
        sa.update(provider_state)
        .where(ROW.provider == provider, ROW.reason.is_not(None), ROW.probe_at == before)
        .values(probe_at=after)
    )
    return done.rowcount == 1


async def close(
    connection: AsyncConnection, provider: str, reasons: frozenset[str], *, keep_creates: bool = False
) -> None:
    """Forget the failures, but those of creates where told so, and close if it is open for one of `reasons`."""
    left = ROW.create_failures if keep_creates else 0
    await connection.execute(
        sa.update(provider_state)
        .where(ROW.provider == provider, sa.or_(ROW.reason.is_(None), ROW.reason.in_(reasons)))
        .values(reason=None, failures=left, create_failures=left, opened_at=None, probe_at=None)
    )


async def count_failure(connection: AsyncConnection, provider: str, *, is_create: bool, weight: int = 1) -> int:
    """Count one more failure in a row, or one that is worth more. Returns how many there are now."""
    await insert_ignore(connection, provider_state, {"provider": provider})
    counted = (
        sa.update(provider_state)
        .where(ROW.provider == provider)
        .values(failures=ROW.failures + weight, create_failures=ROW.create_failures + weight * int(is_create))
    )
    return int((await connection.execute(counted.returning(ROW.failures))).scalar_one())


async def open_for(
    connection: AsyncConnection,
    provider: str,
    reason: str,
    *,
    over: frozenset[str],
    now: datetime,
    probe_at: datetime | None,
) -> bool:
    """Open for `reason` a breaker that is closed, or open for one of the lesser reasons `over`."""
    await insert_ignore(connection, provider_state, {"provider": provider})
    done = await connection.execute(
        sa.update(provider_state)
        .where(ROW.provider == provider, sa.or_(ROW.reason.is_(None), ROW.reason.in_(over)))
        .values(reason=reason, opened_at=now, probe_at=probe_at)
    )
    return done.rowcount == 1


@dataclass(frozen=True, slots=True)
class CrowdRow:
    """What a provider's complaints taught. All None where it never had too much to do."""

    crowded_at: datetime | None
    places: int | None
    learned_at: datetime | None


NEVER_CROWDED = CrowdRow(None, None, None)


async def read_crowd(connection: AsyncConnection, provider: str) -> CrowdRow:
    """Read how many running places a provider was found to have."""
    row = (await connection.execute(_READ_CROWD, {"provider": provider})).one_or_none()
    return NEVER_CROWDED if row is None else CrowdRow(*row)


async def note_crowded(connection: AsyncConnection, provider: str, *, now: datetime) -> None:
    """Note that a provider has too much to do."""
    await insert_ignore(connection, provider_state, {"provider": provider})
    await connection.execute(sa.update(provider_state).where(ROW.provider == provider).values(crowded_at=now))


async def learn_places(
    connection: AsyncConnection, provider: str, *, before: datetime | None, places: int, now: datetime
) -> bool:
    """Set the running places that a provider was found to have, unless another did since `before`."""
    same = ROW.learned_at.is_(None) if before is None else ROW.learned_at == before
    done = await connection.execute(
        sa.update(provider_state).where(ROW.provider == provider, same).values(learned_places=places, learned_at=now)
    )
    return done.rowcount == 1
