"""What every row needs: the bot on the simulated Discord and provider, members to act, and its process measured."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import psutil

from playground.discord import Channel, Person
from playground.providers.clips import ClipSpec, render
from playground.providers.mp4 import pad
from playground.rig import Rig

CHANNEL = "video-lab"
MEBIBYTE = 1024 * 1024
AMPLE = Decimal(1_000_000_000)
AMPLE_ENV = {"MEMBER_ALLOWANCE_CREDITS": "1000000", "CALLBACK_SECRET": "benchmarks-benchmarks-benchmarks-32"}
OPEN_ENV = {
    **AMPLE_ENV,
    "SEEDANCE2_MOVIE_CONCURRENCY": "1000",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "60000",
}
"""The provider takes whatever comes: what is measured is the bot."""
PROMPT = "A cat running under cherry blossoms"


@asynccontextmanager
async def stage(
    *,
    bot_env: Mapping[str, str],
    clip: bytes,
    members: int,
    bare_module: str | None = None,
) -> AsyncIterator[Rig]:
    """A rig in a temporary folder, with the bot running, or a bare bot (`bare_module`) in its place."""
    command = None if bare_module is None else [sys.executable, "-m", bare_module]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rig = await Rig.start(Path(folder), bot_env=bot_env, command=command)
        try:
            rig.movie.account.total = AMPLE
            rig.movie.knobs.fixed_clip = clip
            for number in range(members):
                rig.discord.add_person(f"member-{number}", f"Member {number}")
            yield rig
        finally:
            await rig.stop()


def members(rig: Rig) -> Sequence[Person]:
    """The members that `stage` added."""
    return [person for key, person in rig.discord.people.items() if key.startswith("member-")]


def channel(rig: Rig) -> Channel:
    """Where everything happens."""
    return rig.discord.channels[CHANNEL]


async def make_clip(size_bytes: int) -> bytes:
    """A real clip of at least that size."""
    spec = ClipSpec(prompt=PROMPT, resolution="480p", duration_s=4)
    rendered = await asyncio.to_thread(render, spec)
    return pad(rendered.video, size_bytes)


async def until(predicate: Callable[[], bool], *, timeout_s: float, every_s: float = 0.05) -> None:
    """Look again and again until it is so. Raises: TimeoutError after `timeout_s` seconds."""
    async with asyncio.timeout(timeout_s):
        while not predicate():  # noqa: ASYNC110 - emulators tell nobody of what is looked at here
            await asyncio.sleep(every_s)


def memory_mib(rig: Rig) -> float:
    """What the bot's process keeps in memory (resident set, children included), in MiB."""
    if rig.bot_pid is None:
        return 0.0
    bot = psutil.Process(rig.bot_pid)
    kept = bot.memory_info().rss
    for child in bot.children(recursive=True):
        try:
            kept += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return float(kept / MEBIBYTE)


def cpu_s(rig: Rig) -> float:
    """The seconds of CPU that the bot's process has used."""
    if rig.bot_pid is None:
        return 0.0
    times = psutil.Process(rig.bot_pid).cpu_times()
    return float(times.user + times.system)
