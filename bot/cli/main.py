"""Parsing the command line, and turning what goes wrong into one line and an exit code.

Exit codes: 0 done; 1 a check failed, books differ, or the command could not be done; 2 wrong usage or settings.
"""

import argparse
import sys
from collections.abc import Coroutine, Sequence
from typing import NoReturn

import uvloop
from sqlalchemy.exc import SQLAlchemyError

from bot.cli import accounts, database, doctor, jobs, providers, reconcile, registering, running
from bot.cli.output import CommandFailed, complain
from bot.domain.errors import BotError, DeliveryError, Refused, SettingsInvalid
from bot.settings import SettingsError, example

FAILED = 1
WRONG = 2
INTERRUPTED = 130
FAMILIES = (running, database, registering, doctor, accounts, providers, jobs, reconcile)

_REFUSALS = {
    "job_not_found": "There is no job {job}.",
    "not_parked": "Job {job} is {state}; only a parked or unknown job can be retried or given up.",
    "not_unknown": "Job {job} is {state}; only a job that was sent and has no task can be told its task.",
    "task_taken": "Task {task} belongs to another job.",
}


class _WrongUsage(Exception):
    """The command line makes no sense; the text is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise with one line instead of printing argparse's two paragraphs."""
        raise _WrongUsage(f"{self.prog}: {message}. Help: {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(prog="python -m bot", description="Seedance Bot. Without a command, it runs.")
    parser.add_argument("--json", dest="is_json", action="store_true", help="print JSON for programs")
    parser.set_defaults(command=running.run, role="all")
    commands = parser.add_subparsers(metavar="command", parser_class=_Parser)
    for family in FAMILIES:
        family.register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        parsed = build_parser().parse_args(given)
    except _WrongUsage as error:
        return complain("--json" in given, WRONG, str(error))
    try:
        return _finish(parsed.command(parsed))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (SettingsError, SettingsInvalid) as error:
        code, line = WRONG, str(error)
    except CommandFailed as error:
        code, line = FAILED, str(error)
    except Refused as error:
        code, line = FAILED, _REFUSALS.get(error.code, error.code).format(**error.params)
    except DeliveryError as error:
        code, line = FAILED, _without_discord(error)
    except BotError as error:
        code, line = FAILED, f"It did not work: {error}"
    except SQLAlchemyError as error:
        code, line = FAILED, _without_database(error)
    except OSError as error:
        code, line = FAILED, f"It did not work: {error}"
    return complain(parsed.is_json, code, line)


def _without_discord(error: DeliveryError) -> str:
    if not error.status:
        return "Discord cannot be reached: is there a network, and DISCORD_API_BASE right? Try again in a minute."
    return f"Discord does not answer as it should ({error}); try again in a minute."


def _without_database(error: SQLAlchemyError) -> str:
    cause: BaseException = getattr(error, "orig", None) or error
    cause = cause.__cause__ or cause  # what the driver itself said
    return (
        f"DATABASE_URL: the database cannot be used ({type(cause).__name__}); is it running and reachable, and the"
        f" address right? Example: DATABASE_URL={example('database_url')}"
    )


def _finish(work: int | Coroutine[object, object, int]) -> int:
    return work if isinstance(work, int) else uvloop.run(work)
