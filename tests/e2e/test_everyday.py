"""The script over all three providers. (A hundred jobs at one provider's pace are played in virtual time elsewhere.)"""

import asyncio
import sys

import pytest

from playground.rig_bot import PROJECT

pytestmark = pytest.mark.slow

TIMEOUT_S = 400
PATIENT = pytest.mark.timeout(TIMEOUT_S + 20)


async def play(*arguments: str) -> list[str]:
    """Run `python -m playground --script …` to its end: its lines. Each of them must say ok."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground", "--script", *arguments),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _none = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    except TimeoutError:
        process.terminate()
        await process.wait()
        raise
    lines = output.decode().splitlines()
    assert process.returncode == 0, "\n".join(lines[-60:])
    assert all(line.startswith("ok ") for line in lines)
    return lines


@PATIENT
@pytest.mark.xdist_group("everyday")
async def test_a_day_with_all_three_providers() -> None:
    """Every option, pictures, storyboards, refusals, doubts; the books are exact at the end."""
    lines = await play("everyday")

    assert len(lines) > 100
    assert any("Ann has paid exactly" in line for line in lines)


async def test_the_provider_goes_with_the_hundred_only() -> None:
    """Another script with it is a mistake that is told."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground", "--script", "moderator", "--provider", "seedance2ai"),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _none = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 2
    assert "--provider goes with --script hundred" in output.decode()
