"""A quote: what a job would cost, privately, with Confirm and Cancel."""

from datetime import datetime
from typing import Any

import discord

from bot.discord.custom_ids import Action, custom_id
from bot.discord.words import Words, relative
from bot.domain.jobs import Job

COLOUR = 0xB58900
#: What a button's id says of the job, so that a press can be acknowledged before anything is read.
PUBLIC, PRIVATE = 0, 1


def quote_embed(quoted: Job, words: Words, *, lapses_at: datetime) -> discord.Embed:
    """Show the request, its price and until when it stands."""
    lines = [words.prompt(quoted), "", words("quote.question", credits=quoted.quote, when=relative(lapses_at))]
    embed = discord.Embed(title=words("quote.title"), description="\n".join(lines), colour=COLOUR)
    embed.add_field(name=words("card.field.options"), value=words.options(quoted.spec), inline=False)
    embed.add_field(name=words("card.field.cost"), value=words("quote.cost", credits=quoted.quote))
    return embed.set_footer(text=words("card.footer", job=quoted.id))


def quote_view(quoted: Job, words: Words) -> discord.ui.View:
    """Return the two buttons. They are answered by their custom ids, not by this object."""
    view = discord.ui.View(timeout=None)
    buttons: tuple[tuple[Action, discord.ButtonStyle], ...] = (
        (Action.CONFIRM, discord.ButtonStyle.success),
        (Action.DECLINE, discord.ButtonStyle.secondary),
    )
    for action, style in buttons:
        number = PRIVATE if quoted.is_private else PUBLIC
        button = discord.ui.Button[Any](
            label=words(f"button.{action}"), style=style, custom_id=custom_id(action, quoted.id, number)
        )
        view.add_item(button)
    view.stop()  # nothing of it is kept in memory
    return view
