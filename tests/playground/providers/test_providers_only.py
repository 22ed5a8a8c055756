"""`python -m playground providers`: the simulated providers alone, for a bot on real Discord."""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.settings import Settings
from playground.emulators import Emulators
from playground.rig_bot import PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture
async def printed() -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """The running command, and the settings that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground", "providers", "--port", "0"),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    settings: dict[str, str] = {}
    try:
        while "PROVIDER_ALLOW_PRIVATE_HOSTS" not in settings:
            line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
            assert line, "it ended before it was ready"
            name, _, value = line.strip().partition("=")
            if value:
                settings[name] = value
        yield process, settings
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_printed_keys_open_the_printed_addresses(
    printed: tuple[asyncio.subprocess.Process, dict[str, str]],
) -> None:
    """All three answer, each in its own way, and SIGTERM ends them."""
    process, settings = printed
    movie, ai, tv = (settings[f"{name}_BASE_URL"] for name in ("SEEDANCE2_MOVIE", "SEEDANCE2AI", "SEEDANCE_TV"))
    bearer = {
        name: {"Authorization": f"Bearer {settings[name + '_API_KEY']}"} for name in ("SEEDANCE2AI", "SEEDANCE_TV")
    }
    key = {"X-API-Key": settings["SEEDANCE2_MOVIE_API_KEY"]}

    async with aiohttp.ClientSession() as session:
        async with session.get(movie + "/api/v1/video/balance", headers=key) as answer:
            assert (await answer.json())["code"] == "200"
        async with session.get(ai + "/api/v1/tasks/none", headers=bearer["SEEDANCE2AI"]) as answer:
            assert answer.status == 404
        async with session.get(tv + "/account/balance", headers=bearer["SEEDANCE_TV"]) as answer:
            assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_printed_block_is_a_right_env_file(
    printed: tuple[asyncio.subprocess.Process, dict[str, str]],
) -> None:
    """Pasted beside a token, the bot starts with all three."""
    _process, settings = printed
    read = Settings.load(environ={**settings, "DISCORD_TOKEN": "token"}, env_file=None)

    assert read.enabled_providers == ["seedance2-movie", "seedance2ai", "seedance-tv"]


async def test_ports_follow_each_other_and_a_taken_one_leaves_none_open() -> None:
    """A chosen port is the first one's; when one of the three is in use, the others are closed again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1] - 2
        with pytest.raises(OSError) as refused:
            await Emulators.start(first)
        assert refused.value.errno == errno.EADDRINUSE

    emulators = await Emulators.start(first)
    try:
        ports = [int(one.origin.rpartition(":")[2]) for one in (emulators.movie, emulators.ai, emulators.tv)]
        assert ports == [first, first + 1, first + 2]
    finally:
        await emulators.stop()
