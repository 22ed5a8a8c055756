"""Reading seedance2ai's answers: new fields are ignored, odd values become None, nothing here raises.

The documents show a clip's answer only, so that pictures are looked for in every plausible place; the older page shows
five fields, so that every other one may be missing.
"""

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
RESULTS_MAX = 16  # a task makes four pictures at most
NESTING_MAX = 4

#: Statuses that end a task. `processing` and words that we do not know mean running.
_ENDS = {"completed": TaskState.SUCCEEDED, "failed": TaskState.FAILED}
#: Where a result's address may be; the first that holds any is taken, so that no picture is read twice.
_RESULTS = (
    *("video_url", "video_urls", "videos", "video"),
    *("image_urls", "imageUrls", "images", "image_url", "imageUrl", "image"),
    *("urls", "url"),
)
_CODE = re.compile(r"[a-z][a-z0-9_]{1,79}")


def read_fields(body: bytes) -> Mapping[str, Any] | None:
    """Decode an answer, fractions as Decimal. None where it is no JSON object."""
    answer = decode_json(body)
    return answer if isinstance(answer, dict) else None


def read_identifier(value: Any) -> str | None:
    """Read an id of 1 to 200 characters, also where it is a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= IDENTIFIER_MAX_CHARS else None


def read_error_code(fields: Mapping[str, Any]) -> str | None:
    """Read the code of `error`, which is an object or a text. None without one, also where the text is a sentence."""
    error = fields.get("error")
    raw = error.get("code") if isinstance(error, dict) else error
    word = raw.strip().lower() if isinstance(raw, str) else ""
    return word if _CODE.fullmatch(word) else None


def read_cost(fields: Mapping[str, Any]) -> Decimal | None:
    """Read what a task costs after what was given back, in the provider's credits. None where it does not say."""
    used, refunded = _amount(fields.get("credits_used")), _amount(fields.get("credits_refunded"))
    return None if used is None else max(used - (refunded or 0), Decimal(0))


def read_task(fields: Mapping[str, Any], task_id: str) -> TaskStatus | None:
    """Read the answer about one task. None where it has no status, or names another task."""
    status, told_id = fields.get("status"), fields.get("id")
    if not isinstance(status, str) or (told_id is not None and read_identifier(told_id) != task_id):
        return None
    output = fields.get("output")
    results = tuple(dict.fromkeys(_addresses(output))) or tuple(dict.fromkeys(_addresses(fields)))
    details = output if isinstance(output, dict) else {}
    return TaskStatus(
        task_id=task_id,
        state=_ENDS.get(status.strip().lower(), TaskState.RUNNING),
        cost=read_cost(fields),
        result_url=results[0] if results else None,
        result_urls=results[:RESULTS_MAX],
        last_frame_url=next(_addresses(details.get("last_frame_url")), None),
        error_code=read_error_code(fields),
        seed=_integer(details.get("seed")),
        model_name=_model_name(fields),
        created_at=_moment(fields.get("created_at")),
    )


def _addresses(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the web addresses in a text, a list or an object."""
    if isinstance(value, str) and value.startswith("http") and len(value) <= URL_MAX_CHARS:
        yield value
    elif isinstance(value, list) and depth < NESTING_MAX:
        for item in value:
            yield from _addresses(item, depth + 1)
    elif isinstance(value, dict) and depth < NESTING_MAX:
        for name in _RESULTS:
            found = list(_addresses(value.get(name), depth + 1))
            if found:
                yield from found
                return


def _model_name(fields: Mapping[str, Any]) -> str | None:
    """Name the model as we do: video models have their tier in the name. None where either is missing."""
    model, tier = fields.get("model"), fields.get("quality_tier")
    if not isinstance(model, str) or not model:
        return None
    if not model.startswith("seedance"):
        return model
    return f"{model}-{tier}" if isinstance(tier, str) and tier else None


def _amount(value: Any) -> Decimal | None:
    """Read an amount of credits, a number or a number as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= CREDITS_MAX else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(value: Any) -> datetime | None:
    """Read ISO 8601, UTC where no offset is given."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
