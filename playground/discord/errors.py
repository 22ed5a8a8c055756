"""Errors that the simulated Discord answers with, in Discord's own codes and shapes.

Source of the codes: Discord's documentation, topics/opcodes-and-status-codes.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that Discord refuses; `code` is Discord's own, `errors` its tree of form errors."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body

    def headers(self) -> dict[str, str]:
        """Headers of the answer, besides those of every answer."""
        return {}


class GlobalLimit(ApiError):
    """More requests with the bot's token than Discord takes in a second; its shape is that of topics/rate-limits."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(429, 0, "You are being rate limited.")
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """Without a code, with what discord.py waits by."""
        return {"message": self.message, "retry_after": round(self.retry_after_s, 3), "global": True}

    def headers(self) -> dict[str, str]:
        """They name the whole bot as what is limited."""
        after = f"{self.retry_after_s:.3f}"
        return {"Retry-After": after, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}


class ClientRefusal(ValueError):
    """What Discord's own app would not let the person send, e.g. an option over its maximum."""


def form_error(path: str, code: str, message: str) -> ApiError:
    """400 / 50035 with one error at `path` (dots between the levels; empty means the whole body)."""
    tree: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for part in reversed([part for part in path.split(".") if part]):
        tree = {part: tree}
    return ApiError(400, 50035, "Invalid Form Body", tree)


def too_long(path: str, limit: int) -> ApiError:
    """50035 for a string or list beyond `limit`."""
    return form_error(path, "BASE_TYPE_BAD_LENGTH", f"Must be {limit} or fewer in length.")


def required(path: str) -> ApiError:
    """50035 for a field that must be there."""
    return form_error(path, "BASE_TYPE_REQUIRED", "This field is required")


KNOWN: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10066: (404, "Unknown application command permissions"),
    20028: (429, "The write action you are performing on the channel has hit the write rate limit."),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50033: (400, "Invalid Recipient(s)"),
    50083: (403, "Thread is archived"),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    130000: (503, "API resource is currently overloaded. Try again a little later"),
    160002: (403, "Cannot reply without permission to read message history"),
    200000: (400, "Message was blocked by automatic moderation"),
}
"""Status and text of Discord's codes. 50083 is a 403 for a locked thread (discord-api-docs, issue 7707); 20028 and
30046 are rate limits with a `retry_after`."""


def known(code: int) -> ApiError:
    """The refusal that has this code. Raises: KeyError for a code that is not in the table."""
    status, message = KNOWN[code]
    return ApiError(status, code, message)


def not_found() -> ApiError:
    """An address that Discord does not have."""
    return ApiError(404, 0, "404: Not Found")


def unauthorized() -> ApiError:
    """A missing or wrong bot token."""
    return ApiError(401, 0, "401: Unauthorized")


def unknown_message() -> ApiError:
    """The message is gone, ephemeral, or never was."""
    return known(10008)


def missing_access() -> ApiError:
    """The bot cannot see the channel, or is not in the guild."""
    return known(50001)
