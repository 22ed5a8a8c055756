"""`/help`: what the bot does here, what one may spend, how to write a prompt."""

import discord

from bot.discord.client import BotClient
from bot.discord.words import Words
from bot.domain.money import ZERO
from cogs._commands import IN_GUILDS_AND_DIRECT, Labels
from cogs._inputs import is_moderator, role_ids
from cogs._replies import Interaction, defer, tell, words_of
from cogs.services import Services


class Help:
    """Explains the bot, privately."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        client.tree.add_command(
            Labels(self._services.catalogue).command("help", self.run, contexts=IN_GUILDS_AND_DIRECT)
        )

    async def run(self, interaction: Interaction) -> None:
        """Show the help."""
        await defer(interaction, private=True)
        words = words_of(interaction, self._services.catalogue)
        models = ", ".join(f"`{key}`" for key in self._services.generation.model_keys())
        lines = [words("help.what"), words("help.models", models=models), await self._spend(interaction, words)]
        lines.append(words("help.jobs"))
        if is_moderator(interaction):
            lines.append(words("help.moderators"))
        embed = discord.Embed(title=words("help.title"), description="\n\n".join(lines))
        embed.add_field(name=words("help.guide_title"), value=words("help.guide"), inline=False)
        await tell(interaction, embed=embed)

    async def _spend(self, interaction: Interaction, words: Words) -> str:
        if interaction.guild_id is None:
            return words("help.dm")
        view = await self._services.queries.balance(
            guild_id=interaction.guild_id, user_id=interaction.user.id, role_ids=role_ids(interaction.user)
        )
        line = view.allowance
        if line.limit is None:
            return words("help.spend_unlimited")
        left = max(ZERO, line.limit - line.settled - line.held)
        return words("help.spend", allowance=left, wallet=view.wallet)
