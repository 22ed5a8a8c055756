"""Answers that are nearly JSON: a task that a create made must not be lost over a byte."""

from decimal import Decimal
from typing import Any

import pytest

from bot.providers.foreign_json import decode_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"id": "a", "cost": 26.50}', {"id": "a", "cost": Decimal("26.50")}),
        ('{"id": "a"}', {"id": "a"}),
        (b'\xef\xbb\xbf{"id": "a"}', {"id": "a"}),
        (b'{"cost": NaN, "left": -Infinity, "rate": 1.5}', {"cost": None, "left": None, "rate": Decimal("1.5")}),
        (b'{"id": "a", "message": "caf\xe9"}', {"id": "a", "message": "caf\ufffd"}),
        (b'{"id": "a", "id": "b"}', {"id": "b"}),
    ],
)
def test_what_can_be_understood_is_read(text: bytes | str, value: Any) -> None:
    """A byte order mark, NaN, other encodings, doubled names."""
    assert decode_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xef\xbb\xbf",
        b"<html></html>",
        b'{"id": "a"',
        b'{"id": "a"} trailing',
        b"[" * 100_000,
        b'{"cost": ' + b"9" * 5000 + b', "id": NaN}',
    ],
)
def test_what_cannot_be_understood_is_nothing(text: bytes) -> None:
    """Never an error: what is no JSON, what is cut, what is too deep or too large."""
    assert decode_json(text) is None
