"""The rig's hold on the bot's process."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from playground.rig import Rig

pytestmark = pytest.mark.slow


async def test_a_killed_bot_comes_back_at_the_same_addresses(rig: Rig) -> None:
    """Callback addresses given out before the kill stay valid after it."""
    ports, first = (rig.http_port, rig.admin_port), rig.bot_pid

    await rig.restart()
    outcome = await rig.discord.slash("ann", "video-lab", "balance")

    assert outcome.acknowledged
    assert rig.bot_pid != first
    assert (rig.http_port, rig.admin_port) == ports


async def test_termination_tells_code_and_time(rig: Rig) -> None:
    """SIGTERM is obeyed, and the rig knows how it ended."""
    code, seconds = await rig.terminate_bot()

    assert code in (0, -signal.SIGTERM)
    assert seconds < 10
    assert not rig.running


async def test_a_bot_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    """The newcomer sees why, not a timeout."""
    broken = [sys.executable, "-c", "print('the sky fell'); raise SystemExit(3)"]

    with pytest.raises(RuntimeError, match="the sky fell"):
        await Rig.start(tmp_path, command=broken)


async def test_the_bot_gets_settings_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of the surrounding shell, or of an `.env` beside the checkout, does not leak into the playground."""
    monkeypatch.setenv("GUILD_POOL_CREDITS", "7")
    tell = [
        sys.executable,
        "-c",
        "import os; print(os.environ.get('GUILD_POOL_CREDITS'), os.getcwd()); raise SystemExit(1)",
    ]

    with pytest.raises(RuntimeError, match=f"None {tmp_path}"):
        await Rig.start(tmp_path, command=tell)


async def test_the_bot_gets_keys_of_the_chosen_providers_only(tmp_path: Path) -> None:
    """What it has no key of, it cannot offer; the others are told by address and key."""
    rig = await Rig.start(tmp_path, start_bot=False, providers=["seedance2ai"])
    try:
        settings = rig.settings()
        assert (settings["SEEDANCE2AI_API_KEY"], settings["SEEDANCE2AI_BASE_URL"]) == (rig.ai.api_key, rig.ai.origin)
        assert not [name for name in settings if name.startswith(("SEEDANCE2_MOVIE", "SEEDANCE_TV"))]
    finally:
        await rig.stop()


async def test_the_bot_gets_keys_of_all_three_by_default(tmp_path: Path) -> None:
    """The third one's address has its version in it."""
    rig = await Rig.start(tmp_path, start_bot=False)
    try:
        assert rig.settings()["SEEDANCE_TV_BASE_URL"] == rig.tv.origin + "/v2"
        assert {"SEEDANCE2_MOVIE_API_KEY", "SEEDANCE2AI_API_KEY", "SEEDANCE_TV_API_KEY"} <= set(rig.settings())
    finally:
        await rig.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux only")
async def test_no_bot_outlives_a_killed_playground(tmp_path: Path) -> None:
    """SIGKILL to the playground leaves no process behind."""
    child = "import os, sys, time; print('pid', os.getpid(), flush=True); time.sleep(60)"
    parent = (
        "import asyncio, sys, pathlib\n"
        "from playground.rig_bot import BotProcess\n"
        "async def main():\n"
        f"    bot = BotProcess([sys.executable, '-c', {child!r}], {{}}, pathlib.Path({str(tmp_path)!r}))\n"
        "    await bot.launch()\n"
        "    print(bot.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    pid = int(await process.stdout.readline())

    process.kill()
    await process.wait()

    async with asyncio.timeout(5):
        while alive(pid):  # noqa: ASYNC110 -- another process's end sets no event here
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process still runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
