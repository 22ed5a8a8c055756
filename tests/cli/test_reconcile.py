"""`reconcile` beside the simulated providers, with all three keys."""

import json
from typing import Any

import aiohttp
import pytest

from playground.rig import Rig
from tests.cli.conftest import Beside, Shell


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


async def compared(beside: Beside, **changes: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run `reconcile`; returns the exit code and the reports by provider."""
    said = await beside("reconcile", "--json", **changes)
    assert said.err == ""
    return said.code, {report["provider"]: report for report in json.loads(said.out)["providers"]}


@pytest.mark.slow
async def test_an_installation_without_jobs_differs_in_nothing(beside: Beside) -> None:
    """Each provider has its line; what its API does not let be asked is said."""
    await beside("migrate")
    said = await beside("reconcile")
    again, reports = await compared(beside)

    assert (said.code, said.err, again) == (0, "", 0)
    assert [line.partition(":")[0] for line in said.out.splitlines() if not line.startswith(" ")] == list(reports)
    assert list(reports) == ["seedance2-movie", "seedance2ai", "seedance-tv"]
    assert reports["seedance2-movie"]["balance"] is not None
    assert any("no task list" in note for note in reports["seedance2ai"]["notes"])


@pytest.mark.slow
async def test_a_dead_key_is_a_line_and_the_others_are_compared(beside: Rig) -> None:
    """Exit code 1; nothing of the key is printed."""
    await beside("migrate")
    code, reports = await compared(beside, SEEDANCE_TV_API_KEY="a-dead-key")

    assert code == 1
    assert [d["kind"] for d in reports["seedance-tv"]["differences"]] == ["no_answer"]
    assert reports["seedance2-movie"]["differences"] == []
    assert "a-dead-key" not in json.dumps(reports)


@pytest.mark.slow
async def test_a_task_made_by_somebody_else_is_found(beside: Beside, rig: Rig) -> None:
    """A create sent with the same key, past the bot, is in the list and belongs to no job."""
    await beside("migrate")
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
    said = await beside("reconcile")

    assert (response.status, said.code) == (200, 1)
    assert f"unmatched: Task {task_id}" in said.out
    assert "No job has it." in said.out
