"""Reading a seedance2ai body field by field; whatever is not as documented is refused."""

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

ADDRESS_CHARACTERS = 2048


class Refused(Exception):
    """A request, or a task, that the provider turns down with one of its eight codes."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def invalid(what: str) -> Refused:
    """invalid_request, worded like the documents' example."""
    return Refused("invalid_request", f"Invalid request body: {what}")


def parse(content_type: str, body: bytes) -> Any:
    """Decode JSON in UTF-8 without NaN and without a name given twice. Raises Refused."""
    if content_type != "application/json":
        raise invalid("Content-Type must be application/json")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except ValueError as error:
        raise invalid("not JSON in UTF-8") from error


class Fields:
    """Takes the fields of one body; `end` refuses those that nobody took."""

    def __init__(self, body: Any, *, allows_loopback: bool) -> None:
        """Raises Refused when the body is no JSON object."""
        if not isinstance(body, dict):
            raise invalid("must be a JSON object")
        self._left: dict[str, Any] = dict(body)
        self._allows_loopback = allows_loopback

    def text(self, name: str, least: int, most: int) -> str:
        """A required string of `least` (blanks around it left out) to `most` characters."""
        value = self._take(name)
        if not isinstance(value, str) or len(value.strip()) < least or len(value) > most:
            raise invalid(f"{name} must be a string of {least}-{most} chars")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """A string of an enumeration; required without a default."""
        if default is not None and name not in self._left:
            return default
        value = self._take(name)
        if not isinstance(value, str) or value not in allowed:
            raise invalid(f"{name} must be one of {', '.join(allowed)}, as a string")
        return value

    def boolean(self, name: str, default: bool) -> bool:
        """An optional boolean."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            raise invalid(f"{name} must be a boolean")
        return value

    def integer(self, name: str, least: int, most: int) -> int | None:
        """An optional integer; None when it is not there."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if type(value) is not int or not least <= value <= most:
            raise invalid(f"{name} must be an integer of {least} to {most}")
        return value

    def address(self, name: str, *, required: bool = True) -> str | None:
        """A public https address; None when it is not there and not required."""
        if not required and name not in self._left:
            return None
        return self._checked(name, self._take(name))

    def addresses(self, name: str, most: int) -> tuple[str, ...]:
        """A required array of 1 to `most` public https addresses."""
        value = self._take(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise invalid(f"{name} must be an array of 1-{most} public https URLs")
        return tuple(self._checked(f"{name}[{number}]", item) for number, item in enumerate(value))

    def end(self) -> None:
        """Refuse what is left over."""
        if self._left:
            raise invalid(f"unsupported field {min(self._left)}")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise invalid(f"{name} is required")
        return self._left.pop(name)

    def _checked(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or not _is_public(value, allows_loopback=self._allows_loopback):
            raise invalid(f"{name} must be a public https URL")
        return value


def _is_public(address: str, *, allows_loopback: bool) -> bool:
    """Whether the address may be one that anybody can fetch; names are not resolved."""
    if not address.isprintable() or " " in address or len(address) > ADDRESS_CHARACTERS:
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None:
        return False
    if allows_loopback and host in ("127.0.0.1", "localhost", "::1"):
        return parts.scheme in ("http", "https")
    return parts.scheme == "https" and _is_public_host(host)


def _is_public_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
