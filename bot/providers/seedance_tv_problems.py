"""What a 422 of seedance-tv says is wrong, as data: "missing required fields like prompt or incorrect data types".

The document does not show the details, so every usual shape is read: lists of fields with messages, objects by field,
places in arrays, and plain sentences that name a field. Nothing of their text goes any farther than this file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.providers.foreign_json import decode_json

PROBLEMS_MAX = 50
NESTING_MAX = 5

#: The create's fields, by the option of ours that decides each.
OPTIONS = {
    "prompt": "prompt",
    "scenes": "shots",
    "duration_secs": "duration",
    "aspect_ratio": "aspect_ratio",
    "style": "style",
    "seed": "seed",
    "camera": "camera",
    "motion_level": "motion",
}
_PATHS = ("loc", "field", "path", "param", "pointer", "property", "parameter", "name", "key")
_MESSAGES = ("message", "msg", "error", "reason", "type", "code", "detail")
_CONTAINERS = ("error", "errors", "details", "detail", "fields", "issues", "violations", "invalid_params", "message")
_NAMED = re.compile(rf"\b({'|'.join(OPTIONS)})\b")
_MISSING = re.compile(r"\b(required|missing)\b", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"(known|unknown|unexpected|unsupported|unrecogni[sz]ed|extra|additional)[ _](field|propert|key|input|param)"
    r"|extra_forbidden",
    re.IGNORECASE,
)


class Reason(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that was refused. `option` is ours, None where no field of ours is named."""

    option: str | None
    reason: Reason


def read_problems(body: bytes) -> tuple[Problem, ...]:
    """Read a 422's details, each problem once. Empty where nothing names a field or says more than that it is wrong."""
    value = decode_json(body)
    told = _told(body.decode(errors="replace") if value is None else value)
    problems = dict.fromkeys(_problem(path, text) for path, text in told)
    return tuple(one for one in problems if one.option is not None)[:PROBLEMS_MAX]


def code_of(problems: tuple[Problem, ...]) -> str:
    """Name the sentence for a refusal: the first option that a member can change, else whose fault it is."""
    changeable = [one.option for one in problems if one.reason is not Reason.MISSING]
    if changeable:
        return f"tv_invalid_{changeable[0]}"
    return "tv_missing" if problems else "tv_invalid"


def _told(value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield ways to fields, "" where none is told, with what is said of each."""
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, list) and depth < NESTING_MAX:
        for item in value[:PROBLEMS_MAX]:
            yield from _told(item, depth + 1)
    elif isinstance(value, dict) and depth < NESTING_MAX:
        path = next((_path(value[name]) for name in _PATHS if name in value), "")
        if path:
            yield path, _message([value.get(name) for name in _MESSAGES])
            return
        for name, item in value.items():
            if name in _CONTAINERS:
                yield from _told(item, depth + 1)
            elif _NAMED.match(name):
                yield name, _message(item)


def _path(value: Any) -> str:
    return ".".join(str(part) for part in value) if isinstance(value, list) else value if isinstance(value, str) else ""


def _message(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) else ""


def _problem(path: str, text: str) -> Problem:
    named = _NAMED.search(path) or (None if path else _NAMED.search(text))
    reason = Reason.UNKNOWN if _UNKNOWN.search(text) else Reason.MISSING if _MISSING.search(text) else Reason.WRONG
    return Problem(OPTIONS[named[1]] if named else None, reason)
