"""SIGTERM while Discord is away: the bot stops, within the time that a supervisor gives it."""

import asyncio
from pathlib import Path

import pytest
import yarl

from tests.e2e.story import QUICK, patient_rig
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow


async def test_a_bot_that_is_reconnecting_to_discord_stops(tmp_path: Path) -> None:
    """Its gateway does not answer; discord.py passes over the first request to end that."""
    knocked = asyncio.Event()

    async def be_silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocked.set()
        await asyncio.sleep(PATIENCE_S)
        writer.close()

    async with patient_rig(tmp_path, bot_env=QUICK) as rig:
        port = yarl.URL(rig.discord.origin).port
        await rig.discord.stop()
        silent = await asyncio.start_server(be_silent, "127.0.0.1", port)
        await asyncio.wait_for(knocked.wait(), PATIENCE_S)
        code, _took_s = await rig.terminate_bot()
        silent.close()

    assert code == 0, rig.log_tail(2000)
