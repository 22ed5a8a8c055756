"""`reconcile`: the books against the providers' records, beside a running bot."""

import argparse
from collections.abc import Iterator
from typing import Any

from bot.app.reconciling import compare
from bot.cli.output import put
from bot.cli.start import Commands, add_command, load_settings
from bot.services.reconcile import Report

DEFAULT_DAYS = 7
MOST_DAYS = 90


def register(commands: "Commands[Any]") -> None:
    """Add the command."""
    about = "compare the books with the providers' tasks, receipts and balances; exit 1 where they differ"
    parser = add_command(commands, "reconcile", about, reconcile)
    parser.add_argument(
        "--days",
        type=_days,
        default=DEFAULT_DAYS,
        help=f"how far to look back, 1 to {MOST_DAYS} (default {DEFAULT_DAYS})",
    )


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to {MOST_DAYS}")
    return int(text)


async def reconcile(arguments: argparse.Namespace) -> int:
    """Compare; each difference is a line, and the exit code is 1 if there is any."""
    reports = await compare(load_settings(), days=arguments.days)
    is_exact = not any(report.differences for report in reports)
    put(
        arguments.is_json,
        {"ok": is_exact, "providers": [_as_json(report) for report in reports]},
        [line for report in reports for line in _lines(report, arguments.days)],
    )
    return 0 if is_exact else 1


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "provider": report.provider,
        "compared": report.compared,
        "balance": None if report.balance is None else float(report.balance),
        "notes": report.notes,
        "differences": [
            {"kind": d.kind, "job_id": d.job_id, "task_id": d.task_id, "sentence": d.sentence}
            for d in report.differences
        ],
    }


def _lines(report: Report, days: int) -> Iterator[str]:
    count = len(report.differences)
    verdict = "nothing differs" if count == 0 else "1 difference" if count == 1 else f"{count} differences"
    balance = "" if report.balance is None else f"; {report.balance.normalize():f} credits left"
    yield f"{report.provider}: {report.compared} tasks of {days} days compared; {verdict}{balance}"
    for difference in report.differences:
        yield f"  {difference.kind}: {difference.sentence}"
    for note in report.notes:
        yield f"  note: {note}"
