"""What every command begins with: its place in the parser, and the settings."""

import argparse
from collections.abc import Callable, Coroutine
from typing import Any

from bot import log
from bot.settings import Settings

Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns
Command = Callable[[argparse.Namespace], int | Coroutine[Any, Any, int]]


def add_command(commands: "Commands[Any]", name: str, about: str, command: Command) -> argparse.ArgumentParser:
    """Add a command with `--json`. `command` gets the parsed arguments and returns the exit code."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.add_argument(
        "--json", dest="is_json", action="store_true", default=argparse.SUPPRESS, help="print JSON for programs"
    )
    parser.set_defaults(command=command)
    return parser


def identifier(text: str) -> int:
    """Read a Discord id.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:25]) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a Discord id, such as 81384788765712384")
    return int(text)


def load_settings() -> Settings:
    """Read the settings for a command beside the bot; it prints what it did, so only errors are logged.

    Raises:
        SettingsError: a setting is wrong.
    """
    settings = Settings.load()
    log.configure("ERROR", settings.log_format, settings.secrets)
    return settings
