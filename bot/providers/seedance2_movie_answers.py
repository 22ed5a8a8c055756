"""Reading seedance2-movie's answers: new fields are ignored, odd values become None, nothing here raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.jobs import TaskState, TaskStatus
from bot.providers.foreign_json import decode_json

SUCCESS = "200"
IDENTIFIER_MAX_CHARS = 200
URL_MAX_CHARS = 8192
NUMBER_MAX = 10**15  # larger ones are nonsense
MILLISECONDS_FROM = 10**11  # an epoch number of this size or more counts milliseconds

#: Statuses that end a task. `pending`, `queued`, `processing` and words that we do not know mean running.
_ENDS = {
    "completed": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.CANCELLED,
    "expired": TaskState.EXPIRED,
}
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,79}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The unified answer. `code` is a word such as `SERVICE_BUSY`; `status` the HTTP status that came in its place.

    `result` is empty where the answer has none.
    """

    is_success: bool
    code: str | None
    status: int | None
    result: Mapping[str, Any]


def read_envelope(body: bytes) -> Envelope | None:
    """Read the unified answer, with its code as text or number. None where the body is no such thing."""
    answer = decode_json(body)
    if not isinstance(answer, dict):
        return None
    raw, result = answer.get("code"), answer.get("result")
    word = str(raw).strip().upper() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    is_status = re.fullmatch(r"[1-5]\d\d", word) is not None and word != SUCCESS
    return Envelope(
        is_success=word == SUCCESS,
        code=word if _CODE.fullmatch(word) else None,
        status=int(word) if is_status else None,
        result=result if isinstance(result, dict) else {},
    )


def read_rows(result: Mapping[str, Any]) -> list[Any] | None:
    """Return a page's rows; the documentation shows each as a JSON string, so both forms are read."""
    rows = result.get("data")
    if not isinstance(rows, list):
        return None
    return [decode_json(row) if isinstance(row, str) else row for row in rows]


def read_task(row: Any) -> TaskStatus | None:
    """Read a task object. None where it has no id."""
    task_id = read_identifier(row.get("task_id")) if isinstance(row, dict) else None
    if task_id is None:
        return None
    return TaskStatus(
        task_id=task_id,
        state=_ENDS.get(str(row.get("status")).strip().lower(), TaskState.RUNNING),
        cost=read_amount(row.get("credit_cost")),
        result_url=_url(row.get("video_url")),
        last_frame_url=_url(row.get("last_frame_url")),
        error_code=_error_code(row.get("error_code")),
        seed=_integer(row.get("seed")),
        model_name=_word(row.get("model")),
        resolution=_word(row.get("resolution")),
        aspect_ratio=_word(row.get("ratio")),
        duration_s=_integer(row.get("duration")),
        created_at=_moment(row.get("created_at")),
    )


def read_identifier(value: Any) -> str | None:
    """Read an id of 1 to 200 characters, also where it is a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= IDENTIFIER_MAX_CHARS else None


def read_amount(value: Any, *, may_be_negative: bool = False) -> Decimal | None:
    """Read an amount of credits, a number or a number as text."""
    amount = _number(value)
    return amount if amount is not None and (amount >= 0 or may_be_negative) else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= NUMBER_MAX else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith("http") and len(value) <= URL_MAX_CHARS else None


def _error_code(value: Any) -> str | None:
    word = str(value).strip().upper() if isinstance(value, str | int) else ""
    return word if _CODE.fullmatch(word) else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _moment(value: Any) -> datetime | None:
    """Read ISO 8601, UTC where no offset is given, or seconds or milliseconds since 1970."""
    number = _number(value)
    try:
        if number is not None:
            return datetime.fromtimestamp(float(number) / (1000 if number >= MILLISECONDS_FROM else 1), UTC)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
