"""How soon a command is acknowledged, beside a discord.py bot that does only that."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import cycle, islice

from benchmarks.report import Row, median, milliseconds, percentile
from benchmarks.stage import AMPLE_ENV, PROMPT, channel, make_clip, members, memory_mib, stage
from playground.discord.virtual import Outcome
from playground.rig import Rig

PEOPLE = 400
RATE, FULL_ROUND_S, QUICK_ROUND_S = 50, 3.4, 1.2
ROUNDS = 3
HIGH_RATE, FULL_HIGH_S, QUICK_HIGH_S = 200, 5.0, 1.5
P50_GOAL, P99_GOAL = 1.5, 3.0
WARM_UP = 20
SETTLE_S = 0.5


async def acknowledgement(*, is_quick: bool) -> list[Row]:
    """50 commands a second in alternating rounds, then 200 a second; half `/video`, half `/balance`."""
    clip = await make_clip(0)
    round_s, high_s = (QUICK_ROUND_S, QUICK_HIGH_S) if is_quick else (FULL_ROUND_S, FULL_HIGH_S)
    async with AsyncExitStack() as rigs:
        bare = await rigs.enter_async_context(
            stage(bot_env={}, clip=clip, members=PEOPLE, bare_module="benchmarks.bare_bot")
        )
        bot = await rigs.enter_async_context(stage(bot_env=AMPLE_ENV, clip=clip, members=PEOPLE))
        bare_rounds: list[list[Outcome]] = []
        bot_rounds: list[list[Outcome]] = []
        for rig in (bare, bot):
            await _offer(rig, RATE, WARM_UP / RATE)
        for _ in range(ROUNDS):
            for rig, rounds in ((bare, bare_rounds), (bot, bot_rounds)):
                rounds.append(await _offer(rig, RATE, round_s))
                await asyncio.sleep(SETTLE_S)
        high = await _offer(bot, HIGH_RATE, high_s)
        memory = memory_mib(bot)
    return _rows(bare_rounds, bot_rounds, high, memory)


def _rows(
    bare_rounds: Sequence[Sequence[Outcome]],
    bot_rounds: Sequence[Sequence[Outcome]],
    high: Sequence[Outcome],
    memory: float,
) -> list[Row]:
    rows = []
    missed = sum(not outcome.acknowledged for outcomes in bot_rounds for outcome in outcomes)
    for name, share, goal in (("p50", 0.5, P50_GOAL), ("p99", 0.99, P99_GOAL)):
        bare, bot = (
            median([percentile(_latencies(outcomes), share) for outcomes in rounds])
            for rounds in (bare_rounds, bot_rounds)
        )
        rows.append(
            Row(
                figure=f"acknowledged, {RATE}/s, {name}",
                bot=milliseconds(bot),
                bare=milliseconds(bare),
                ratio=bot / bare,
                goal=f"≤ {goal} ×",
                is_met=bot <= goal * bare and not missed,
                memory_mib=memory,
                note=f"{sum(map(len, bot_rounds))} commands, {missed} missed",
            )
        )
    lost = sum(not outcome.acknowledged for outcome in high)
    rows.append(
        Row(
            figure=f"acknowledged, {HIGH_RATE}/s, missed",
            bot=str(lost),
            goal="0",
            is_met=lost == 0,
            memory_mib=memory,
            note=f"{len(high)} commands, p50 {milliseconds(percentile(_latencies(high), 0.5))},"
            f" p99 {milliseconds(percentile(_latencies(high), 0.99))}",
        )
    )
    return rows


def _latencies(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.latency_s for outcome in outcomes if outcome.acknowledged]


async def _offer(rig: Rig, rate: float, seconds: float) -> list[Outcome]:
    """Offer commands at a steady rate, whether or not the earlier ones were answered."""
    loop = asyncio.get_running_loop()
    began, count = loop.time(), int(rate * seconds)
    acts = []
    for number, person in enumerate(islice(cycle(members(rig)), count)):
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        command, options = ("video", {"prompt": PROMPT}) if number % 2 else ("balance", {})
        acts.append(asyncio.create_task(rig.discord.slash(person, channel(rig), command, options)))
    return list(await asyncio.gather(*acts))
