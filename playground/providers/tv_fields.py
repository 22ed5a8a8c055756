"""Reading a seedance-tv body field by field; everything that is wrong with it is collected."""

import json
from dataclasses import dataclass
from typing import Any

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a body. `where` is the way to it: names, and places in arrays from 0."""

    where: Where
    message: str

    @property
    def field(self) -> str:
        """The way in words, as `scenes[0].prompt`; `body` for the whole."""
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.where)
        return path.lstrip(".") or "body"


class Refused(Exception):
    """A request that the provider turns down with an HTTP status; `problems` are the details of a 422."""

    def __init__(
        self, status: int, message: str = "", *, problems: tuple[Problem, ...] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.problems = problems
        self.retry_after_s = retry_after_s


def parse(content_type: str, body: bytes) -> Any:
    """Decode JSON in UTF-8 without NaN and without a name given twice. Raises Refused."""
    if content_type != "application/json":
        raise Refused(422, problems=(Problem((), "Content-Type must be application/json"),))
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(422, problems=(Problem((), "must be JSON in UTF-8"),)) from error


class Fields:
    """Takes the fields of one object; what is wrong is added to `problems`, and a stand-in is returned."""

    def __init__(self, value: Any, problems: list[Problem], where: Where = ()) -> None:
        self._problems = problems
        self._where = where
        self._left: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
        self.is_object = isinstance(value, dict)
        if not self.is_object:
            self.wrong("", "must be an object")

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def wrong(self, name: str, message: str) -> None:
        """Note a problem with the field `name`; "" is the object itself."""
        self._problems.append(Problem((*self._where, name) if name else self._where, message))

    def text(self, name: str, most: int | None) -> str:
        """A required string that is not blank, of at most `most` characters (None: no limit)."""
        if name not in self._left:
            self.wrong(name, "is required")
            return ""
        value = self._left.pop(name)
        if not isinstance(value, str) or not value.strip():
            self.wrong(name, "must be a string that is not empty")
            return ""
        if most is not None and len(value) > most:
            self.wrong(name, f"must be at most {most} characters")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """An optional string of an enumeration; None when it is not there."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if not isinstance(value, str) or value not in allowed:
            self.wrong(name, f"must be one of {', '.join(allowed)}")
            return None
        return value

    def integer(self, name: str, least: int, most: int, *, required: bool = False) -> int | None:
        """An integer from `least` to `most`; None when it is not there."""
        if name not in self._left:
            if required:
                self.wrong(name, "is required")
            return None
        value = self._left.pop(name)
        if type(value) is not int or not least <= value <= most:
            self.wrong(name, f"must be an integer from {least} to {most}")
            return None
        return value

    def raw(self, name: str) -> Any:
        """The field as it is, None when it is not there."""
        return self._left.pop(name, None)

    def refuse(self, name: str, message: str) -> None:
        """Note that a field may not be there, if it is."""
        if name in self._left:
            del self._left[name]
            self.wrong(name, message)

    def end(self) -> None:
        """Note what is left over."""
        for name in self._left:
            self.wrong(name, "is not a known field")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
