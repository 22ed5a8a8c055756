"""From the provider's end of a task to the clip in the channel, beside a bare download and upload of the same bytes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from benchmarks.jobs import delivered, job_of
from benchmarks.report import Row, median, milliseconds
from benchmarks.stage import MEBIBYTE, OPEN_ENV, PROMPT, channel, make_clip, members, memory_mib, stage
from playground.providers.movie_tasks import Task
from playground.rig import Rig
from playground.rig_bot import PROJECT

CLIP_BYTES = MEBIBYTE
FULL_ROUNDS, QUICK_ROUNDS = 30, 6
WARM_UP = 3
RENDER_S = 0.1
POSTED_TIMEOUT_S = 20
GOAL = 1.5


async def delivery(*, is_quick: bool) -> list[Row]:
    """One job after another; after each, its clip is fetched and posted once more by the bare client."""
    rounds = QUICK_ROUNDS if is_quick else FULL_ROUNDS
    bot_s, bare_s = [], []
    async with AsyncExitStack() as rigs:
        clip = await make_clip(CLIP_BYTES)
        rig = await rigs.enter_async_context(stage(bot_env=OPEN_ENV, clip=clip, members=rounds + WARM_UP))
        rig.movie.render_s = RENDER_S
        bare = await rigs.enter_async_context(_bare_transfer(rig))
        for number, person in enumerate(members(rig)):
            await rig.discord.slash(person, channel(rig), "video", {"prompt": PROMPT})
            took_s, task = await _done_to_posted(rig, number)
            bare_took_s = await _transfer(bare, task, channel(rig).id)
            if number >= WARM_UP:
                bot_s.append(took_s)
                bare_s.append(bare_took_s)
        memory = memory_mib(rig)
    bot, bare_p50 = median(bot_s), median(bare_s)
    return [
        Row(
            figure="done → posted, 1 MB, p50",
            bot=milliseconds(bot),
            bare=milliseconds(bare_p50),
            ratio=bot / bare_p50,
            goal=f"≤ {GOAL} ×",
            is_met=bot <= GOAL * bare_p50,
            memory_mib=memory,
            note=f"{len(bot_s)} jobs, one at a time",
        )
    ]


async def _done_to_posted(rig: Rig, number: int) -> tuple[float, Task]:
    """Wait for the newest task's clip; the seconds from the provider's end of it to the message."""

    def arrived() -> tuple[float, Task] | None:
        if len(rig.movie.tasks) <= number:
            return None
        task = list(rig.movie.tasks.values())[number]
        posted = delivered(rig).get(job_of(task))
        if posted is None:
            return None
        return datetime.fromisoformat(posted["timestamp"]).timestamp() - task.updated_at.timestamp(), task

    return await rig.discord.wait_for(arrived, timeout_s=POSTED_TIMEOUT_S)


async def _transfer(bare: asyncio.subprocess.Process, task: Task, channel_id: int) -> float:
    assert bare.stdin is not None
    assert bare.stdout is not None
    order = {"video_url": task.video_url, "channel_id": str(channel_id)}
    bare.stdin.write(json.dumps(order).encode() + b"\n")
    return float(await asyncio.wait_for(bare.stdout.readline(), POSTED_TIMEOUT_S))


@asynccontextmanager
async def _bare_transfer(rig: Rig) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bare client in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.bare_transfer",
        cwd=PROJECT,
        env=os.environ | rig.settings(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()
