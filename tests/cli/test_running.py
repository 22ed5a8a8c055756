"""`run`: what it refuses to start with, and what it starts instead."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from bot.cli import running
from tests.cli.conftest import Shell

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's own reaches these tests."""
    for name in ("DISCORD_TOKEN", "SEEDANCE2_MOVIE_API_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("arguments", [(), ("run",)])
def test_without_a_token_the_playground_takes_the_process(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Naming no command is `run`, and `run` without a token is the playground."""
    taken: list[list[str]] = []

    def execv(_program: str, command: list[str]) -> NoReturn:
        taken.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    said = shell(*arguments)

    assert taken == [[sys.executable, "-m", "playground"]]
    assert said.out == "DISCORD_TOKEN is not set: starting the playground instead of the bot.\n"


def test_without_a_token_and_a_playground_the_token_is_asked_for(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the container image, which has no playground."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    said = shell("run")

    assert said.code == 2
    assert said.err.startswith("DISCORD_TOKEN: is needed and not set. Example: DISCORD_TOKEN=")


@pytest.mark.parametrize(
    ("name", "value", "variable"),
    [
        ("HTTP_PORT", "abc", "HTTP_PORT"),
        ("DATA_DIR", "/dev/null", "DATA_DIR"),
        ("DATABASE_URL", "sqlite+aiosqlite:////dev/null/bot.db", "DATABASE_URL"),
        ("DEFAULT_MODEL", "no/such-model", "DEFAULT_MODEL"),
        ("SEEDANCE2_MOVIE_API_KEY", "", "SEEDANCE2_MOVIE_API_KEY"),
        ("DISCORD_TOKEN_FILE", "/nowhere", "DISCORD_TOKEN"),
        ("SEEDANCE2_MOVIE_BASE_URL", "http://127.0.0.1:9", "SEEDANCE2_MOVIE_BASE_URL"),
    ],
)
def test_a_wrong_setting_ends_a_real_start_with_one_line(tmp_path: Path, name: str, value: str, variable: str) -> None:
    """In a process of its own: exit code 2, one line, no traceback."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DISCORD_TOKEN": "t",
        "SEEDANCE2_MOVIE_API_KEY": "k",
    }
    said = subprocess.run(
        [sys.executable, "-m", "bot"],
        env={**environ, name: value},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert said.returncode == 2
    assert said.stderr.startswith(f"{variable}: ")
    assert said.stderr.count("\n") == 1
    assert "Example: " in said.stderr


def test_wrong_usage_is_told_in_json_too(shell: Shell) -> None:
    """Wherever `--json` stands; without it, in one line for people."""
    for arguments in (("pause", "nobody", "--json"), ("--json", "pause", "nobody"), ("frob", "--json")):
        said = shell(*arguments)
        assert said.code == 2
        assert "invalid choice: " in json.loads(said.out)["error"]
    said = shell("pause", "nobody")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("python -m bot pause: argument PROVIDER: invalid choice: 'nobody'")
    assert said.err.count("\n") == 1


def test_a_second_run_on_the_same_file_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line says who runs; other commands go on working beside it."""
    monkeypatch.setenv("DISCORD_TOKEN", "t")
    monkeypatch.setenv("SEEDANCE2_MOVIE_API_KEY", "k")
    shell("migrate")
    with running.only_one(Path("data/bot.db")):
        second = shell("run")
        beside = shell("jobs")

    assert second.code == 2
    assert second.err.startswith(f"DATABASE_URL: another bot (process {os.getpid()}) runs on 'data/bot.db'")
    assert second.err.count("\n") == 1
    assert (beside.code, beside.out) == (0, "No jobs.\n")


def test_the_right_to_run_ends_with_its_holder(tmp_path: Path) -> None:
    """Also when the holder was killed: nothing has to be tidied up."""
    code = (
        "from pathlib import Path; from bot.cli import running; import os, signal\n"
        "with running.only_one(Path('bot.db')): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False
    )

    with running.only_one(tmp_path / "bot.db"):
        assert killed.returncode == -9
