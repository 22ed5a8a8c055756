"""`/jobs`: one's own jobs."""

import asyncio

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.words import Words
from bot.domain.jobs import HOLDING, Job, JobState
from bot.services.cancellation import CancelOutcome
from cogs._commands import IN_GUILDS_AND_DIRECT, Labels
from cogs._lists import DESCRIPTION_CHARS, job_choice, job_embed, job_line
from cogs._replies import Interaction, defer, tell, words_of
from cogs.services import Services

#: Autocomplete cannot be deferred: one read of at most this long, else no suggestions.
SUGGEST_TIMEOUT_S = 0.3
STATUSES = ("open", "delivered", "undelivered", "failed", "cancelled")

JobOption = app_commands.Range[str, 1, 100]
Choices = list[app_commands.Choice[str]]


class Jobs:
    """Lists, shows, cancels and redelivers a member's own jobs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the commands."""
        labels = Labels(self._services.catalogue)
        group = labels.group("jobs", contexts=IN_GUILDS_AND_DIRECT)
        listing = labels.command("jobs.list", self.list)
        choices = [app_commands.Choice(name=labels(f"choice.{status}"), value=status) for status in STATUSES]
        app_commands.choices(status=choices)(listing)
        showing = labels.command("jobs.show", self.show)
        showing.autocomplete("job")(self.suggest_any)
        cancelling = labels.command("jobs.cancel", self.cancel)
        cancelling.autocomplete("job")(self.suggest_cancellable)
        redelivering = labels.command("jobs.redeliver", self.redeliver)
        redelivering.autocomplete("job")(self.suggest_undelivered)
        for command in (listing, showing, cancelling, redelivering):
            group.add_command(command)
        client.tree.add_command(group)

    async def list(self, interaction: Interaction, status: str | None = None) -> None:
        """Show the latest jobs: this server's, or in direct messages those of all servers."""
        await defer(interaction, private=True)
        words = self._words(interaction)
        state = status if status in {value.value for value in JobState} else None
        found = await self._services.queries.jobs(
            user_id=interaction.user.id, guild_id=interaction.guild_id, state=state, only_open=status == "open"
        )
        if not found:
            await tell(interaction, words("jobs.none"))
            return
        is_direct = interaction.guild_id is None
        lines = [
            job_line(job, words, guild=guild_name(interaction, job.guild_id) if is_direct else None) for job in found
        ]
        while len("\n".join(lines)) > DESCRIPTION_CHARS:
            lines.pop()
        await tell(interaction, embed=discord.Embed(title=words("jobs.title"), description="\n".join(lines)))

    async def show(self, interaction: Interaction, job: JobOption) -> None:
        """Show one job with its history."""
        await defer(interaction, private=True)
        found = await self._services.queries.job(_id(job), viewer_id=interaction.user.id, guild_id=interaction.guild_id)
        history = await self._services.queries.history(found.id)
        await tell(interaction, embed=job_embed(found, history, self._words(interaction)))

    async def cancel(self, interaction: Interaction, job: JobOption) -> None:
        """Cancel one job."""
        await defer(interaction, private=True)
        await tell(interaction, await cancel_job(interaction, self._services, _id(job), is_moderator=False))

    async def redeliver(self, interaction: Interaction, job: JobOption) -> None:
        """Deliver a clip anew that could not be delivered."""
        await defer(interaction, private=True)
        moved = await self._services.delivery.redeliver(
            _id(job),
            user_id=interaction.user.id,
            guild_id=interaction.guild_id,
            prefer_direct=interaction.guild_id is None,
        )
        await tell(interaction, self._words(interaction)("answer.redelivering", job=moved.id))

    async def suggest_any(self, interaction: Interaction, current: str) -> Choices:
        """Suggest one's own jobs."""
        return await self._suggest(interaction, current, None)

    async def suggest_cancellable(self, interaction: Interaction, current: str) -> Choices:
        """Suggest one's own jobs that can still be cancelled."""
        return await self._suggest(interaction, current, HOLDING)

    async def suggest_undelivered(self, interaction: Interaction, current: str) -> Choices:
        """Suggest one's own undelivered jobs."""
        return await self._suggest(interaction, current, frozenset({JobState.UNDELIVERED}))

    async def _suggest(self, interaction: Interaction, current: str, states: frozenset[JobState] | None) -> Choices:
        words = self._words(interaction)
        try:
            async with asyncio.timeout(SUGGEST_TIMEOUT_S):
                found = await self._services.queries.suggest_jobs(
                    user_id=interaction.user.id, guild_id=interaction.guild_id, prefix=current, states=states
                )
        except TimeoutError:
            return []
        return [app_commands.Choice(name=job_choice(job, words), value=job.id) for job in found]

    def _words(self, interaction: Interaction) -> Words:
        return words_of(interaction, self._services.catalogue)


async def cancel_job(interaction: Interaction, services: Services, job_id: str, *, is_moderator: bool) -> str:
    """Cancel a job, show it on its card, and return the sentence that says what came of it.

    Raises:
        NotFound: no such job for this person.
    """
    outcome = await services.cancellation.request(
        job_id, actor_id=interaction.user.id, guild_id=interaction.guild_id, is_moderator=is_moderator
    )
    services.cards.touch(job_id)
    words = words_of(interaction, services.catalogue)
    found = await services.queries.job(
        job_id, viewer_id=interaction.user.id, guild_id=interaction.guild_id, is_moderator=is_moderator
    )
    if outcome is CancelOutcome.CANCELLED:
        await services.approvals.redraw(found)
    return cancel_answer(outcome, found, words)


def cancel_answer(outcome: CancelOutcome, job: Job, words: Words) -> str:
    """Say what came of a wish to cancel a job."""
    key = {
        CancelOutcome.CANCELLED: "answer.cancelled",
        CancelOutcome.REQUESTED: "answer.cancel_requested",
        CancelOutcome.TOO_LATE: "answer.cancel_too_late",
        CancelOutcome.CANNOT: "answer.cancel_cannot",
        CancelOutcome.IN_DOUBT: "answer.cancel_in_doubt",
    }[outcome]
    return words(key, job=job.id, credits=job.quote, state=words(f"state.{job.state}"))


def guild_name(interaction: Interaction, guild_id: int) -> str:
    """Return a server's name, its id where the bot is no longer there."""
    guild = interaction.client.get_guild(guild_id)
    return str(guild_id) if guild is None else guild.name


def _id(text: str) -> str:
    return text.strip().upper()
