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
from bot.cli.output import CommandFailed
from bot.domain.errors import BotError, DeliveryError, Refused, SettingsInvalid
from bot.settings import SettingsError

DONE = 0
FAILED = 1
WRONG = 2
INTERRUPTED = 130
FAMILIES = (running, database, registering, doctor, accounts, providers, jobs, reconcile)

_REFUSALS = {
    "job_not_found": "There is no job {job}.",
    "not_parked": "Job {job} is {state}; only a parked or unknown job can be retried or given up.",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with one line instead of argparse's two paragraphs."""
        self.exit(WRONG, f"{self.prog}: {message}. Help: {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(prog="python -m bot", description="Seedance Bot. Without a command, it runs.")
    parser.set_defaults(command=running.run, role="all", is_json=False)
    commands = parser.add_subparsers(metavar="command", parser_class=_Parser)
    for family in FAMILIES:
        family.register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    parsed = build_parser().parse_args(arguments)
    try:
        return _finish(parsed.command(parsed))
    except (SettingsError, SettingsInvalid) as error:
        return _complain(WRONG, str(error))
    except CommandFailed as error:
        return _complain(FAILED, str(error))
    except Refused as error:
        return _complain(FAILED, _REFUSALS.get(error.code, error.code).format(**error.params))
    except DeliveryError as error:
        return _complain(FAILED, f"Discord does not answer as it should ({error}); try again in a minute.")
    except BotError as error:
        return _complain(FAILED, f"It did not work: {error}")
    except SQLAlchemyError as error:
        cause = type(getattr(error, "orig", None) or error).__name__
        return _complain(FAILED, f"DATABASE_URL: the database cannot be used ({cause}); is it running and reachable?")
    except OSError as error:
        return _complain(FAILED, f"It did not work: {error}")
    except KeyboardInterrupt:
        return INTERRUPTED


def _finish(work: int | Coroutine[object, object, int]) -> int:
    return work if isinstance(work, int) else uvloop.run(work)


def _complain(code: int, line: str) -> int:
    sys.stderr.write(" ".join(line.split()) + "\n")
    return code
