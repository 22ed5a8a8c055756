"""Discord's errors, and what each one leads to: one table for the whole delivery ladder.

Codes: topics/opcodes-and-status-codes, JSON Error Codes; statuses: the same page, HTTP Response Codes.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import discord

from bot.domain.errors import DeliveryAmbiguous, DeliveryError, DeliveryForbidden, DeliveryRetry, DeliveryTooLarge

log = logging.getLogger(__name__)

UNKNOWN_CHANNEL = 10003
UNKNOWN_MEMBER = 10007
UNKNOWN_USER = 10013


class Act(StrEnum):
    """What was being done; the columns of the table."""

    POST = "post"  # a new message by bot token, with a nonce, in a channel or in direct messages
    DIRECT = "direct"  # opening a member's direct messages
    FOLLOW_UP = "follow_up"  # a new message through the interaction, without a nonce
    CARD = "card"  # an edit through the interaction
    EDIT = "edit"  # an edit, a read or a deletion by bot token


class Step(StrEnum):
    """What comes next."""

    NEXT_RUNG = "next_rung"  # the place is gone or closed
    LATER = "later"  # nothing was shown: the same again, after Retry-After where Discord names one
    LEARN = "learn"  # too large: remember a lower limit and fit the clip to it, else a link
    DOUBT = "doubt"  # it may be there: look for the message mark, then the same nonce again
    WITHOUT_REPLY = "without_reply"  # at once and once: the same message, which answers nothing
    WITHOUT_PROMPT = "without_prompt"  # at once and once: the same message without what the member wrote
    BY_BOT_TOKEN = "by_bot_token"  # noqa: S105 - at once: the same edit without the interaction
    GONE = "gone"  # what was to be changed is no longer there: nothing is left to do
    LEAVE = "leave"  # it stays as it is


#: The error that services are told of. Steps that are taken at once come to this when they do not help.
CLASSES: dict[Step, type[DeliveryError]] = {
    Step.NEXT_RUNG: DeliveryForbidden,
    Step.LATER: DeliveryRetry,
    Step.LEARN: DeliveryTooLarge,
    Step.DOUBT: DeliveryAmbiguous,
    Step.WITHOUT_REPLY: DeliveryForbidden,
    Step.WITHOUT_PROMPT: DeliveryForbidden,
    Step.BY_BOT_TOKEN: DeliveryForbidden,
    Step.GONE: DeliveryForbidden,
    Step.LEAVE: DeliveryForbidden,
}


class Cause(StrEnum):
    """Failures that have no code or status of their own."""

    OTHER_REFUSAL = "other 4xx"
    SERVER_ERROR = "5xx"
    LOST_ANSWER = "lost answer"
    NEVER_SENT = "never sent"


@dataclass(frozen=True, slots=True)
class Row:
    """One error: Discord's code, an HTTP status without a code of its own, or a `Cause`."""

    key: int | Cause
    meaning: str
    steps: dict[Act, Step]
    source: str


CODES = "topics/opcodes-and-status-codes"


def _row(
    key: int | Cause,
    meaning: str,
    post: Step,
    *,
    direct: Step | None = None,
    follow_up: Step | None = None,
    edit: Step = Step.LEAVE,
    card: Step | None = None,
    source: str = CODES,
) -> Row:
    """Opening direct messages and following up go as posting does, cards as edits, where nothing else is said."""
    steps = {
        Act.POST: post,
        Act.DIRECT: direct or post,
        Act.FOLLOW_UP: follow_up or post,
        Act.CARD: card or edit,
        Act.EDIT: edit,
    }
    return Row(key, meaning, steps, source)


S = Step
_MARK = f"{CODES}; resources/message, Create Message (nonce)"
_THREADS = f"{CODES}; topics/threads, Locked Threads, Active & Archived Threads"

