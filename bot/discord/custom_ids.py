"""Custom ids of buttons that work after a restart and after months: everything they need is in the id.

The ids of a clip's buttons carry the job and the number of its delivery: they are the message mark. A delivery of many
pictures takes several messages; behind the first one, the number of the message follows the delivery's, after a dot.
"""

import re
from enum import StrEnum

from bot.domain.jobs import CROCKFORD, JOB_ID_LENGTH

PATTERN = (
    rf"sb1:(?P<action>[a-z]+):(?P<job>[{CROCKFORD}]{{{JOB_ID_LENGTH}}})"
    r"(?::(?P<number>[0-9]{1,9})(?:\.(?P<part>[0-9]{1,3}))?)?"
)
_ID = re.compile(PATTERN)


class Action(StrEnum):
    """What a button does."""

    CANCEL = "cancel"
    DELETE = "delete"
    AGAIN = "again"
    RETRY = "retry"
    EDIT = "edit"
    EXTEND = "extend"
    ANIMATE = "animate"
    SHARE = "share"
    CONFIRM = "confirm"
    DECLINE = "decline"
    APPROVE = "approve"
    DENY = "deny"


def custom_id(action: Action, job_id: str, delivery_number: int | None = None, part: int = 0) -> str:
    """Return a button's id; with a delivery number it is part of a message mark, `part` counts its messages from 0."""
    behind = f".{part}" if part else ""
    return f"sb1:{action}:{job_id}" + ("" if delivery_number is None else f":{delivery_number}{behind}")


def is_mark(text: str, job_id: str, delivery_number: int, part: int = 0) -> bool:
    """Tell whether a custom id marks that message of that delivery of that job."""
    found = _ID.fullmatch(text)
    if found is None or found["job"] != job_id:
        return False
    return found["number"] == str(delivery_number) and int(found["part"] or 0) == part


def marked_job(text: str) -> str | None:
    """Return the job whose clip a custom id marks, None where it marks none."""
    found = _ID.fullmatch(text)
    return found["job"] if found is not None and found["number"] is not None else None
