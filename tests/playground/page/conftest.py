"""A rig with a page, the stand-in bot in the bot's place, and a browser."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.rig import Rig
from tests.playground.page.browser import Browser, find_chromium

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


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser with a fresh profile; the test is skipped where there is none."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no chromium or google-chrome in PATH")
    browser = await Browser.start(chromium, tmp_path / "profile")
    yield browser
    await browser.stop()
