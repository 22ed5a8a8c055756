"""`python -m playground` as a newcomer, a script and a supervisor run it."""

import asyncio
import re
import signal
import socket
import sys
import time

import aiohttp
import pytest

from playground.rig_bot import PROJECT

pytestmark = pytest.mark.slow


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """Run it with its output in one stream."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "playground",
        *arguments,
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def test_a_port_in_use_is_said_in_a_sentence() -> None:
    """No traceback; the sentence has a command that works."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await start("--no-browser", "--port", str(port))
        output, _none = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 1
    assert f"Port {port} is in use by another program" in output.decode()
    assert "Traceback" not in output.decode()


async def test_the_check_makes_one_clip_and_tells_each_step() -> None:
    """A clip that plays, and a balance that fell by 9.0, with the real bot."""
    process = await start("--check")
    output, _none = await asyncio.wait_for(process.communicate(), 90)

    assert process.returncode == 0, output.decode()
    assert "/balance shows 41.0 credits left of 50" in output.decode()


async def test_termination_stops_everything_within_seconds(tmp_path: object) -> None:
    """The page's address is printed and answers; SIGTERM ends the playground and its bot."""
    process = await start("--no-browser", "--port", "0", "--data-dir", str(tmp_path))
    assert process.stdout is not None
    address = ""
    while not address:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert line, "it ended before it was ready"
        address = "".join(re.findall(r"http://127\.0\.0\.1:\d+", line))
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        assert answer.status == 200

    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _none = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 0, output.decode()
    assert time.monotonic() - began < 10
