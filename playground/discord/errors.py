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


def not_found() -> ApiError:
    """An address that Discord does not have."""
    return ApiError(404, 0, "404: Not Found")


def unauthorized() -> ApiError:
    """A missing or wrong bot token."""
    return ApiError(401, 0, "401: Unauthorized")


def unknown_channel() -> ApiError:
    """The channel is gone, or never was."""
    return ApiError(404, 10003, "Unknown Channel")


def unknown_message() -> ApiError:
    """The message is gone, ephemeral, or never was."""
    return ApiError(404, 10008, "Unknown Message")


def unknown_webhook() -> ApiError:
    """A webhook token that was never valid, or whose interaction was not answered in time."""
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    """The first answer came after 3 seconds, or the interaction never was."""
    return ApiError(404, 10062, "Unknown interaction")


def already_acknowledged() -> ApiError:
    """A second first answer."""
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def invalid_webhook_token() -> ApiError:
    """The interaction token is older than its lifetime (15 minutes on Discord)."""
    return ApiError(401, 50027, "Invalid Webhook Token")


def too_large() -> ApiError:
    """A file or a request beyond the upload limit."""
    return ApiError(413, 40005, "Request entity too large")


def missing_access() -> ApiError:
    """The bot cannot see the channel."""
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    """The bot sees the channel but may not do this there."""
    return ApiError(403, 50013, "Missing Permissions")


def cannot_message_user() -> ApiError:
    """The person's direct messages are closed."""
    return ApiError(403, 50007, "Cannot send messages to this user")


def empty_message() -> ApiError:
    """Nothing to show: no content, embed, component or file."""
    return ApiError(400, 50006, "Cannot send an empty message")


def not_the_author() -> ApiError:
    """Only the author edits a message."""
    return ApiError(403, 50005, "Cannot edit a message authored by another user")
