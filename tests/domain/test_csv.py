"""Spreadsheets open the files as they are meant, and run nothing in them."""

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest

from bot.domain.money import Credits
from bot.domain.tables_csv import FORMULA_STARTS, csv_file

ROOMY = 1_000_000


def read(data: bytes) -> list[list[str]]:
    """Read a file as a program would."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_names_of_every_script_survive() -> None:
    """Quotes, commas, line breaks and half-width neighbours too; the mark at the start tells Excel that it is UTF-8."""
    names = ["アン", "a, b", 'say "hi"', "two\nlines", "semi;colon", "😀"]

    file = csv_file(("name",), [(name,) for name in names], most_bytes=ROOMY)

    assert file.data.startswith(b"\xef\xbb\xbf")
    assert read(file.data) == [["name"], *([name] for name in names)]


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_cell_starts_like_a_formula(start: str) -> None:
    """An apostrophe stands before it, which spreadsheets take as the sign of a text."""
    file = csv_file(("name",), [(f"{start}cmd|'/c calc'!A1",)], most_bytes=ROOMY)

    assert read(file.data)[1] == [f"'{start}cmd|'/c calc'!A1"]


def test_a_formula_cannot_hide_behind_another_separator() -> None:
    """Texts are quoted: where a spreadsheet expects semicolons, this stays one cell."""
    file = csv_file(("name",), [("a;=1+1",)], most_bytes=ROOMY)

    assert file.data.splitlines()[1] == b'"a;=1+1"'


def test_numbers_are_numbers() -> None:
    """Plain decimals without quotes, negative ones without an apostrophe, large ones without an exponent."""
    row = (Credits(11_520), Credits(-1_500), Credits(0), Credits(10**15), -3, 123456789012345678)

    file = csv_file(("a", "b", "c", "d", "e", "f"), [row], most_bytes=ROOMY)

    assert file.data.splitlines()[1] == b"11.52,-1.5,0.0,1000000000000.0,-3,123456789012345678"


def test_moments_are_utc_and_nothing_is_empty() -> None:
    """Whatever zone the moment came in."""
    moment = datetime(2026, 3, 4, 13, 0, tzinfo=timezone(timedelta(hours=1)))

    assert read(csv_file(("at", "who"), [(moment, None)], most_bytes=ROOMY).data)[1] == ["2026-03-04T12:00:00Z", ""]


def test_a_file_is_cut_at_a_row_and_says_how_many_are_missing() -> None:
    """No row is cut in two, and none after the first that does not fit is squeezed in."""
    whole = csv_file(("n",), [("x" * 10,), ("y" * 10,)], most_bytes=ROOMY)

    cut = csv_file(("n",), [("x" * 10,), ("y" * 10,), ("z" * 40,), ("a",)], most_bytes=len(whole.data) + 20)

    assert cut.data == whole.data
    assert (cut.left_out, whole.left_out) == (2, 0)


def test_characters_that_utf_8_lacks_do_no_harm() -> None:
    """Half a surrogate pair, or a zero byte, is a character like any other or a question mark."""
    assert read(csv_file(("n",), [("a\ud800b",), ("c\x00d",)], most_bytes=ROOMY).data)[1:] == [["a?b"], ["c\x00d"]]
