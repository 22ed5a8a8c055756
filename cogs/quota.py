"""`/quota`: moderators decide who may spend what."""

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.words import Words, date
from bot.domain.errors import Refused
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import parse_amount, parse_expiry, parse_limit, role_ids
from cogs._lists import balance_embed
from cogs._replies import Interaction, defer, tell, words_of
from cogs.services import Services

AmountOption = app_commands.Range[str, 1, 30]
ReasonOption = app_commands.Range[str, 1, 400]


class Quota:
    """Sets allowances, grants and revokes credits. Discord itself decides who may use the group."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the commands."""
        labels = Labels(self._services.catalogue)
        group = labels.group("quota", contexts=IN_GUILDS, permissions=discord.Permissions(manage_guild=True))
        group.add_command(labels.command("quota.set", self.set))
        group.add_command(labels.command("quota.grant", self.grant, options={"credits": "amount"}))
        group.add_command(labels.command("quota.revoke", self.revoke, options={"credits": "amount"}))
        group.add_command(labels.command("quota.show", self.show))
        client.tree.add_command(group)

    async def set(self, interaction: Interaction, credits: AmountOption, member: discord.User | None = None) -> None:
        """Set everyone's allowance, or one member's own."""
        limit = parse_limit(credits)
        guild_id = _guild_id(interaction)
        await defer(interaction, private=True)
        change = await self._services.budgets.set_limit(
            guild_id=guild_id,
            actor_id=interaction.user.id,
            scope="everyone" if member is None else "member",
            subject=0 if member is None else member.id,
            credits=limit,
        )
        words = self._words(interaction)
        before, after = words.limit(change.before), words.limit(change.after)
        if member is None:
            await tell(interaction, words("quota.set_everyone", before=before, after=after))
        else:
            await tell(interaction, words("quota.set_member", member=member.mention, before=before, after=after))

    async def grant(
        self,
        interaction: Interaction,
        member: discord.User,
        credits: AmountOption,
        reason: ReasonOption,
        expires: app_commands.Range[str, 1, 30] | None = None,
    ) -> None:
        """Put credits into a member's wallet."""
        amount = parse_amount(credits)
        expires_at = None if expires is None else parse_expiry(expires, self._services.clock.now())
        guild_id = _guild_id(interaction)
        await defer(interaction, private=True)
        wallet = await self._services.budgets.grant(
            guild_id=guild_id,
            actor_id=interaction.user.id,
            user_id=member.id,
            amount=amount,
            reason=reason,
            expires_at=expires_at,
        )
        words = self._words(interaction)
        values = {"member": member.mention, "credits": amount, "wallet": wallet}
        if expires_at is None:
            await tell(interaction, words("quota.granted", **values))
        else:
            await tell(interaction, words("quota.granted_until", **values, when=date(expires_at)))

    async def revoke(
        self, interaction: Interaction, member: discord.User, credits: AmountOption, reason: ReasonOption
    ) -> None:
        """Take granted credits back, never what is held or spent."""
        amount = parse_amount(credits)
        guild_id = _guild_id(interaction)
        await defer(interaction, private=True)
        taken, wallet = await self._services.budgets.revoke(
            guild_id=guild_id, actor_id=interaction.user.id, user_id=member.id, amount=amount, reason=reason
        )
        key = "quota.revoked" if taken == amount else "quota.revoked_less"
        words = self._words(interaction)
        await tell(interaction, words(key, member=member.mention, credits=taken, wanted=amount, wallet=wallet))

    async def show(self, interaction: Interaction, member: discord.User) -> None:
        """Show a member's budget and use."""
        guild_id = _guild_id(interaction)
        await defer(interaction, private=True)
        view = await self._services.queries.balance(guild_id=guild_id, user_id=member.id, role_ids=role_ids(member))
        words = self._words(interaction)
        title = words("balance.title_of", member=member.display_name)
        await tell(interaction, embed=balance_embed(view, title, words))

    def _words(self, interaction: Interaction) -> Words:
        return words_of(interaction, self._services.catalogue)


def _guild_id(interaction: Interaction) -> int:
    if interaction.guild_id is None:
        raise Refused("guild_only")
    return interaction.guild_id
