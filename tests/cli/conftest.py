"""An installation of its own for each test, and the command line as an operator's shell runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.cli.main import main
from bot.log import OWN_LOGGERS
from playground.rig import Rig


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Shell = Callable[..., Said]
Beside = Callable[..., Awaitable[Said]]


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """Put the loggers back after each test."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in ("", *OWN_LOGGERS)}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of an empty database, which DATABASE_URL names; once on each."""
    address = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    if request.param == "postgresql":
        address = request.getfixturevalue("empty_postgres_url")
    monkeypatch.setenv("DATABASE_URL", address)
    return address


@pytest.fixture
def installed(shell: Shell, url: str) -> str:
    """A database with this version's tables, once on each."""
    assert shell("migrate").code == 0
    return url


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A Discord and the providers, without a bot."""
    rig = await Rig.start(tmp_path, start_bot=False)
    yield rig
    await rig.stop()


@pytest.fixture
def beside(rig: Rig, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Beside:
    """Run a command with the rig's settings, changed as the test says; in a thread, so that the rig can answer."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)  # the client sets its addresses for the whole process
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)

    async def run(*arguments: str, **changes: str) -> Said:
        with monkeypatch.context() as environment:
            for name, value in (rig.settings() | changes).items():
                environment.setenv(name, value)
            return await asyncio.to_thread(shell, *arguments)

    return run
