"""`/operator`: the operator's levers in Discord, in the operator's own server alone."""

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.words import Words, one_line
from bot.domain.errors import Refused
from cogs._commands import Labels
from cogs._parsing import parse_limit
from cogs._replies import Interaction, defer, tell, words_of
from cogs._status import status_embed
from cogs.jobs import Choices, guild_name
from cogs.services import Services

MAX_CHOICES = 25
CHOICE_CHARS = 100
ProviderOption = app_commands.Range[str, 1, 30]
GuildOption = app_commands.Range[str, 1, 100]
LimitOption = app_commands.Range[str, 1, 30]


class Operator:
    """Shows figures, sets pools, pauses providers; whoever is no operator is refused."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the commands to the operator's server; to none where the settings name none."""
        guild_id = self._services.operator_desk.rules.guild_id
        if guild_id is None:
            return
        labels = Labels(self._services.catalogue)
        group = app_commands.Group(  # a command of one guild may name neither contexts nor installations
            name=labels("command.operator.name"), description=labels("command.operator.description")
        )
        pool = labels.command("operator.pool", self.pool, options={"guild": "operator_guild", "credits": "pool"})
        pool.autocomplete("guild")(self.suggest_guilds)
        group.add_command(labels.command("operator.status", self.status))
        group.add_command(pool)
        for path, callback in (("operator.pause", self.pause), ("operator.resume", self.resume)):
            command = labels.command(path, callback)
            command.autocomplete("provider")(self.suggest_providers)
            group.add_command(command)
        client.tree.add_command(group, guild=discord.Object(guild_id))

    async def status(self, interaction: Interaction) -> None:
        """Show the figures of the installation."""
        await self._begin(interaction)
        found = await self._services.operator_desk.status()
        names = {one.guild_id: guild_name(interaction, one.guild_id) for one in found.pools}
        await tell(interaction, embed=status_embed(found, names, self._words(interaction)))

    async def pool(self, interaction: Interaction, guild: GuildOption, credits: LimitOption) -> None:
        """Set what a server may spend a month."""
        self._check(interaction)
        limit = parse_limit(credits, self._services.catalogue)
        if limit == "inherit":
            raise Refused("pool_format", text=credits[:50])
        if not (guild.isascii() and guild.isdecimal() and int(guild) < 2**63):
            raise Refused("guild_not_found", guild=guild[:50])
        await defer(interaction, private=True)
        await self._services.operator_desk.set_pool(int(guild), actor_id=interaction.user.id, limit=limit)
        words = self._words(interaction)
        await tell(
            interaction, words("operator.pool_set", guild=guild_name(interaction, int(guild)), limit=words.limit(limit))
        )

    async def pause(self, interaction: Interaction, provider: ProviderOption | None = None) -> None:
        """Stop handing jobs to a provider, or to all."""
        await self._begin(interaction)
        done = await self._services.operator_desk.pause(provider)
        await tell(interaction, self._words(interaction)("operator.paused", providers=", ".join(done)))

    async def resume(self, interaction: Interaction, provider: ProviderOption | None = None) -> None:
        """Hand jobs to a provider again, or to all."""
        await self._begin(interaction)
        done = await self._services.operator_desk.resume(provider)
        await tell(interaction, self._words(interaction)("operator.resumed", providers=", ".join(done)))

    async def suggest_guilds(self, interaction: Interaction, current: str) -> Choices:
        """Suggest the bot's servers by name or id, to operators alone. No I/O."""
        if not self._services.operator_desk.is_operator(interaction.user.id):
            return []
        wanted = current.strip().lower()
        found = [g for g in interaction.client.guilds if wanted in g.name.lower() or wanted in str(g.id)]
        found.sort(key=lambda g: g.name.lower())
        return [
            app_commands.Choice(name=one_line(f"{g.name} · {g.id}", CHOICE_CHARS), value=str(g.id))
            for g in found[:MAX_CHOICES]
        ]

    async def suggest_providers(self, interaction: Interaction, current: str) -> Choices:
        """Suggest the providers in use, to operators alone. No I/O."""
        desk = self._services.operator_desk
        if not desk.is_operator(interaction.user.id):
            return []
        names = [name for name in desk.rules.providers if current.strip().lower() in name]
        return [app_commands.Choice(name=name, value=name) for name in names[:MAX_CHOICES]]

    async def _begin(self, interaction: Interaction) -> None:
        self._check(interaction)
        await defer(interaction, private=True)

    def _check(self, interaction: Interaction) -> None:
        if not self._services.operator_desk.is_operator(interaction.user.id):
            raise Refused("operators_only")

    def _words(self, interaction: Interaction) -> Words:
        return words_of(interaction, self._services.catalogue)
