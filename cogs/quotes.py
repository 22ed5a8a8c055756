"""Confirm and Cancel of a quote."""

import logging
from collections.abc import Mapping
from typing import Any

import discord

from bot.discord.client import BotClient
from bot.discord.custom_ids import Action, custom_id
from bot.discord.render_quote import PRIVATE
from bot.domain.errors import Refused
from cogs._inputs import check_place, requester
from cogs._jobs_shown import asked_by, show_accepted
from cogs._replies import Interaction, defer, defer_update, words_of
from cogs.panels import register_action
from cogs.services import Services

log = logging.getLogger(__name__)

#: Refusals after which a quote asks for nothing any more.
OVER = {"quote_lapsed", "quote_taken"}


class QuoteButtons:
    """Answers presses under quotes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Answer both buttons."""
        register_action(client, Action.CONFIRM, confirm)
        register_action(client, Action.DECLINE, decline)


async def confirm(interaction: Interaction, services: Services, job_id: str) -> None:
    """Take the hold at the quoted price. A private job's quote becomes its card, a public job's card is a new message.

    Which of the two it is must be known before anything is read: the button's id tells.
    """
    requester(interaction, services, message_id=None)  # outside a server: refused before anything else
    is_private = custom_id_of(interaction) == custom_id(Action.CONFIRM, job_id, PRIVATE)
    if is_private:
        await defer_update(interaction)
        message_id = None if interaction.message is None else interaction.message.id
    else:
        check_place(interaction, words_of(interaction, services.catalogue))
        message_id = await defer(interaction, private=False)
    who = requester(interaction, services, message_id=message_id)
    try:
        job = await services.quotes.confirm(who, job_id)
    except Refused as refusal:
        if refusal.code in OVER and not is_private:
            await _remove_quote(interaction, job_id)
        raise
    if not is_private:
        await _remove_quote(interaction, job_id)
    await show_accepted(interaction, services, job)


def custom_id_of(interaction: Interaction) -> str:
    """Return the pressed button's id."""
    data: Mapping[str, Any] = interaction.data or {}
    return str(data.get("custom_id", ""))


async def decline(interaction: Interaction, services: Services, job_id: str) -> None:
    """Drop the quote; its message says so."""
    await defer_update(interaction)
    words = words_of(interaction, services.catalogue)
    try:
        await services.quotes.decline(job_id, user_id=interaction.user.id, guild_id=interaction.guild_id)
    except Refused as refusal:
        if refusal.code != "quote_lapsed":
            raise
    await interaction.edit_original_response(content=words("quote.declined"), embeds=[], view=None)


async def _remove_quote(interaction: Interaction, job_id: str) -> None:
    """Take the answered quote away, by the interaction that showed it: whether the press's own token may, Discord does
    not say. Where that fails it stays, and another press says that it was confirmed."""
    if interaction.message is None:
        return
    try:
        await (asked_by(interaction, job_id) or interaction.followup).delete_message(interaction.message.id)
    except discord.HTTPException as error:
        log.info("quote.not_removed", extra={"status": error.status, "code": error.code})
