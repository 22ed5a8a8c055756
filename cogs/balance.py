"""`/balance`: what one may spend, and what one has spent."""

import discord

from bot.discord.client import BotClient
from bot.domain.errors import Refused
from cogs._commands import IN_GUILDS_AND_DIRECT, Labels
from cogs._inputs import is_moderator, role_ids
from cogs._lists import balance_embed
from cogs._replies import Interaction, defer, tell, words_of
from cogs.jobs import guild_name
from cogs.services import Services

MOST_GUILDS = 5


class Balance:
    """Shows balances, always privately."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        labels = Labels(self._services.catalogue)
        command = labels.command(
            "balance", self.run, contexts=IN_GUILDS_AND_DIRECT, options={"member": "balance_member"}
        )
        client.tree.add_command(command)

    async def run(self, interaction: Interaction, member: discord.User | None = None) -> None:
        """Show one's own balance; moderators may look at a member's."""
        is_other = member is not None and member.id != interaction.user.id
        if is_other and not is_moderator(interaction):
            raise Refused("moderators_only")
        await defer(interaction, private=True)
        if interaction.guild is None:
            await self._everywhere(interaction)
            return
        words = words_of(interaction, self._services.catalogue)
        who = member or interaction.user
        title = words("balance.title_of", member=who.display_name) if is_other else words("balance.title")
        view = await self._services.queries.balance(
            guild_id=interaction.guild.id, user_id=who.id, role_ids=role_ids(who)
        )
        await tell(interaction, embed=balance_embed(view, title, words))

    async def _everywhere(self, interaction: Interaction) -> None:
        """In direct messages: the servers of the user's latest jobs."""
        words = words_of(interaction, self._services.catalogue)
        jobs = await self._services.queries.jobs(user_id=interaction.user.id)
        guild_ids = list(dict.fromkeys(job.guild_id for job in jobs))[:MOST_GUILDS]
        if not guild_ids:
            await tell(interaction, words("balance.nowhere"))
        for guild_id in guild_ids:
            view = await self._services.queries.balance(guild_id=guild_id, user_id=interaction.user.id)
            title = words("balance.title_in", guild=guild_name(interaction, guild_id))
            await tell(interaction, embed=balance_embed(view, title, words))
