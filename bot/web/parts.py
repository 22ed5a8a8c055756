"""What part of a file a client asks for, and on what condition (RFC 9110, 13 and 14).

Range headers that are not one plain byte range are ignored, as the RFC allows: the whole file goes out then.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from os import stat_result

from aiohttp import hdrs, web
from multidict import CIMultiDict

_ONE_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)


class PartRefused(Exception):
    """No part of the file may be sent. `status` is 412 or 416; `size_bytes` goes with the latter."""

    def __init__(self, status: int, size_bytes: int) -> None:
        super().__init__(status)
        self.status = status
        self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True)
class _File:
    size_bytes: int
    tag: str
    changed_at: datetime

    @classmethod
    def of(cls, facts: stat_result) -> "_File":
        """Name a file as aiohttp's answer will: the tag of its time and size, the date rounded up to a second."""
        tag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}"
        return cls(facts.st_size, tag, datetime.fromtimestamp(ceil(facts.st_mtime), UTC))


def plain_request(request: web.Request, facts: stat_result) -> web.Request:
    """Return the request with at most one range, and that a satisfiable one; for the file that `facts` are of.

    Raises:
        PartRefused: a condition does not hold (412), or the range begins behind the file's end (416).
    """
    file = _File.of(facts)
    _check_conditions(request, file)
    part = _part(request, file)
    headers = CIMultiDict({name: value for name, value in request.headers.items() if _is_kept(name, value)})
    if part is not None:
        headers[hdrs.RANGE] = f"bytes={part[0]}-{part[1]}"
    return request.clone(headers=headers)


def _is_kept(name: str, value: str) -> bool:
    """Whether a header matters for what is sent; bytes that are no text cannot be copied, and match nothing anyway."""
    return name.title() in {hdrs.IF_NONE_MATCH, hdrs.IF_MODIFIED_SINCE} and value.isascii()


def _check_conditions(request: web.Request, file: _File) -> None:
    tags = request.if_match
    if tags is not None:
        if not any(one.value in {"*", file.tag} and not one.is_weak for one in tags):
            raise PartRefused(412, file.size_bytes)
    elif request.if_unmodified_since is not None and file.changed_at > request.if_unmodified_since:
        raise PartRefused(412, file.size_bytes)


def _part(request: web.Request, file: _File) -> tuple[int, int] | None:
    """Return the first and last byte that are wanted, None for the whole file."""
    found = _ONE_RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if found is None or not _is_still_the_same(request, file):
        return None
    last_byte = file.size_bytes - 1
    if found[3] is not None:
        first, last = max(0, file.size_bytes - int(found[3])), last_byte
    else:
        first, last = int(found[1]), min(int(found[2] or last_byte), last_byte)
        if found[2] and int(found[2]) < first:
            return None  # an invalid range, not one behind the end
    if first > last_byte:
        raise PartRefused(416, file.size_bytes)
    return first, last


def _is_still_the_same(request: web.Request, file: _File) -> bool:
    """Whether the file is the one that `If-Range` names, by its strong tag or its exact date."""
    wanted = request.headers.get(hdrs.IF_RANGE)
    return wanted is None or wanted.strip() == f'"{file.tag}"' or request.if_range == file.changed_at
