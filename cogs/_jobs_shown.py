"""Showing a job that was just accepted: its card, or a private quote."""

from datetime import timedelta

from bot.discord.render_quote import quote_embed, quote_view
from bot.domain.jobs import Job, JobState
from cogs._replies import Interaction, mark_filled, tell, words_of
from cogs.services import Services


async def show_accepted(interaction: Interaction, services: Services, job: Job) -> None:
    """Let the card take the placeholder's place; a quote is shown privately, a public placeholder removed first."""
    if job.state is JobState.QUOTED:
        words = words_of(interaction, services.catalogue)
        lapses_at = job.updated_at + timedelta(seconds=services.quote_ttl_s)
        await tell(interaction, embed=quote_embed(job, words, lapses_at=lapses_at), view=quote_view(job, words))
        return
    mark_filled(interaction)
    await services.cards.refresh(job.id)
