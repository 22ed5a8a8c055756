"""`reconcile` beside the simulated providers, with all three keys."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from playground.rig import Rig
from tests.cli.conftest import Shell

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


def test_days_are_checked(shell: Shell) -> None:
    """One line, exit code 2."""
    for days in ("0", "91", "-1", "many"):
        said = shell("reconcile", "--days", days)
        assert (said.code, said.err.count("\n")) == (2, 1)


def test_without_a_key_there_is_nothing_to_compare(shell: Shell, installed: str) -> None:
    """The line names the variables."""
    said = shell("reconcile")

    assert said.code == 2
    assert "SEEDANCE2_MOVIE_API_KEY" in said.err


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Discord and the providers, without a bot."""
    rig = await Rig.start(tmp_path, start_bot=False)
    yield rig
    await rig.stop()


async def bot(rig: Rig, *arguments: str, **changes: str) -> tuple[int, str, str]:
    """Run a command in a process of its own."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **rig.settings(), **changes}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        env=environ,
        cwd=rig.data_dir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(TIMEOUT_S):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def compared(rig: Rig, **changes: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run `reconcile`; returns the exit code and the reports by provider."""
    code, out, err = await bot(rig, "reconcile", "--json", **changes)
    assert err == ""
    return code, {report["provider"]: report for report in json.loads(out)["providers"]}


@pytest.mark.slow
async def test_an_installation_without_jobs_differs_in_nothing(rig: Rig) -> None:
    """Each provider has its line; what its API does not let be asked is said."""
    await bot(rig, "migrate")
    code, out, err = await bot(rig, "reconcile")
    again, reports = await compared(rig)

    assert (code, err, again) == (0, "", 0)
    assert [line.partition(":")[0] for line in out.splitlines() if not line.startswith(" ")] == list(reports)
    assert list(reports) == ["seedance2-movie", "seedance2ai", "seedance-tv"]
    assert reports["seedance2-movie"]["balance"] is not None
    assert any("no task list" in note for note in reports["seedance2ai"]["notes"])


@pytest.mark.slow
async def test_a_dead_key_is_a_line_and_the_others_are_compared(rig: Rig) -> None:
    """Exit code 1; nothing of the key is printed."""
    await bot(rig, "migrate")
    code, reports = await compared(rig, SEEDANCE_TV_API_KEY="a-dead-key")

    assert code == 1
    assert [d["kind"] for d in reports["seedance-tv"]["differences"]] == ["no_answer"]
    assert reports["seedance2-movie"]["differences"] == []
    assert "a-dead-key" not in json.dumps(reports)


@pytest.mark.slow
async def test_a_task_made_by_somebody_else_is_found(rig: Rig) -> None:
    """A create sent with the same key, past the bot, is in the list and belongs to no job."""
    await bot(rig, "migrate")
    settings = rig.settings()
    body = {"model": "seedance-2.0", "content": [{"type": "text", "text": "a red boat"}], "duration": 5}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{settings['SEEDANCE2_MOVIE_BASE_URL']}/api/v1/video/task",
            json=body,
            headers={"X-API-Key": settings["SEEDANCE2_MOVIE_API_KEY"]},
        ) as response,
    ):
        await response.read()
    (task_id,) = rig.movie.tasks
    code, out, _ = await bot(rig, "reconcile")

    assert (response.status, code) == (200, 1)
    assert f"unmatched: Task {task_id}" in out
    assert "No job has it." in out
