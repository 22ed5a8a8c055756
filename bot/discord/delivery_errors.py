"""Discord's errors in our words. Codes: topics/opcodes-and-status-codes, JSON Error Codes."""

import aiohttp
import discord

from bot.domain.errors import DeliveryAmbiguous, DeliveryError, DeliveryForbidden, DeliveryRetry, DeliveryTooLarge

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
UNKNOWN_INTERACTION = 10062
UNAUTHORIZED = 40001
TOO_LARGE = 40005
MISSING_ACCESS = 50001
CANNOT_MESSAGE_USER = 50007
MISSING_PERMISSIONS = 50013
INVALID_WEBHOOK_TOKEN = 50027
NO_MUTUAL_GUILDS = 50278
BLOCKED_BY_AUTOMOD = 200000
BLOCKED_BY_AUTOMOD_TITLE = 200001
CHANNEL_WRITE_RATE = 20028
OLD_EDITS_RATE = 30046
MAX_FOLLOW_UPS = 40094
THREAD_ARCHIVED = 50083

#: What each code means for whoever wanted to show something. A code that is not here goes by its HTTP status.
BY_CODE: dict[int, type[DeliveryError]] = {
    UNKNOWN_CHANNEL: DeliveryForbidden,
    UNKNOWN_MESSAGE: DeliveryForbidden,
    UNKNOWN_WEBHOOK: DeliveryForbidden,
    UNKNOWN_INTERACTION: DeliveryForbidden,
    UNAUTHORIZED: DeliveryForbidden,
    MISSING_ACCESS: DeliveryForbidden,
    CANNOT_MESSAGE_USER: DeliveryForbidden,
    MISSING_PERMISSIONS: DeliveryForbidden,
    INVALID_WEBHOOK_TOKEN: DeliveryForbidden,
    NO_MUTUAL_GUILDS: DeliveryForbidden,
    BLOCKED_BY_AUTOMOD: DeliveryForbidden,
    BLOCKED_BY_AUTOMOD_TITLE: DeliveryForbidden,
    MAX_FOLLOW_UPS: DeliveryForbidden,
    THREAD_ARCHIVED: DeliveryForbidden,
    TOO_LARGE: DeliveryTooLarge,
    CHANNEL_WRITE_RATE: DeliveryRetry,
    OLD_EDITS_RATE: DeliveryRetry,
}

#: A dead interaction token: the same may still be done by bot token. Tokens also die early (discord-api-docs#6851).
DEAD_TOKEN = frozenset({UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_WEBHOOK_TOKEN})


def translate(error: Exception, *, is_repeatable: bool) -> DeliveryError:
    """Return the `DeliveryError` for what discord.py or aiohttp raised.

    `is_repeatable`: doing it again does no harm (edits, reads, deletions), so a lost answer is no doubt.
    """
    if isinstance(error, discord.HTTPException):
        return _of_answer(error, is_repeatable=is_repeatable)
    if isinstance(error, discord.RateLimited):
        return DeliveryRetry(status=429, retry_after_s=error.retry_after)
    never_sent = isinstance(error, aiohttp.ClientConnectorError)
    return DeliveryRetry() if is_repeatable or never_sent else DeliveryAmbiguous()


def is_dead_token(error: discord.HTTPException) -> bool:
    """Tell whether an interaction's token is what failed, by its code or by a bare 401 or 404."""
    return error.code in DEAD_TOKEN or (error.status in {401, 404} and error.code == 0)


def _of_answer(error: discord.HTTPException, *, is_repeatable: bool) -> DeliveryError:
    return _class_of(error, is_repeatable=is_repeatable)(
        error.code, status=error.status, retry_after_s=_retry_after_s(error)
    )


def _class_of(error: discord.HTTPException, *, is_repeatable: bool) -> type[DeliveryError]:
    if error.status == 429:
        return DeliveryRetry
    if error.status >= 500:
        return DeliveryRetry if is_repeatable else DeliveryAmbiguous
    if (found := BY_CODE.get(error.code)) is not None:
        return found
    return DeliveryTooLarge if error.status == 413 else DeliveryForbidden


def _retry_after_s(error: discord.HTTPException) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None
