"""The playground's long scripts, once each: a moderator's day, and every way to a member."""

import asyncio
import sys
from pathlib import Path

import pytest

from playground.rig import Rig
from playground.rig_bot import PROJECT
from playground.scripts import SCRIPTS
from playground.scripts.steps import Steps

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


@pytest.mark.xdist_group("moderator-postgres")
async def test_moderators_day_holds_on_postgres(tmp_path: Path, empty_postgres_url: str) -> None:
    """The same steps with the other database under the bot."""
    script = SCRIPTS["moderator"]
    settings, providers = script.bot_env, script.providers
    rig = await Rig.start(tmp_path, database_url=empty_postgres_url, bot_env=settings, providers=providers)
    try:
        await script.play(rig, Steps())
    finally:
        await rig.stop()
