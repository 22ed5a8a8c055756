"""What the commands print: lines for people, or one JSON value with `--json`.

In JSON, Discord's ids are strings (they are larger than many readers' numbers), amounts are numbers of credits, null
is unlimited, and moments are ISO 8601 in UTC.
"""

import json
import sys
from collections.abc import Iterable
from datetime import datetime

from bot.domain.money import Limit


class CommandFailed(Exception):
    """A command could not do what was asked; the text is one line."""


def amount(value: Limit) -> float | None:
    """Return an amount for JSON; None is unlimited."""
    return None if value is None else value.milli / 1000


def shown(value: Limit) -> str:
    """Return an amount for people."""
    return "unlimited" if value is None else str(value)


def moment(value: datetime | None) -> str | None:
    """Return a moment for JSON."""
    return None if value is None else value.isoformat(timespec="seconds")


def clock_time(value: datetime | None) -> str:
    """Return a moment for people, in UTC."""
    return "-" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def put(is_json: bool, value: object, lines: Iterable[str]) -> None:
    """Print `value` as JSON, or the lines."""
    if is_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)


def complain(is_json: bool, code: int, line: str) -> int:
    """Say in one line what went wrong, in JSON too where that was asked for. Returns the exit code."""
    line = " ".join(line.split())
    if is_json:
        put(True, {"error": line}, ())
    sys.stderr.write(f"{line}\n")
    return code
