"""Steps that do not hold are seen, and end a script with exit code 1."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from playground import __main__ as command_line
from playground.discord.acting import Outcome
from playground.rig import Rig
from playground.scripts import Script
from playground.scripts.steps import StepFailed, Steps
from playground.scripts.visit import Visit

PRIVATE, LOADING = 64, 128


class StillDiscord:
    """A world in which nothing changes any more."""

    async def wait_for(self, predicate: Callable[[], Any], timeout_s: float = 20) -> Any:
        """What the predicate gives now, else the end of the patience."""
        if found := predicate():
            return found
        raise TimeoutError


@dataclass
class Answer:
    """What came of an act."""

    message: dict[str, Any] | None
    follow_ups: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: bool = True
    latency_s: float = 0.0
    modal: dict[str, Any] | None = None


def visit() -> Visit:
    """A visit to the still world."""
    return Visit(cast(Rig, SimpleNamespace(discord=StillDiscord(), movie=SimpleNamespace(tasks={}))), Steps())


def answer(text: str, flags: int) -> Outcome:
    """An answer of one message."""
    return cast(Outcome, Answer({"flags": flags, "content": text}))


async def test_private_answer_that_fits_is_returned(capsys: pytest.CaptureFixture[str]) -> None:
    """The step is reported with ok."""
    told = await visit().tells(answer("9.0 credits", PRIVATE), r"\d credits", "the price is told")

    assert told["content"] == "9.0 credits"
    assert capsys.readouterr().out.startswith("ok     the price is told")


@pytest.mark.parametrize(
    ("text", "flags", "why"),
    [
        ("9.0 credits", 0, "a refusal that everybody sees"),
        ("no such thing", PRIVATE, "another sentence"),
        ("9.0 credits", PRIVATE | LOADING, "a placeholder"),
    ],
)
async def test_answer_that_is_wrong_ends_the_walk(
    capsys: pytest.CaptureFixture[str], text: str, flags: int, why: str
) -> None:
    """The line says FAILED and what was found instead."""
    with pytest.raises(StepFailed):
        await visit().tells(answer(text, flags), r"\d credits", why)

    out = capsys.readouterr().out
    assert out.startswith(f"FAILED {why}")
    assert text in out


async def test_what_never_comes_ends_the_walk(capsys: pytest.CaptureFixture[str]) -> None:
    """Waiting has an end, and the line says how long it was."""
    with pytest.raises(StepFailed):
        await visit().until(lambda: None, "the clip comes", timeout_s=7)

    assert "FAILED the clip comes: not within 7 s" in capsys.readouterr().out


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
async def test_exit_code_says_whether_every_step_held(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, holds: bool, code: int
) -> None:
    """With a failed step the end of the bot's log follows, and everything is stopped in any case."""
    stopped = []

    class StillRig:
        async def stop(self) -> None:
            stopped.append(True)

        def log_tail(self, _size_bytes: int) -> str:
            return "the bot's last words"

    async def start(*_arguments: Any) -> StillRig:
        return StillRig()

    async def play(_rig: Rig, steps: Steps) -> None:
        steps.require(holds, "the moon is there", "it is not")

    monkeypatch.setattr(command_line, "_start", start)

    assert await command_line._run_script(Script(play), tmp_path) == code
    shown = capsys.readouterr()
    assert ("FAILED the moon is there: it is not" in shown.out) is not holds
    assert ("the bot's last words" in shown.err) is not holds
    assert stopped == [True]
