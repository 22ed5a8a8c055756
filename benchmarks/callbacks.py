"""How many callbacks are accepted (stored, answered 200), beside a bare handler that commits one row for each."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.client import Burst, burst
from benchmarks.report import Row, median, milliseconds, percentile
from benchmarks.stage import OPEN_ENV, PROMPT, channel, make_clip, members, memory_mib, stage, until
from playground.rig import Rig
from playground.rig_bot import PROJECT

JOBS = 50
FULL_COUNT, QUICK_COUNT = 1500, 400
ROUNDS = 3
AT_ONCE = 16
GOAL = 0.5
SUBMIT_TIMEOUT_S = 30


async def callbacks(*, is_quick: bool) -> list[Row]:
    """Callbacks of running jobs, sent to the bot and to the bare handler in turn."""
    count = QUICK_COUNT if is_quick else FULL_COUNT
    async with AsyncExitStack() as rigs:
        clip = await make_clip(0)
        rig = await rigs.enter_async_context(stage(bot_env=OPEN_ENV, clip=clip, members=JOBS))
        bare_port = await rigs.enter_async_context(_bare_web())
        requests = list(islice(cycle(await _running_jobs(rig)), count))
        await burst(bare_port, requests[:100], at_once=AT_ONCE)
        await burst(rig.http_port, requests[:100], at_once=AT_ONCE)
        bare_bursts, bot_bursts = [], []
        for _ in range(ROUNDS):
            bare_bursts.append(await burst(bare_port, requests, at_once=AT_ONCE))
            bot_bursts.append(await burst(rig.http_port, requests, at_once=AT_ONCE))
        memory = memory_mib(rig)
    bare, bot = (median([one.per_second for one in bursts]) for bursts in (bare_bursts, bot_bursts))
    return [
        Row(
            figure="callbacks accepted",
            bot=f"{bot:.0f}/s",
            bare=f"{bare:.0f}/s",
            ratio=bot / bare,
            goal=f"≥ {GOAL} ×",
            is_met=bot >= GOAL * bare,
            memory_mib=memory,
            note=f"{AT_ONCE} at once; p50 {_p50(bot_bursts)}, bare {_p50(bare_bursts)}",
        )
    ]


def _p50(bursts: list[Burst]) -> str:
    return milliseconds(median([percentile(one.latencies_s, 0.5) for one in bursts]))


async def _running_jobs(rig: Rig) -> list[tuple[str, bytes]]:
    """Start jobs whose tasks hang; each one's callback path and what the provider would send there."""
    for _ in range(JOBS):
        rig.movie.next_outcome(hang=True)
    for person in members(rig):
        await rig.discord.slash(person, channel(rig), "video", {"prompt": PROMPT})
    await until(lambda: len(rig.movie.tasks) == JOBS, timeout_s=SUBMIT_TIMEOUT_S)
    await asyncio.sleep(0.5)
    tasks = [task for task in rig.movie.tasks.values() if task.callback_url]
    return [(urlsplit(task.callback_url or "").path, json.dumps(task.answer(), default=str).encode()) for task in tasks]


@asynccontextmanager
async def _bare_web() -> AsyncIterator[int]:
    """The bare handler in a process of its own; yields its port."""
    with tempfile.TemporaryDirectory(prefix="bench-bare-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.bare_web",
            str(Path(folder, "bare.db")),
            cwd=PROJECT,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            yield int(await asyncio.wait_for(process.stdout.readline(), 10))
        finally:
            process.terminate()
            await process.wait()
