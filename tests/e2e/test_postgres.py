"""The same story on PostgreSQL: a job killed in the middle arrives once, and twenty at once stay within the budget."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.story import QUICK, clips, patient_rig
from tests.waiting import until

pytestmark = pytest.mark.slow


async def test_job_killed_on_postgres_arrives_once_and_limits_hold(tmp_path: Path, empty_postgres_url: str) -> None:
    """Leases of the dead process lapse by themselves; three of twenty commands are accepted."""
    env = QUICK | {"MEMBER_ALLOWANCE_CREDITS": "27"}
    async with patient_rig(tmp_path, database_url=empty_postgres_url, bot_env=env) as rig:
        rig.movie.render_s = 1.0
        await rig.discord.slash("ann", "video-lab", "video", {"prompt": "A kite over dunes"})
        await until(lambda: any(r.route == "submit" and r.status for r in rig.movie.requests))
        await rig.restart()
        await until(lambda: len(clips(rig)) == 1)

        await asyncio.gather(
            *(rig.discord.slash("ben", "general", "video", {"prompt": f"Kite number {n}"}) for n in range(20))
        )
        await until(lambda: len(clips(rig, "general")) == 3)

        assert len(clips(rig)) == 1
        assert len(rig.movie.tasks) == 4
        assert rig.movie.account.used == 36
