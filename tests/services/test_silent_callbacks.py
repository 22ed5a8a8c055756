"""A provider whose callbacks do not arrive is polled as if there were none."""

from bot.db import notices, work
from bot.db.engine import Database
from tests.manual_clock import ManualClock

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
