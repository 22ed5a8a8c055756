"""How the text of a setting becomes a value, and what is wrong with it when it does not.

Each parser raises ValueError with the end of a sentence that begins with the value: `is not an amount`.
"""

import shutil
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

UNLIMITED = "unlimited"
MAX_CREDITS = Decimal(10**12)
MAX_CREDIT_RATE = 10_000
MAX_ID = 2**63 - 1
MAX_PORT = 65_535
SQLITE = "sqlite+aiosqlite:///"
POSTGRES = "postgresql+asyncpg://"
MAX_SECONDS = 366 * 86_400
MIN_CALLBACK_SECRET_CHARS = 8
_UNITS = {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_TRUTHS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def _parsed(parse: Callable[[str], Any]) -> BeforeValidator:
    """Apply a parser to text; defaults are values already and pass."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _limit(text: str) -> Decimal | None:
    if text.lower() == UNLIMITED:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not value.is_finite() or not 0 <= value <= MAX_CREDITS:
        raise ValueError("is not an amount of 0 or more")
    if value * 1000 != (value * 1000).to_integral_value():
        raise ValueError("is finer than a thousandth of a credit")
    return value


def _rate(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("is not a number") from None
    if not value.is_finite() or not 0 < value <= MAX_CREDIT_RATE:
        raise ValueError(f"is not above 0 and at most {MAX_CREDIT_RATE}")
    return value


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError("is not a whole number")
        if len(text) > len(str(MAX_ID)) or not least <= int(text) <= most:
            raise ValueError(f"is not between {least} and {most}")
        return int(text)

    return parse


def _identifier(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_ID)) or not 0 < int(text) <= MAX_ID:
        raise ValueError("is not a Discord id, which is a number of 17 to 20 digits")
    return int(text)


def _items(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _identifiers(text: str) -> frozenset[int]:
    return frozenset(_identifier(item) for item in _items(text))


def _shards(text: str) -> tuple[int, ...]:
    parse = _whole(0, 10_000)
    return tuple(sorted({parse(item) for item in _items(text)}))


def _size(text: str) -> int:
    number, unit = text.strip().lower(), 1
    for suffix, factor in _UNITS.items():
        if number.endswith(suffix):
            number, unit = number.removesuffix(suffix).strip(), factor
    if not (number.isascii() and number.isdecimal()) or len(number) > len(str(MAX_ID)) or not int(number):
        raise ValueError("is not a size in bytes, KiB, MiB, GiB or TiB")
    return int(number) * unit


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    if not 0 < value <= MAX_SECONDS:
        raise ValueError(f"is not above 0 and at most {MAX_SECONDS} seconds")
    return value


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError("is neither true nor false")
    return _TRUTHS[text.lower()]


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or any(c.isspace() for c in text):
        raise ValueError("is not an http or https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("has a user name, a query or a fragment, which an address here must not")
    return text.rstrip("/")


def _bucket(text: str) -> str:
    if not text.startswith("s3://") or not urlsplit(text).netloc:
        raise ValueError("is not the address of a bucket")
    return text.rstrip("/")


def _database(text: str) -> str:
    if not text.startswith((SQLITE, POSTGRES)):
        raise ValueError(f"begins with neither {SQLITE} nor {POSTGRES}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not the address of a database") from None
    if text.startswith(SQLITE):
        if not url.database or url.database.startswith((":memory:", "file:")) or url.query:
            raise ValueError("does not name a file and nothing else")
    elif url.port is not None and not 0 < url.port <= MAX_PORT:
        raise ValueError(f"has a port that is not between 1 and {MAX_PORT}")
    elif "sslmode" in url.query:  # libpq's name; the driver takes no such option
        raise ValueError("has sslmode, which is called ssl here, as in ?ssl=require")
    return text


def _host(text: str) -> str:
    if any(c.isspace() or c == "/" for c in text):
        raise ValueError("is not a host name or address to listen on")
    return text


def _secret(text: str) -> SecretStr:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has spaces, line breaks or characters that no key has")
    return SecretStr(text)


def _callback_secret(text: str) -> SecretStr:
    if len(text) < MIN_CALLBACK_SECRET_CHARS:
        raise ValueError(f"is shorter than {MIN_CALLBACK_SECRET_CHARS} characters")
    return SecretStr(text)


def _readable_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("is not a file that exists")
    return path


def _program(text: str) -> str:
    found = shutil.which(text)
    if found is None:
        raise ValueError("is not a program that can be run")
    return found


def one_of(*words: str) -> BeforeValidator:
    """Accept one of some words, whatever their case."""
    by_folded = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        if text.lower() not in by_folded:
            raise ValueError(f"is none of {', '.join(words)}")
        return by_folded[text.lower()]

    return _parsed(parse)


def whole(least: int, most: int) -> BeforeValidator:
    """Accept a whole number from `least` to `most`."""
    return _parsed(_whole(least, most))


Limit = Annotated[Decimal | None, _parsed(_limit)]
Rate = Annotated[Decimal, _parsed(_rate)]
Identifier = Annotated[int | None, _parsed(_identifier)]
Identifiers = Annotated[frozenset[int], _parsed(_identifiers)]
Shards = Annotated[tuple[int, ...] | None, _parsed(_shards)]
Size = Annotated[int, _parsed(_size)]
Seconds = Annotated[float, _parsed(_seconds)]
Truth = Annotated[bool, _parsed(_truth)]
Address = Annotated[str, _parsed(_address)]
OptionalAddress = Annotated[str | None, _parsed(_address)]
Bucket = Annotated[str | None, _parsed(_bucket)]
DatabaseUrl = Annotated[str, _parsed(_database)]
Host = Annotated[str, _parsed(_host)]
Port = Annotated[int, whole(0, MAX_PORT)]
Secret = Annotated[SecretStr | None, _parsed(_secret)]
CallbackSecret = Annotated[SecretStr | None, _parsed(_callback_secret)]
ReadableFile = Annotated[Path | None, _parsed(_readable_file)]
Folder = Annotated[Path, _parsed(Path)]
Program = Annotated[str | None, _parsed(_program)]
Days = Annotated[int, whole(0, 3650)]
PerMinute = Annotated[int, whole(1, 60_000)]
Places = Annotated[int, whole(1, 10_000)]
