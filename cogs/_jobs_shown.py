"""Showing a job that was just accepted: its card, or a private quote."""

from collections import OrderedDict
from datetime import timedelta
from weakref import WeakKeyDictionary

import discord

from bot.discord.render_quote import quote_embed, quote_view
from bot.domain.jobs import Job, JobState
from cogs._replies import Interaction, mark_filled, tell, words_of
from cogs.services import Services

#: Quotes on show whose interaction this process remembers; the oldest are forgotten first.
MOST_QUOTES = 1000
_asked: WeakKeyDictionary[discord.Client, OrderedDict[str, discord.Webhook]] = WeakKeyDictionary()


async def show_accepted(interaction: Interaction, services: Services, job: Job) -> None:
    """Let the card take the placeholder's place; a quote is shown privately, a public placeholder removed first."""
    if job.state is JobState.QUOTED:
        words = words_of(interaction, services.catalogue)
        lapses_at = job.updated_at + timedelta(seconds=services.quote_ttl_s)
        await tell(interaction, embed=quote_embed(job, words, lapses_at=lapses_at), view=quote_view(job, words))
        _remember(interaction, job.id)
        return
    mark_filled(interaction)
    await services.cards.refresh(job.id)


def asked_by(interaction: Interaction, job_id: str) -> discord.Webhook | None:
    """Return what may delete a quote for sure: the token of the interaction that showed it. None after a restart."""
    return _asked.get(interaction.client, OrderedDict()).get(job_id)


def _remember(interaction: Interaction, job_id: str) -> None:
    asked = _asked.setdefault(interaction.client, OrderedDict())
    asked[job_id] = interaction.followup
    while len(asked) > MOST_QUOTES:
        asked.popitem(last=False)
