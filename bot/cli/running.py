"""`run`: the bot, or without a Discord token the playground."""

import argparse
import fcntl
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot import app, log
from bot.cli.start import Commands, add_command
from bot.settings import Settings, SettingsError

ROLES = ("all",)


def register(commands: "Commands[Any]") -> None:
    """Add the command."""
    about = "run the bot (also without naming a command); without DISCORD_TOKEN, the playground"
    parser = add_command(commands, "run", about, run)
    parser.add_argument("--role", choices=ROLES, default="all", help="what this process does (default: all)")


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def run(_arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: a setting is wrong, or another bot runs on the same SQLite file.
    """
    settings = Settings.load()
    if settings.discord_token is None and importlib.util.find_spec("playground") is not None:
        _become_playground()
    settings.require_run()
    log.configure(settings.log_level, settings.log_format, settings.secrets)
    settings.require_folder()
    with only_one(settings.sqlite_file):
        return await app.run(settings, announce=_announce)


def _become_playground() -> None:
    """Replace this process: the playground starts the bot as a child of its own, with settings of its own."""
    sys.stdout.write("DISCORD_TOKEN is not set: starting the playground instead of the bot.\n")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "playground"])  # noqa: S606 -- no shell is wanted


@contextmanager
def only_one(file: Path | None) -> Iterator[None]:
    """Hold the right to run on a SQLite file; it ends with the process, however that ends. None: nothing to hold.

    Raises:
        SettingsError: another process holds it.
    """
    if file is None:
        yield
        return
    with file.with_name(f"{file.name}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SettingsError(
                f"DATABASE_URL: another bot (process {lock.read(20).strip() or 'unknown'}) runs on {str(file)!r};"
                " stop it first. Several processes need PostgreSQL."
                " Example: DATABASE_URL=postgresql+asyncpg://bot:password@localhost:5432/bot"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
