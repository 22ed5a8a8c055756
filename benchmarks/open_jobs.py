"""What many open jobs cost: memory, idle CPU, and the time to go on after a restart."""

import asyncio
import time

from benchmarks.report import Row
from benchmarks.seeding import copy_job
from benchmarks.stage import OPEN_ENV, PROMPT, channel, cpu_s, make_clip, members, memory_mib, stage, until
from playground.rig import Rig

FULL_JOBS, QUICK_JOBS = 10_000, 1_000
DUE = 20
FULL_IDLE_S, QUICK_IDLE_S = 10.0, 3.0
SETTLE_S = 2.0
MEMORY_GOAL_MIB, CPU_GOAL, RESUME_GOAL_S = 250.0, 0.05, 5.0
SUBMIT_TIMEOUT_S = RESUME_TIMEOUT_S = 30


async def open_jobs(*, is_quick: bool) -> list[Row]:
    """Jobs whose tasks hang, callbacks on; a few are due when the bot is started again."""
    count, idle_s = (QUICK_JOBS, QUICK_IDLE_S) if is_quick else (FULL_JOBS, FULL_IDLE_S)
    async with stage(bot_env=OPEN_ENV, clip=await make_clip(0), members=1) as rig:
        await _one_running_job(rig)
        await rig.kill_bot()
        due = await copy_job(rig.settings()["DATABASE_URL"], rig, copies=count - 1, due=DUE)
        resumed_s = await _resume(rig, due)
        await asyncio.sleep(SETTLE_S)
        used, began = cpu_s(rig), time.monotonic()
        await asyncio.sleep(idle_s)
        share = (cpu_s(rig) - used) / (time.monotonic() - began)
        memory = memory_mib(rig)
    name = f"{count:,} open jobs"
    return [
        Row(
            figure=f"{name}, memory",
            bot=f"{memory:.0f} MB",
            goal=f"< {MEMORY_GOAL_MIB:.0f} MB",
            is_met=memory < MEMORY_GOAL_MIB,
            memory_mib=memory,
        ),
        Row(
            figure=f"{name}, idle CPU",
            bot=f"{share:.1%}",
            goal=f"< {CPU_GOAL:.0%}",
            is_met=share < CPU_GOAL,
            note=f"of one core, over {idle_s:.0f} s",
        ),
        Row(
            figure=f"{name}, all resumed",
            bot=f"{resumed_s:.1f} s",
            goal=f"< {RESUME_GOAL_S:.0f} s",
            is_met=resumed_s < RESUME_GOAL_S,
            note=f"from start to ready, {DUE} due jobs asked about",
        ),
    ]


async def _one_running_job(rig: Rig) -> None:
    rig.movie.next_outcome(hang=True)
    await rig.discord.slash(members(rig)[0], channel(rig), "video", {"prompt": PROMPT})
    await until(
        lambda: any(task.status == "processing" for task in rig.movie.tasks.values()), timeout_s=SUBMIT_TIMEOUT_S
    )


async def _resume(rig: Rig, due: list[str]) -> float:
    """Start the bot; the seconds until it is ready and has asked the provider about every due job."""
    began = time.monotonic()
    await rig.start_bot()
    await until(
        lambda: all(rig.movie.tasks[task_id].status_queries for task_id in due),
        timeout_s=RESUME_TIMEOUT_S,
        every_s=0.02,
    )
    return time.monotonic() - began
