"""Amounts and moments as people type them."""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.domain.errors import Refused
from bot.domain.money import Credits, Limit
from bot.i18n import Catalogue

SHOWN_CHARS = 50
_SPAN = re.compile(r"(\d{1,4})\s*([hdw])", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)
#: A decimal comma. Before three digits it would as well part thousands, unless the whole part is nothing.
_COMMA = re.compile(r"(\d+),(\d{1,2})|(0),(\d{3})", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

#: A span from now on, or a day, which lasts until its end where the server is.
Ending = timedelta | date


def parse_limit(text: str, catalogue: Catalogue) -> Limit | Literal["inherit"]:
    """Read `12.5`, `unlimited` or `inherit`; the words in any language that has a catalogue.

    Raises:
        Refused: `credits_format`.
    """
    if _is_word(text, "unlimited", catalogue):
        return None
    if _is_word(text, "inherit", catalogue):
        return "inherit"
    amount = _credits(text)
    if amount is None:
        raise Refused("credits_format", text=text[:SHOWN_CHARS])
    return amount


def parse_amount(text: str) -> Credits:
    """Read an amount of credits.

    Raises:
        Refused: `amount_format`.
    """
    amount = _credits(text)
    if amount is None:
        raise Refused("amount_format", text=text[:SHOWN_CHARS])
    return amount


def parse_threshold(text: str, catalogue: Catalogue) -> Limit:
    """Read an amount of credits, or `never`, which is None; the word in any language that has a catalogue.

    Raises:
        Refused: `threshold_format`.
    """
    if _is_word(text, "never", catalogue):
        return None
    amount = _credits(text)
    if amount is None:
        raise Refused("threshold_format", text=text[:SHOWN_CHARS])
    return amount


def parse_whole(text: str) -> int:
    """Read a whole number of at most six digits.

    Raises:
        Refused: `whole_format`.
    """
    word = text.strip()
    if not re.fullmatch(r"-?\d{1,6}", word, re.ASCII):
        raise Refused("whole_format", text=text[:SHOWN_CHARS])
    return int(word)


def parse_ending(text: str) -> Ending:
    """Read `12h`, `7d`, `4w`, or a date such as `2099-12-31`.

    Raises:
        Refused: `expires_format`.
    """
    word = text.strip().lower()
    if found := _SPAN.fullmatch(word):
        return int(found[1]) * _UNITS[found[2]]
    try:
        if not _DAY.fullmatch(word):
            raise ValueError
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise Refused("expires_format", text=text[:SHOWN_CHARS]) from error


def moment_of(ending: Ending, now: datetime, zone: str) -> datetime:
    """Return the UTC moment that was meant: a span after `now`, or a day's end in the time zone `zone`.

    Raises:
        Refused: `expires_past`.
    """
    try:
        moment = now + ending if isinstance(ending, timedelta) else _end_of(ending, zone)
    except OverflowError:
        moment = datetime.max.replace(tzinfo=UTC)
    if moment <= now:
        raise Refused("expires_past")
    return moment


def _end_of(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _plain(text: str) -> str:
    """Return what was typed in half width and lower case, without the space around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _is_word(text: str, word: str, catalogue: Catalogue) -> bool:
    """Whether a text is one of the spellings of a word: `typed.<word>` in a catalogue, parted by bars."""
    spellings = (catalogue.find(f"typed.{word}", language) for language in catalogue.languages)
    return _plain(text) in {_plain(one) for found in spellings if found for one in found.split("|")}


def _credits(text: str) -> Credits | None:
    """Read an amount, None where it is none (not a number, negative, finer than 0.001, beyond a trillion)."""
    plain = _plain(text)
    if found := _COMMA.fullmatch(plain):
        plain = ".".join(part for part in found.groups() if part is not None)
    try:
        return Credits.parse(plain)
    except (ValueError, ArithmeticError):
        return None
