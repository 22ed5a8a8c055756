"""The file that a person gets of everything that is stored about them: JSON and a CSV of the ledger, in a ZIP."""

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.domain.budgets import Level
from bot.domain.money import Credits
from bot.domain.tables_csv import csv_file

#: What every interaction may attach (reference, Uploading Files: 10 MiB), less what the request itself takes.
FILE_BYTES_MAX = 10 * 1024 * 1024 - 64 * 1024
CSV_BYTES_MAX = 32 * 1024 * 1024  # before packing
STATEMENT_COLUMNS = ("at_utc", "kind", "credits", "change", "account", "job", "by", "reason")

#: What each kind of entry does to what its member may spend. A settled hold was taken off when it was held.
CHANGE_SIGNS = {
    "hold": -1,
    "release": 1,
    "settle": 0,
    "extra": -1,
    "overrun": 0,
    "loss": 0,
    "refund": 1,
    "grant": 1,
    "revoke": -1,
}

_OTHER_ID = re.compile(r"(?<!\d)\d{15,20}(?!\d)")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One ledger entry as its member sees it. `change` is what it did to what they may spend; `by` names nobody."""

    at: datetime
    kind: str
    amount: Credits
    change: Credits
    account: Level
    job_id: str | None
    by: str
    reason: str


def statement_line(row: Any, user_id: int) -> StatementLine:
    """Read a ledger row for its member."""
    amount = Credits(row.amount_milli)
    return StatementLine(
        at=row.at,
        kind=row.kind,
        amount=amount,
        change=amount * CHANGE_SIGNS[row.kind],
        account=Level.WALLET if row.account.startswith("grant:") else Level.ALLOWANCE,
        job_id=row.job_id,
        by=role_of(row.actor, user_id),
        reason=without_others(row.reason, user_id),
    )


def role_of(actor: str, user_id: int, *, others: str = "moderator") -> str:
    """Say who acted without naming anybody else. `others` are what other people are in this."""
    if actor == str(user_id):
        return "you"
    return actor if actor in {"bot", "operator"} else others


def without_others(text: str, user_id: int) -> str:
    """Take the ids of other people out of a text."""
    return _OTHER_ID.sub(lambda found: found[0] if found[0] == str(user_id) else "(somebody else)", text)


@dataclass(slots=True)
class OwnData:
    """What is stored about a person. `facts` are all small tables; `left_out` counts older jobs that were not read."""

    user_id: int
    made_at: datetime
    facts: dict[str, Any]
    jobs: list[dict[str, Any]]
    lines: Sequence[StatementLine]
    left_out: int = 0


def packed(data: OwnData, *, most_bytes: int = FILE_BYTES_MAX) -> bytes:
    """Write the ZIP. Where it would be larger than `most_bytes`, the older jobs are left out, and `data.json` says so.

    Takes a second for thousands of jobs: call it in a thread.
    """
    table = csv_file(STATEMENT_COLUMNS, [_cells(line) for line in data.lines], most_bytes=CSV_BYTES_MAX)
    jobs, file = data.jobs, b""
    while True:
        left_out = data.left_out + len(data.jobs) - len(jobs)
        file = _zip(_document(data, jobs, left_out), table.data)
        if len(file) <= most_bytes or not jobs:
            return file
        jobs = jobs[: len(jobs) // 2]


def _document(data: OwnData, jobs: list[dict[str, Any]], left_out: int) -> bytes:
    content: dict[str, Any] = {"user_id": str(data.user_id), "made_at": data.made_at}
    if left_out:
        content["note"] = f"This file has your newest {len(jobs)} jobs; {left_out} older ones did not fit."
    content |= data.facts | {"jobs": jobs}
    return json.dumps(content, default=_written, ensure_ascii=False, indent=1).encode("utf-8", errors="replace")


def _zip(document: bytes, table: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", document)
        archive.writestr("ledger.csv", table)
    return held.getvalue()


def _cells(line: StatementLine) -> tuple[Any, ...]:
    return line.at, line.kind, line.amount, line.change, line.account.value, line.job_id, line.by, line.reason


def statement_file(lines: Sequence[StatementLine], *, most_bytes: int) -> tuple[bytes, int]:
    """Write a statement as CSV. Returns the file and how many of the oldest entries did not fit."""
    table = csv_file(STATEMENT_COLUMNS, [_cells(line) for line in lines], most_bytes=most_bytes)
    return table.data, table.left_out


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)
