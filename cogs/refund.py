"""`/refund`: moderators give a member a delivered job's credits back."""

import asyncio

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.domain.errors import Refused
from bot.domain.money import ZERO
from cogs._board import choice
from cogs._commands import IN_GUILDS, Labels
from cogs._lists import member_name
from cogs._replies import Interaction, defer, tell, words_of
from cogs.jobs import SUGGEST_TIMEOUT_S, Choices, JobOption
from cogs.services import Services

ReasonOption = app_commands.Range[str, 1, 400]


class Refund:
    """Refunds jobs of its server alone. Discord itself decides who may use the command."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        labels = Labels(self._services.catalogue)
        command = labels.command("refund", self.run, contexts=IN_GUILDS, options={"job": "refund_job"})
        command.default_permissions = discord.Permissions(manage_guild=True)
        command.autocomplete("job")(self.suggest)
        client.tree.add_command(command)

    async def run(self, interaction: Interaction, job: JobOption, reason: ReasonOption) -> None:
        """Refund one job, and say how much went to whom."""
        await defer(interaction, private=True)
        if interaction.guild_id is None:
            raise Refused("guild_only")
        done = await self._services.refunds.refund(
            job.strip().upper(), guild_id=interaction.guild_id, actor_id=interaction.user.id, reason=reason
        )
        words = words_of(interaction, self._services.catalogue)
        said = words("refund.done", member=member_name(done.job.user_id, words), credits=done.given, job=done.job.id)
        if done.lapsed > ZERO:
            said = f"{said} {words('refund.lapsed', credits=done.lapsed)}"
        await tell(interaction, said)

    async def suggest(self, interaction: Interaction, current: str) -> Choices:
        """Suggest this server's delivered jobs; private ones without their prompts."""
        if interaction.guild_id is None:
            return []
        words = words_of(interaction, self._services.catalogue)
        try:
            async with asyncio.timeout(SUGGEST_TIMEOUT_S):
                found = await self._services.refunds.suggest(interaction.guild_id, current)
        except TimeoutError:
            return []
        return [app_commands.Choice(name=choice(job, words), value=job.id) for job in found]
