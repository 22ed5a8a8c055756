"""Answering an interaction: acknowledged first, private where it must be, and never with a ping."""

from typing import Any

import discord

from bot.discord.words import Words
from bot.i18n import Catalogue

Interaction = discord.Interaction[Any]

MESSAGE_CHARS = 2000
#: In an interaction's extras: whether the placeholder that still waits for its content is private.
_PLACEHOLDER = "placeholder_is_private"


def words_of(interaction: Interaction, catalogue: Catalogue) -> Words:
    """Return the words for a private reply: the user's own language."""
    return Words(catalogue, str(interaction.locale))


async def defer(interaction: Interaction, *, private: bool) -> int | None:
    """Acknowledge with a placeholder that a later reply replaces. Returns its message id where Discord tells it."""
    answer = await interaction.response.defer(ephemeral=private, thinking=True)
    interaction.extras[_PLACEHOLDER] = private
    return None if answer is None else answer.message_id


async def defer_update(interaction: Interaction) -> None:
    """Acknowledge a press without a new message; the message with the button is what a reply edits."""
    await interaction.response.defer()


def mark_filled(interaction: Interaction) -> None:
    """Note that something else (a card) has taken the placeholder's place."""
    interaction.extras.pop(_PLACEHOLDER, None)


async def tell(
    interaction: Interaction,
    text: str = "",
    *,
    embed: discord.Embed | None = None,
    view: discord.ui.View | None = None,
) -> None:
    """Answer privately: at once, in the private placeholder, or beside a public one, which is removed first.

    Removing it matters: the first follow-up after a defer fills the deferred reply and is as public as that is.
    """
    content = text[:MESSAGE_CHARS]
    embeds = [] if embed is None else [embed]
    shown: Any = discord.utils.MISSING if view is None else view
    mentions = discord.AllowedMentions.none()
    placeholder = interaction.extras.pop(_PLACEHOLDER, None)
    if not interaction.response.is_done():
        await interaction.response.send_message(
            content, embeds=embeds, view=shown, ephemeral=True, allowed_mentions=mentions
        )
    elif placeholder is True:
        await interaction.edit_original_response(content=content, embeds=embeds, view=shown, allowed_mentions=mentions)
    else:
        if placeholder is False:
            await _remove_placeholder(interaction)
        await interaction.followup.send(content, embeds=embeds, view=shown, ephemeral=True, allowed_mentions=mentions)


async def _remove_placeholder(interaction: Interaction) -> None:
    try:
        await interaction.delete_original_response()
    except discord.NotFound:
        return  # somebody else removed it
