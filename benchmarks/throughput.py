"""Jobs per second from command to clip, and what each costs in requests to the provider."""

import asyncio
import time
from collections import Counter
from datetime import datetime

from benchmarks.jobs import delivered
from benchmarks.report import Row
from benchmarks.stage import OPEN_ENV, PROMPT, channel, make_clip, members, memory_mib, stage, until
from playground.discord import Person
from playground.rig import Rig

FULL_JOBS, QUICK_JOBS = 300, 80
RENDER_S = 0.2
COMMANDS_AT_ONCE = 20
PER_SECOND_GOAL, REQUESTS_GOAL = 20.0, 2.0
DONE_TIMEOUT_S = 60
NOT_OF_A_JOB = frozenset({"presign", "upload", "video", "last_frame", "balance"})
"""References going in, clips coming out, and what is asked now and then for the operator; the rest is for the jobs."""


async def throughput(*, is_quick: bool) -> list[Row]:
    """Many members, one job each, as fast as the bot takes them; callbacks on, SQLite, one process."""
    count = QUICK_JOBS if is_quick else FULL_JOBS
    async with stage(bot_env=OPEN_ENV, clip=await make_clip(0), members=count) as rig:
        rig.movie.render_s = RENDER_S
        began = time.time()
        await _order_all(rig)
        finished_at = await _all_posted(rig, count)
        memory = memory_mib(rig)
        await asyncio.sleep(0.5)
        routes = Counter(record.route for record in rig.movie.requests if record.route not in NOT_OF_A_JOB)
    per_second, per_job = count / (finished_at - began), sum(routes.values()) / count
    return [
        Row(
            figure="provider requests per job",
            bot=f"{per_job:.2f}",
            goal=f"≤ {REQUESTS_GOAL:.0f}",
            is_met=per_job <= REQUESTS_GOAL,
            note=", ".join(f"{route} {number}" for route, number in sorted(routes.items())),
        ),
        Row(
            figure="jobs, command → posted",
            bot=f"{per_second:.1f}/s",
            goal=f"≥ {PER_SECOND_GOAL:.0f}/s",
            is_met=per_second >= PER_SECOND_GOAL,
            memory_mib=memory,
            note=f"{count} jobs",
        ),
    ]


async def _order_all(rig: Rig) -> None:
    """Let every member ask for a clip, some of them at once."""
    gate = asyncio.Semaphore(COMMANDS_AT_ONCE)

    async def order(person: Person) -> None:
        async with gate:
            await rig.discord.slash(person, channel(rig), "video", {"prompt": PROMPT})

    await asyncio.gather(*(order(person) for person in members(rig)))


async def _all_posted(rig: Rig, count: int) -> float:
    """Wait for every clip; the moment (Unix time) at which the last was posted."""
    await until(lambda: len(delivered(rig)) == count, timeout_s=DONE_TIMEOUT_S, every_s=0.25)
    return max(datetime.fromisoformat(message["timestamp"]).timestamp() for message in delivered(rig).values())
