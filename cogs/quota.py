"""`/quota`: moderators decide who may spend what."""

import re
from collections.abc import Sequence
from datetime import datetime

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.words import Words, date
from bot.domain.errors import Refused
from bot.services.budgets import Scope
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import guild_id_of, role_ids
from cogs._moderators import check_role_below, require_moderator
from cogs._parsing import Ending, moment_of, parse_amount, parse_ending, parse_limit
from cogs._replies import Interaction, defer, defer_update, mark_filled, tell, words_of
from cogs.panels import panel_id, register_panel
from cogs.quota_views import OverviewPage, overview_page, standing_embed
from cogs.services import Services

AmountOption = app_commands.Range[str, 1, 30]
ReasonOption = app_commands.Range[str, 1, 400]
MomentOption = app_commands.Range[str, 1, 30]
FEATURE = "quota"
BACK, ON = "prev", "next"
ChannelOption = app_commands.AppCommandChannel | app_commands.AppCommandThread


class AnyChannel(app_commands.Transformer):
    """Any channel or thread, by naming no types: discord.py would name all that it knows, and Discord's published API
    description (ChannelTypes) does not have them all, which can refuse the whole set of commands."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.channel

    async def transform(self, interaction: Interaction, value: ChannelOption, /) -> ChannelOption:
        """Take the channel as Discord sent it."""
        return value


class Quota:
    """Sets limits, grants, revokes, suspends and shows. Discord itself decides who may use the group."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the commands."""
        labels = Labels(self._services.catalogue)
        group = labels.group("quota", contexts=IN_GUILDS, permissions=discord.Permissions(manage_guild=True))
        group.add_command(labels.command("quota.set", self.set, options={"channel": "quota_channel"}))
        group.add_command(labels.command("quota.grant", self.grant, options={"credits": "amount"}))
        group.add_command(labels.command("quota.revoke", self.revoke, options={"credits": "amount"}))
        group.add_command(labels.command("quota.suspend", self.suspend, options={"reason": "suspend_reason"}))
        group.add_command(labels.command("quota.resume", self.resume))
        group.add_command(labels.command("quota.show", self.show))
        group.add_command(labels.command("quota.list", self.list))
        client.tree.add_command(group)
        register_panel(client, FEATURE, self.turn)

    async def set(
        self,
        interaction: Interaction,
        credits: AmountOption,
        member: discord.User | None = None,
        role: discord.Role | None = None,
        channel: app_commands.Transform[ChannelOption, AnyChannel] | None = None,
    ) -> None:
        """Set an allowance (everyone's, a member's, a role's) or a channel's cap."""
        limit = parse_limit(credits, self._services.catalogue)
        guild_id = guild_id_of(interaction)
        scope, subject, name = _subject(guild_id, member, role, channel)
        if role is not None and limit != "inherit":
            check_role_below(interaction.guild, role.id)
        await defer(interaction, private=True)
        change = await self._services.budgets.set_limit(
            guild_id=guild_id, actor_id=interaction.user.id, scope=scope, subject=subject, credits=limit
        )
        words = self._words(interaction)
        before, after = words.limit(change.before), words.limit(change.after)
        await tell(interaction, words(f"quota.set_{scope}", before=before, after=after, subject=name, member=name))

    async def grant(
        self,
        interaction: Interaction,
        member: discord.User,
        credits: AmountOption,
        reason: ReasonOption,
        expires: MomentOption | None = None,
    ) -> None:
        """Put credits into a member's wallet."""
        amount = parse_amount(credits)
        ending = None if expires is None else parse_ending(expires)
        guild_id = guild_id_of(interaction)
        await defer(interaction, private=True)
        expires_at = await self._moment(guild_id, ending)
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
        guild_id = guild_id_of(interaction)
        await defer(interaction, private=True)
        taken, wallet = await self._services.budgets.revoke(
            guild_id=guild_id, actor_id=interaction.user.id, user_id=member.id, amount=amount, reason=reason
        )
        key = "quota.revoked" if taken == amount else "quota.revoked_less"
        words = self._words(interaction)
        await tell(interaction, words(key, member=member.mention, credits=taken, wanted=amount, wallet=wallet))

    async def suspend(
        self, interaction: Interaction, member: discord.User, reason: ReasonOption, until: MomentOption | None = None
    ) -> None:
        """Let a member ask for nothing new; what runs finishes."""
        ending = None if until is None else parse_ending(until)
        guild_id = guild_id_of(interaction)
        await defer(interaction, private=True)
        until_at = await self._moment(guild_id, ending)
        await self._services.moderation.suspend(guild_id, interaction.user.id, member.id, until_at, reason)
        words = self._words(interaction)
        if until_at is None:
            await tell(interaction, words("quota.suspended", member=member.mention))
        else:
            await tell(interaction, words("quota.suspended_until", member=member.mention, when=date(until_at)))

    async def resume(self, interaction: Interaction, member: discord.User) -> None:
        """End a member's suspension."""
        guild_id = guild_id_of(interaction)
        await defer(interaction, private=True)
        await self._services.moderation.resume(guild_id, interaction.user.id, member.id)
        await tell(interaction, self._words(interaction)("quota.resumed", member=member.mention))

    async def show(self, interaction: Interaction, member: discord.User | discord.Member) -> None:
        """Show a member's budget and use, and where the allowance comes from."""
        guild_id = guild_id_of(interaction)
        await defer(interaction, private=True)
        roles = role_ids(member) if isinstance(member, discord.Member) else None
        view = await self._services.queries.balance(guild_id=guild_id, user_id=member.id, role_ids=roles)
        standing = await self._services.standings.member(guild_id=guild_id, user_id=member.id, role_ids=roles)
        words = self._words(interaction)
        here = getattr(interaction.channel, "parent_id", None) or interaction.channel_id
        await tell(interaction, embed=standing_embed(view, standing, member.display_name, words, channel_id=here or 0))

    async def list(self, interaction: Interaction) -> None:
        """Show the server's limits and use, who spent most, and who is suspended."""
        await defer(interaction, private=True)
        await self._show_page(interaction, 0)
        mark_filled(interaction)

    async def turn(self, interaction: Interaction, rest: str, _values: Sequence[str]) -> None:
        """Show another page of the list; only to moderators, whoever pressed."""
        verb, _, number = rest.partition(":")
        if verb not in {BACK, ON} or not re.fullmatch(r"[0-9]{1,4}", number):
            raise Refused("list_expired")
        await defer_update(interaction)
        await require_moderator(interaction, self._services)
        await self._show_page(interaction, int(number))

    async def _show_page(self, interaction: Interaction, number: int) -> None:
        overview = await self._services.standings.overview(guild_id_of(interaction))
        page = overview_page(overview, number, self._words(interaction))
        await interaction.edit_original_response(
            embed=page.embed, view=_turning(page), allowed_mentions=discord.AllowedMentions.none()
        )

    async def _moment(self, guild_id: int, ending: Ending | None) -> datetime | None:
        """Return the moment that was meant, days being those of the server's time zone."""
        if ending is None:
            return None
        settings = await self._services.moderation.settings(guild_id)
        return moment_of(ending, self._services.clock.now(), settings.calendar.zone)

    def _words(self, interaction: Interaction) -> Words:
        return words_of(interaction, self._services.catalogue)


