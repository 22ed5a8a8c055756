"""A rig with a page, and the stand-in bot in the bot's place."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.rig import Rig

STAND_IN = [sys.executable, str(Path(__file__).parent / "stand_in_bot.py")]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Everything running; clips render in half a second."""
    rig = await Rig.start(tmp_path, page_port=0, command=STAND_IN)
    rig.movie.render_s = 0.5
    yield rig
    await rig.stop()


@pytest.fixture
async def quiet_rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """The same without any bot."""
    rig = await Rig.start(tmp_path, page_port=0, start_bot=False, command=STAND_IN)
    yield rig
    await rig.stop()
