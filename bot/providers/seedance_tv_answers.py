"""Reading seedance-tv's answers: new fields are ignored, odd values become None, nothing here raises.

The document shows the answer to a create and names `status`, `url` and `error`; of the list of styles, the balance and
the bodies of errors it shows nothing, so that every plausible shape is read.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.jobs import TaskState, TaskStatus
from bot.providers.foreign_json import decode_json

IDENTIFIER_MAX_CHARS = 200
CREDITS_MAX = 10**15  # larger amounts are nonsense
URL_MAX_CHARS = 8192
STYLES_MAX = 500
STYLE_MAX_CHARS = 100  # what a choice at Discord can hold
NESTING_MAX = 4

#: "The job's status will eventually change from processing to either succeeded or failed." Other words mean running.
_ENDS = {"succeeded": TaskState.SUCCEEDED, "failed": TaskState.FAILED}
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_MODERATED = re.compile(r"moderat|polic(y|ies)\b|sensitive|unsafe|nsfw|inappropriate|prohibited|violat", re.IGNORECASE)
_STYLE_LISTS = ("styles", "data", "items", "results", "result")
_STYLE_NAMES = ("id", "slug", "key", "value", "style", "name")  # `style` of a create takes the id
_BALANCES = (
    *("balance", "credits", "credit_balance", "balance_credits"),
    *("remaining", "remaining_credits", "remain_credits", "credits_remaining", "available", "available_credits"),
    *("amount", "value", "account", "data", "result"),
)


def read_fields(body: bytes) -> Mapping[str, Any]:
    """Decode an answer. Empty where it is no JSON object."""
    answer = decode_json(body)
    return answer if isinstance(answer, dict) else {}


def read_identifier(value: Any) -> str | None:
    """Read an id of 1 to 200 characters, also where it is a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= IDENTIFIER_MAX_CHARS else None


def is_page(body: bytes) -> bool:
    """Whether this is a web page: something in front of the API answered."""
    return body.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"


def read_task(body: bytes, task_id: str) -> TaskStatus | None:
    """Read the answer about one task. None where it has no status, or names another task."""
    fields = read_fields(body)
    status = fields.get("status")
    if not isinstance(status, str) or read_identifier(fields.get("id", task_id)) != task_id:
        return None
    state = _ENDS.get(status.strip().lower(), TaskState.RUNNING)
    url = fields.get("url")
    has_url = isinstance(url, str) and url.startswith("http") and len(url) <= URL_MAX_CHARS
    return TaskStatus(
        task_id=task_id,
        state=state,
        result_url=url if has_url else None,
        error_code=read_failure(fields.get("error")) if state is TaskState.FAILED else None,
        created_at=_moment(fields.get("created_at")),
    )


def read_failure(error: Any) -> str | None:
    """Name why a task failed, from `error` in any shape: `tv_moderated`, else its code, None where neither is told."""
    texts = list(_texts(error))
    if any(_MODERATED.search(text) for text in texts):
        return "tv_moderated"
    codes = (text.strip().upper() for text in texts)
    return next((code for code in codes if _CODE.fullmatch(code) and len(code) <= 80), None)


def read_styles(body: bytes) -> list[str] | None:
    """Read the list of styles, in its order, as a create takes them. None where there is no list."""
    found = _styles(decode_json(body))
    if found is None:
        return None
    fitting = [style for style in found if style.strip() and len(style) <= STYLE_MAX_CHARS]
    return list(dict.fromkeys(fitting))[:STYLES_MAX]


def read_balance(body: bytes) -> Decimal | None:
    """Read the account's remaining credits. None where no number is found."""
    return _balance(decode_json(body))


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and depth < NESTING_MAX:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, depth + 1)


def _styles(value: Any, depth: int = 0) -> list[str] | None:
    if isinstance(value, list):
        names = (item if isinstance(item, str) else _style_name(item) for item in value)
        return [name for name in names if name is not None]
    if not isinstance(value, dict) or depth >= NESTING_MAX:
        return None
    lists = (_styles(value.get(name), depth + 1) for name in _STYLE_LISTS)
    found = next((one for one in lists if one is not None), None)
    if found is None and depth and value and not any(name in value for name in _STYLE_LISTS):
        return [name for name in value if isinstance(name, str)]  # an object of styles, by name
    return found


def _style_name(item: Any) -> str | None:
    values = (item.get(name) for name in _STYLE_NAMES) if isinstance(item, dict) else ()
    return next((value for value in values if isinstance(value, str) and value), None)


def _balance(value: Any, depth: int = 0) -> Decimal | None:
    if isinstance(value, dict) and depth < NESTING_MAX:
        amounts = (_balance(value.get(name), depth + 1) for name in _BALANCES)
        return next((amount for amount in amounts if amount is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) <= CREDITS_MAX else None


def _moment(value: Any) -> datetime | None:
    """Read ISO 8601, UTC where no offset is given."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
