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
    visits: list[asyncio.Task[None]] = []

    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(asyncio.ensure_future(be_silent(reader, writer)))
        knocked.set()

    async with patient_rig(tmp_path, bot_env=QUICK) as rig:
        port = yarl.URL(rig.discord.origin).port
        await rig.discord.stop()
        silent = await asyncio.start_server(visit, "127.0.0.1", port)
        await asyncio.wait_for(knocked.wait(), PATIENCE_S)
        code, _took_s = await rig.terminate_bot()
        silent.close()
        await asyncio.wait_for(asyncio.gather(*visits, return_exceptions=True), PATIENCE_S)

    assert code == 0, rig.log_tail(2000)