def _turning(page: OverviewPage) -> discord.ui.View | None:
    """Return the buttons that turn pages, None where there is only one."""
    if page.count == 1:
        return None
    view = discord.ui.View(timeout=None)
    for sign, verb, number, is_off in (
        ("◀", BACK, page.number - 1, page.number == 0),
        ("▶", ON, page.number + 1, page.number + 1 == page.count),
    ):
        identifier = panel_id(FEATURE, f"{verb}:{max(number, 0)}")
        view.add_item(discord.ui.Button(label=sign, custom_id=identifier, disabled=is_off))
    view.stop()  # found by its custom ids, so that discord.py need not keep it
    return view


def _subject(
    guild_id: int, member: discord.User | None, role: discord.Role | None, channel: ChannelOption | None
) -> tuple[Scope, int, str]:
    """Return whose limit is meant, and how to name them. A thread counts as its parent.

    Raises:
        Refused: `quota_one_subject`, `quota_everyone_role` or `quota_category`.
    """
    if sum(one is not None for one in (member, role, channel)) > 1:
        raise Refused("quota_one_subject")
    if member is not None:
        return "member", member.id, member.mention
    if role is not None:
        if role.id == guild_id:
            raise Refused("quota_everyone_role")
        return "role", role.id, role.mention
    if channel is not None:
        if channel.type is discord.ChannelType.category:
            raise Refused("quota_category")
        channel_id = channel.parent_id if isinstance(channel, app_commands.AppCommandThread) else channel.id
        return "channel", channel_id, f"<#{channel_id}>"
    return "everyone", 0, ""
