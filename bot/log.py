"""Logging: text or JSON lines, with every secret taken out before a line leaves the process.

Two nets: the values of the settings' secrets, wherever they appear, and patterns for what is secret without being a
setting: presigned queries, callback signatures, media tokens, interaction tokens, authorization headers.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

MASK = "***"
MIN_SECRET_CHARS = 4  # a shorter value would blot out ordinary words
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # query strings carry signatures of presigned addresses; none is worth a look in a log
    (re.compile(r"(\b(?:https?|wss?|s3)://[^\s\"'<>?]*)\?[^\s\"'<>)]*"), rf"\1?{MASK}"),
    (re.compile(r"(/callbacks/[^/\s\"']+/[^/\s\"']+/)[^\s\"'?/)]+"), rf"\1{MASK}"),
    (re.compile(r"(/media/)[^/\s\"'?)]+"), rf"\1{MASK}"),
    # Discord: interaction callbacks and follow-ups have the token in the path
    (re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/\s\"'?)]+"), rf"\1{MASK}"),
    (re.compile(r"\baW50ZXJhY3Rpb24[A-Za-z0-9_-]{20,}"), MASK),  # an interaction token: base64 of "interaction:…"
    (re.compile(r"\b[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}"), MASK),  # a bot token's form
    (
        re.compile(
            r"(?i)\b(authorization|x-api-key|api[_-]?key)(['\"]?\s*[:=]\s*['\"]?)(?:(?:bot|bearer)\s+)?[^\s'\",}]+"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|bot)\s+[A-Za-z0-9._~+/-]{16,}=*"), rf"\1 {MASK}"),
    (re.compile(r"\b((?:postgresql|postgres)(?:\+\w+)?://[^:@/\s]*):[^@\s]+@"), rf"\1:{MASK}@"),
    (re.compile(r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token))=[^&\s\"']+"), rf"\1={MASK}"),
)


OWN_LOGGERS = ("bot", "cogs", "__main__")


class Redactor:
    """Takes secrets out of text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = sorted({s for s in secrets if len(s) >= MIN_SECRET_CHARS}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, values))) if values else None

    def clean(self, text: str) -> str:
        """Return `text` with every secret masked."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Formatter(logging.Formatter):
    """What both formats share: the redactor, and a record's traceback as text."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def traceback(self, record: logging.LogRecord) -> str:
        """Return the record's traceback and stack, empty where it has none."""
        parts = [self.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
        return "\n".join([*parts, *([self.formatStack(record.stack_info)] if record.stack_info else [])])


class TextFormatter(_Formatter):
    """One line for people: moment, level, logger, event, then `name=value` fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the finished line, redacted as a whole."""
        fields = "".join(f" {key}={_text(value)}" for key, value in _fields(record).items())
        line = f"{_moment(record)} {record.levelname:<7} {record.name}: {record.getMessage()}{fields}"
        traceback = self.traceback(record)
        return self._redactor.clean(f"{line}\n{traceback}" if traceback else line)


class JsonFormatter(_Formatter):
    """One JSON object a line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the finished line; values are redacted before encoding, so that the line stays valid JSON."""
        entry: dict[str, Any] = {
            "at": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "event": self._redactor.clean(record.getMessage()),
        }
        for key, value in _fields(record).items():
            entry[key] = value if isinstance(value, int | float | None) else self._redactor.clean(str(value))
        traceback = self.traceback(record)
        if traceback:
            entry["traceback"] = self._redactor.clean(traceback)
        return json.dumps(entry, ensure_ascii=False)


def _text(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c.isspace() or c in '"=' for c in text) else text


def configure(level: str = "INFO", format: Literal["text", "json"] = "text", secrets: Iterable[str] = ()) -> None:
    """Send every logger's lines to standard error, redacted. Called again, it replaces what it set before.

    `level` is for our own loggers. Libraries speak from WARNING on: their DEBUG lines carry prompts and bodies.
    """
    redactor = Redactor(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(redactor) if format == "json" else TextFormatter(redactor))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))
    for own in OWN_LOGGERS:
        logging.getLogger(own).setLevel(level)
