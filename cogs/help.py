"""`/help`: what the bot does here, what one may spend, how to write a prompt."""

from collections.abc import Iterator

import discord

from bot.discord.client import BotClient
from bot.discord.words import Words, date, escape_inline, one_line
from bot.domain.money import ZERO
from bot.domain.requests import Kind
from bot.domain.rules import GuildRules
from cogs._commands import IN_GUILDS_AND_DIRECT, Labels
from cogs._inputs import is_moderator, role_ids
from cogs._replies import Interaction, defer, tell, words_of
from cogs.services import Services
from cogs.settings_panel import listing
from cogs.welcome import pool_none

REASON_CHARS = 200


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
        guild_id = interaction.guild_id
        rules = GuildRules() if guild_id is None else await self._services.moderation.rules(guild_id)
        lines = [*self._does(rules, words)]
        if guild_id is None:
            lines.append(words("help.dm"))
        else:
            lines.append(" ".join([await self._spend(interaction, guild_id, words), *_asked_first(rules, words)]))
        lines.append(words("help.jobs"))
        if is_moderator(interaction):
            lines.append(words("help.moderators"))
        embed = discord.Embed(title=words("help.title"), description="\n\n".join(lines))
        embed.add_field(name=words("help.guide_title"), value=words("help.guide"), inline=False)
        await tell(interaction, embed=embed)

    def _does(self, rules: GuildRules, words: Words) -> Iterator[str]:
        """Say what can be asked for here, with which models, where and how large."""
        models = {kind: self._models(kind, rules) for kind in (Kind.VIDEO, Kind.IMAGE)}
        shown = [words(f"help.what.{kind}") for kind, keys in models.items() if keys]
        yield " ".join([*shown, words("help.price")])
        lines = [words(f"help.models.{kind}", models=listing(keys, words)) for kind, keys in models.items() if keys]
        yield "\n".join([*lines, *_limits(rules, words)])

    def _models(self, kind: Kind, rules: GuildRules) -> list[str]:
        allowed = [key for key in self._services.generation.model_keys(kind) if rules.allows_model(key)]
        return [f"`{key}`" for key in allowed]

    async def _spend(self, interaction: Interaction, guild_id: int, words: Words) -> str:
        """Say what one may spend, or why one may spend nothing."""
        user_id, roles = interaction.user.id, role_ids(interaction.user)
        standing = await self._services.standings.member(guild_id=guild_id, user_id=user_id, role_ids=roles)
        if (held := standing.suspension) is not None:
            reason = escape_inline(one_line(held.reason, REASON_CHARS))
            key = "balance.suspended" if held.until is None else "balance.suspended_until"
            return words(key, reason=reason, when="" if held.until is None else date(held.until))
        if await self._services.operator_desk.pool_limit(guild_id) == ZERO:
            return pool_none(guild_id, words)
        view = await self._services.queries.balance(guild_id=guild_id, user_id=user_id, role_ids=roles)
        line = view.allowance
        if line.limit is None:
            return words("help.spend_unlimited")
        left = max(ZERO, line.limit - line.settled - line.held)
        return words("help.spend", allowance=left, wallet=view.wallet)


def _limits(rules: GuildRules, words: Words) -> Iterator[str]:
    """Say what this server's moderators have narrowed."""
    if rules.channels:
        yield words("settings.channels", channels=listing([f"<#{one}>" for one in sorted(rules.channels)], words))
    if rules.restricted_models:
        yield words(
            "settings.restricted", models=listing([f"`{one}`" for one in sorted(rules.restricted_models)], words)
        )
    if rules.longest_s is not None:
        yield words("settings.longest", seconds=rules.longest_s)
    if rules.highest_resolution is not None:
        yield words("settings.highest", resolution=rules.highest_resolution)


def _asked_first(rules: GuildRules, words: Words) -> Iterator[str]:
    """Say from which price on somebody is asked before anything is made."""
    if rules.confirm_over is not None:
        yield words("settings.confirm", credits=rules.confirm_over)
    if rules.approve_over is not None:
        yield words("settings.approve", credits=rules.approve_over)
