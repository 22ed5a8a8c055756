"""Tables as CSV files that spreadsheets open safely.

UTF-8 with a byte order mark: without it Excel reads names in a code page of its own; Python's `utf-8-sig`, LibreOffice
and Google Sheets all take it. Commas and CRLF as in RFC 4180; every text is in quotes, so that a spreadsheet which
expects semicolons cannot split one into cells.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bot.domain.money import Credits

Cell = str | int | Credits | datetime | None

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A cell that begins so may be run as a formula (OWASP, CSV Injection; the wide forms in East Asian versions of Excel).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ESCAPE = "'"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file's bytes, and how many rows did not fit."""

    data: bytes
    left_out: int = 0


def csv_file(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, most_bytes: int) -> CsvFile:
    """Write a table of at most `most_bytes`. The first row that does not fit and all after it are left out."""
    kept = bytearray(BYTE_ORDER_MARK + _line(header))
    left_out = 0
    for row in rows:
        line = b"" if left_out else _line(row)
        if left_out or len(kept) + len(line) > most_bytes:
            left_out += 1
        else:
            kept += line
    return CsvFile(bytes(kept), left_out)


def _line(row: Sequence[Cell]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerow([_written(cell) for cell in row])
    return text.getvalue().encode("utf-8", errors="replace")


def _written(cell: Cell) -> str | int | Decimal:
    """Return what stands in the file: numbers plain and unquoted, moments in UTC, text that can do no harm."""
    match cell:
        case Credits():
            return Decimal(str(cell))
        case int():
            return cell
        case datetime():
            return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case None:
            return ""
        case _:
            return ESCAPE + cell if cell.startswith(FORMULA_STARTS) else cell
