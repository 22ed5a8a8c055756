"""The playground's long scripts, once each: a moderator's day, and every way to a member."""

import asyncio
import sys

import pytest

from playground.rig_bot import PROJECT

pytestmark = pytest.mark.slow

TIMEOUT_S = 240


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("delivery", "moderator")]
)
async def test_script_holds_in_every_step(name: str) -> None:
    """`python -m playground --script NAME` ends with 0, and each of its lines says ok."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "playground",
        "--script",
        name,
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _none = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.terminate()  # it stops its bot, too
            await process.wait()

    lines = output.decode().splitlines()
    assert process.returncode == 0, "\n".join(lines[-60:])
    assert len(lines) > 60
    assert all(line.startswith("ok ") for line in lines)
