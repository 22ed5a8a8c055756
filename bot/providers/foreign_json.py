"""Decoding what a provider calls JSON, as far as it can be understood."""

import codecs
import json
from decimal import Decimal
from typing import Any

import msgspec

_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


def decode_json(text: bytes | str) -> Any:
    """Decode JSON, fractions as Decimal. None for anything else.

    What RFC 8259 forbids and servers send all the same is no reason to lose the answer to a create: a byte order mark
    is ignored, bytes that are no UTF-8 are replaced, and NaN and Infinity are None.
    """
    body = (text.encode() if isinstance(text, str) else text).removeprefix(codecs.BOM_UTF8)
    try:
        return _DECODER.decode(body)
    except (ValueError, RecursionError):
        return _decode_leniently(body)


def _decode_leniently(body: bytes) -> Any:
    try:
        return json.loads(body.decode(errors="replace"), parse_float=Decimal, parse_constant=lambda _word: None)
    except (ValueError, ArithmeticError, RecursionError):
        return None
