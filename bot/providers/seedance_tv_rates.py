"""How long seedance-tv wants to be left alone ("Staying Within the Limits").

"Every single API response includes headers": X-RateLimit-Limit, -Remaining, and -Reset, "a UNIX timestamp showing when
your quota resets". A header that is missing or makes no sense tells nothing; it is not a zero.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

#: The window of every limit that an operator can set, in seconds. The document numbers none.
WINDOW_S = 60.0
#: The farthest reset that is taken at its word, in seconds, where the answer's own `Date` tells how far away it is.
#: Farther ones are taken for a clock that is wrong; the 429 that may follow a window later says so itself.
REST_MAX_S = 3600.0
#: The rest after a zero without a readable reset, in seconds.
UNTOLD_REST_S = 10.0
REST_MIN_S = 1.0  # the reset and `Date` are whole seconds

_COUNT = re.compile(r"-?\d{1,9}")
_MOMENT = re.compile(r"\d{1,13}(\.\d{1,6})?")
_MILLISECONDS_FROM = 10**11  # an epoch number of this size or more counts milliseconds
_DAY_S = 86_400  # a smaller number is no moment of this century, but seconds from now


def quota_rest_s(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return the seconds until the quota is full again, None unless the answer says that nothing remains of it.

    The reset is set against the answer's own `Date`, so that a wrong clock of ours does not matter; `now` (UNIX
    seconds) stands in where there is none, for a window at most.
    """
    left = _remaining(headers)
    if left is None or left > 0:
        return None
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if not _MOMENT.fullmatch(reset):
        return UNTOLD_REST_S
    moment = float(reset)
    if moment <= _DAY_S:
        return _bounded(moment, REST_MAX_S)
    told_at = _told_now(headers)
    rest_s = (moment / 1000 if moment >= _MILLISECONDS_FROM else moment) - (now if told_at is None else told_at)
    if rest_s < -WINDOW_S:
        return UNTOLD_REST_S
    return _bounded(rest_s, WINDOW_S if told_at is None else REST_MAX_S)


def is_within_quota(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that requests are left: a 429 with this is about something else than their rate."""
    return (_remaining(headers) or 0) > 0


def backoff_s(refusals: int) -> float:
    """Return the rest after so many 429s in a row that name no time: "1 second, 2, then 4", up to a window."""
    return min(2.0 ** min(refusals - 1, 10), WINDOW_S)


def _remaining(headers: Mapping[str, str]) -> int | None:
    text = headers.get("X-RateLimit-Remaining", "").strip()
    return int(text) if _COUNT.fullmatch(text) else None


def _bounded(rest_s: float, most_s: float) -> float:
    return max(rest_s, REST_MIN_S) if rest_s <= most_s else WINDOW_S


def _told_now(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, TypeError):
        return None
