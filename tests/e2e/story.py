"""Verbs that end-to-end tests share: ask for a clip, wait for it, count, and prove the ledger by the command line."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.rig import Rig

Json = dict[str, Any]
PROJECT = Path(__file__).resolve().parents[2]

#: Short durations, so that leases and searches pass within a test.
QUICK = {
    "LEASE_S": "2",
    "POLL_INTERVAL_S": "1",
    "SEARCH_INTERVAL_S": "1",
    "MEMBER_ALLOWANCE_CREDITS": "unlimited",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "6000",
    "LOG_LEVEL": "INFO",
}


async def until(predicate: Callable[[], Any], timeout_s: float = 30, what: str = "") -> Any:
    """Wait in real time until the predicate gives something true; the last resort for other processes' doings."""
    end = time.monotonic() + timeout_s
    while not (found := predicate()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what or predicate}")
        await asyncio.sleep(0.01)
    return found


def clips(rig: Rig, channel: str = "video-lab", viewer: str = "owner") -> list[Json]:
    """The bot's messages with an MP4, oldest first."""
    return [
        message
        for message in rig.discord.messages(channel, viewer)
        if any(a["filename"].endswith(".mp4") for a in message.get("attachments", []))
    ]


def open_jobs(rig: Rig) -> list[Json]:
    """Open jobs, by the command line beside the running bot."""
    return list(command(rig, "jobs", "--open", "--json"))


def command(rig: Rig, *arguments: str) -> Any:
    """Run `python -m bot …` with the bot's own settings and return its JSON."""
    done = run_command(rig, *arguments)
    assert done[0] == 0, done
    return json.loads(done[1])


def run_command(rig: Rig, *arguments: str) -> tuple[int, str, str]:
    """Run `python -m bot …` with the bot's own settings: exit code, output, errors."""
    import subprocess

    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(PROJECT),
        **rig.settings(),
        **QUICK,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env=environment,
        cwd=rig.data_dir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def verify_ledger(rig: Rig) -> None:
    """The ledger is exact, by the operator's own command."""
    code, out, err = await asyncio.to_thread(run_command, rig, "ledger", "verify")
    assert code == 0, out + err
