"""The one place that turns errors of commands and buttons into sentences."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import discord
from discord import app_commands

from bot.discord.sentences import refusal
from bot.discord.words import Words
from bot.domain.errors import DeliveryError, MediaRejected, Refused
from bot.i18n import Catalogue
from cogs._replies import Interaction, tell, words_of

log = logging.getLogger(__name__)

#: The interaction was acknowledged too late, or by an earlier try (topics/opcodes-and-status-codes).
TOO_LATE = frozenset({10062, 40060, 50027, 10015})
#: What Discord sent is not what the bot registered: somebody's app still shows the commands of an earlier version.
OUTDATED = (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)
ABOUT_DISCORD = (discord.HTTPException, DeliveryError, aiohttp.ClientError, TimeoutError, ConnectionError)


async def answer_error(interaction: Interaction, error: BaseException, catalogue: Catalogue) -> None:
    """Tell the user privately what went wrong and what to do; log what a person should look at.

    It never raises: an interaction that can no longer be answered is only logged. What was done stays done.
    """
    cause = _unwrap(error)
    reference = secrets.token_hex(4)
    if isinstance(cause, discord.HTTPException) and cause.code in TOO_LATE:
        log.warning("interaction.too_late", extra={"code": cause.code, "interaction_id": interaction.id})
        return
    sentence = _sentence(cause, words_of(interaction, catalogue), reference)
    if not _is_expected(cause):
        log.error("interaction.failed", extra={"reference": reference}, exc_info=cause)
    try:
        if interaction.type is discord.InteractionType.autocomplete:
            await interaction.response.autocomplete([])  # it takes no sentence
            return
        await tell(interaction, sentence)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as late:
        log.warning("interaction.not_answered", extra={"reference": reference, "error": type(late).__name__})


@asynccontextmanager
async def answer_errors(interaction: Interaction, catalogue: Catalogue) -> AsyncIterator[None]:
    """Answer whatever the block raises, as the handler of commands does."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the one place where errors of buttons end
        await answer_error(interaction, error, catalogue)


def _sentence(cause: BaseException, words: Words, reference: str) -> str:
    if isinstance(cause, Refused | MediaRejected):
        return refusal(cause, words, reference=reference)
    if isinstance(cause, app_commands.CheckFailure):
        return words("error.not_allowed")
    if isinstance(cause, OUTDATED):
        return words("error.command_outdated")
    if isinstance(cause, ABOUT_DISCORD):
        return words("error.discord", reference=reference)
    return words("error.unexpected", reference=reference)


def _is_expected(cause: BaseException) -> bool:
    return isinstance(cause, (Refused, MediaRejected, app_commands.CheckFailure, *OUTDATED))


def _unwrap(error: BaseException) -> BaseException:
    """Return what a command raised, without discord.py's wrapping."""
    while isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    return error
