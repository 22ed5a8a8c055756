"""A provider whose callbacks do not arrive is polled as if there were none."""

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import notices, work
from bot.db.engine import Database
from tests.manual_clock import ManualClock
from tests.services.world import World

PROVIDER = "seedance2-movie"


async def test_three_jobs_in_a_row_without_a_callback_and_one_with(database: Database, clock: ManualClock) -> None:
    """Two are no pattern, three are; the first callback that comes ends it."""
    states = []
    for job_id in ("A", "B", "C"):
        async with database.begin() as connection:
            await work.note_finding(connection, PROVIDER, job_id=job_id)
            states.append(await work.are_callbacks_silent(connection, PROVIDER))
    async with database.begin() as connection:
        await notices.store(connection, [notices.Notice(PROVIDER, "D", 1, None)], now=clock.now())
        await work.note_finding(connection, PROVIDER, job_id="D")
        states.append(await work.are_callbacks_silent(connection, PROVIDER))

    assert states == [False, False, True, False]


class _Scarce:
    """An account where one task can be asked for once in forty seconds."""

    async def room(self, connection: AsyncConnection, provider: str) -> int:
        return 5

    async def poll_gap_s(self, provider: str) -> float:
        return 40.0


@pytest.mark.parametrize(("silent", "second_s"), [(True, 40.0), (False, 8.0)])
async def test_polls_of_a_silent_provider_keep_to_the_accounts_pace(
    make_world: Callable[..., World], *, silent: bool, second_s: float
) -> None:
    """They are not the rare safety polls that need no pace: many jobs share the account's requests."""
    world = make_world(rate=_Scarce())
    world.links.has_callbacks = True
    world.provider.auto_finish = False
    for job_id in ("A", "B", "C") if silent else ():
        async with world.database.begin() as connection:
            await work.note_finding(connection, PROVIDER, job_id=job_id)
    await world.accept()

    await world.run_for(240)

    first, second, *_ = world.provider.status_times
    assert (second - first).total_seconds() == second_s