TABLE: tuple[Row, ...] = (
    # The place is gone, or closed to the bot.
    _row(UNKNOWN_CHANNEL, "channel or thread deleted", S.NEXT_RUNG, edit=S.GONE),
    _row(10004, "the bot is no longer in the guild", S.NEXT_RUNG),
    _row(50001, "the bot may not see the channel", S.NEXT_RUNG),
    _row(50013, "the bot may not post or attach there", S.NEXT_RUNG),
    _row(50083, "archived thread", S.NEXT_RUNG, source=_THREADS),
    _row(160005, "locked thread", S.NEXT_RUNG, source=_THREADS),
    _row(20009, "explicit content is not let through to this reader", S.NEXT_RUNG),
    _row(400001, "file uploads are limited for this guild", S.NEXT_RUNG),
    # The member cannot be written to.
    _row(50007, "direct messages are closed", S.NEXT_RUNG),
    _row(50278, "no guild in common with the member", S.NEXT_RUNG),
    _row(UNKNOWN_USER, "the account is deleted", S.NEXT_RUNG),
    # The interaction's token is dead: by time, or earlier (discord-api-docs#6851).
    _row(10015, "interaction token unknown", S.NEXT_RUNG, card=S.BY_BOT_TOKEN),
    _row(10062, "interaction unknown", S.NEXT_RUNG, card=S.BY_BOT_TOKEN),
    _row(50027, "interaction token expired", S.NEXT_RUNG, card=S.BY_BOT_TOKEN),
    _row(404, "nothing there, without a code", S.NEXT_RUNG, card=S.BY_BOT_TOKEN, source="discord-api-docs#6851"),
    _row(40094, "no follow-up is left to this interaction", S.NEXT_RUNG),
    # The bot's own token is dead: nobody's place is closed by that. Through an interaction it is that one's token.
    _row(
        401,
        "unauthorised, any other code",
        S.LATER,
        follow_up=S.NEXT_RUNG,
        card=S.BY_BOT_TOKEN,
        edit=S.LATER,
    ),
    _row(40001, "unauthorised", S.LATER, follow_up=S.NEXT_RUNG, card=S.BY_BOT_TOKEN, edit=S.LATER),
    _row(50014, "invalid authentication token", S.LATER, follow_up=S.NEXT_RUNG, card=S.BY_BOT_TOKEN, edit=S.LATER),
    # The message as it is.
    _row(10008, "the message that was answered, or the card, is gone", S.WITHOUT_REPLY, edit=S.GONE),
    _row(50035, "invalid form: the answered message cannot be answered, or a defect of ours", S.WITHOUT_REPLY),
    _row(160002, "answering needs Read Message History", S.WITHOUT_REPLY),
    _row(200000, "blocked by the guild's AutoMod", S.WITHOUT_PROMPT, edit=S.WITHOUT_PROMPT),
    _row(200001, "a title blocked by the guild's AutoMod", S.WITHOUT_PROMPT, edit=S.WITHOUT_PROMPT),
    _row(240000, "blocked by the filter for harmful links", S.WITHOUT_PROMPT, edit=S.WITHOUT_PROMPT),
    # Size.
    _row(40005, "request too large", S.LEARN, source="discord-api-docs#8572"),
    _row(50045, "file too large", S.LEARN),
    _row(413, "request too large, any other code", S.LEARN, source="reference, Uploading Files"),
    # Rates and pauses.
    _row(429, "rate limited", S.LATER, edit=S.LATER, source="topics/rate-limits"),
    _row(20016, "slow mode", S.LATER, edit=S.LATER),
    _row(20028, "write rate of the channel", S.LATER, edit=S.LATER),
    _row(20029, "write rate of the guild", S.LATER, edit=S.LATER),
    _row(30046, "edits of messages older than an hour", S.LATER, edit=S.LATER, source="discord-api-docs#4413"),
    _row(40003, "direct messages opened too fast", S.LATER, edit=S.LATER),
    _row(40004, "sending is switched off for the moment", S.LATER, edit=S.LATER),
    _row(40006, "the feature is switched off for the moment", S.LATER, edit=S.LATER),
    _row(40062, "the resource is rate limited", S.LATER, edit=S.LATER),
    _row(130000, "overloaded", S.LATER, edit=S.LATER),
    # Everything else.
    _row(Cause.OTHER_REFUSAL, "any other refusal: the same would be refused again", S.NEXT_RUNG),
    _row(Cause.SERVER_ERROR, "it may have been done", S.DOUBT, direct=S.LATER, edit=S.LATER, source=_MARK),
    _row(Cause.LOST_ANSWER, "it may have been done", S.DOUBT, direct=S.LATER, edit=S.LATER, source=_MARK),
    _row(Cause.NEVER_SENT, "no connection was made", S.LATER, edit=S.LATER, source="aiohttp, ClientConnectorError"),
)

_BY_KEY = {row.key: row for row in TABLE}


def row_of(error: Exception) -> Row:
    """Return the table's row for what discord.py or aiohttp raised: by rate, by server error, by code, by status."""
    if isinstance(error, discord.HTTPException):
        return _BY_KEY[_key_of(error.status, error.code)]
    if isinstance(error, discord.RateLimited):
        return _BY_KEY[429]
    was_sent = not isinstance(error, aiohttp.ClientConnectorError)
    return _BY_KEY[Cause.LOST_ANSWER if was_sent else Cause.NEVER_SENT]


def _key_of(status: int, code: int) -> int | Cause:
    if status == 429:
        return 429
    if status >= 500:
        return Cause.SERVER_ERROR
    if code in _BY_KEY:
        return code
    if status in {401, 413} or (status == 404 and code == 0):
        return status
    return Cause.OTHER_REFUSAL


def step_of(error: Exception, act: Act) -> Step:
    """Return what comes next."""
    return row_of(error).steps[act]


def translate(error: Exception, act: Act) -> DeliveryError:
    """Return the `DeliveryError` for what discord.py or aiohttp raised. A dead bot token is for the operator to see."""
    step = step_of(error, act)
    kind = CLASSES[step]
    if isinstance(error, discord.HTTPException):
        if error.status == 401 and step is Step.LATER:
            log.error("discord.token_refused", extra={"act": act.value, "code": error.code})
        return kind(error.code, status=error.status, retry_after_s=_retry_after_s(error))
    if isinstance(error, discord.RateLimited):
        return kind(status=429, retry_after_s=error.retry_after)
    return kind()


def _retry_after_s(error: discord.HTTPException) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None
