"""`/balance`: what one may spend, and what one has spent."""

import asyncio
import io

import discord

from bot.discord.client import BotClient
from bot.discord.words import Words, date, escape_inline, one_line
from bot.domain.errors import Refused
from bot.services.own_file import statement_file
from bot.services.queries import BalanceView
from bot.services.standing import Standing
from cogs._commands import IN_GUILDS_AND_DIRECT, Labels
from cogs._inputs import role_ids
from cogs._lists import FIELD_CHARS, balance_embed
from cogs._moderators import may_moderate
from cogs._replies import Interaction, defer, mark_filled, tell, words_of
from cogs.jobs import guild_name
from cogs.panels import panel_id, register_panel
from cogs.quota_views import standing_embed
from cogs.services import Services

FEATURE = "balance"
MOST_GUILDS = 10
REASON_CHARS = 200
CSV_BYTES_MAX = 8 * 1024 * 1024


class Balance:
    """Shows balances and statements, always privately."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command and its *CSV* button."""
        labels = Labels(self._services.catalogue)
        command = labels.command(
            "balance", self.run, contexts=IN_GUILDS_AND_DIRECT, options={"member": "balance_member"}
        )
        client.tree.add_command(command)
        register_panel(client, FEATURE, self.press)

    async def run(self, interaction: Interaction, member: discord.User | None = None) -> None:
        """Show one's own balance; moderators may look at a member's."""
        await defer(interaction, private=True)
        if interaction.guild is None:
            if member is not None and member.id != interaction.user.id:
                raise Refused("moderators_only")
            await self._everywhere(interaction)
        else:
            await show_balance(interaction, self._services, member or interaction.user)

    async def _everywhere(self, interaction: Interaction) -> None:
        """In direct messages: every server that anything is stored of the user in, the latest first."""
        words = words_of(interaction, self._services.catalogue)
        guild_ids = await self._services.privacy.guilds_of(interaction.user.id)
        if not guild_ids:
            await tell(interaction, words("balance.nowhere"))
        for guild_id in guild_ids[:MOST_GUILDS]:
            title = words("balance.title_in", guild=guild_name(interaction, guild_id))
            await _tell_own(interaction, self._services, guild_id, title, roles=None)
        if len(guild_ids) > MOST_GUILDS:
            await tell(interaction, words("balance.more_guilds", count=len(guild_ids) - MOST_GUILDS))

    async def press(self, interaction: Interaction, rest: str, _values: list[str]) -> None:
        """Send the statement as a CSV file, to the member whose it is or a moderator of their server."""
        guild_id, user_id = _target(rest)
        await defer(interaction, private=True)
        is_own = interaction.user.id == user_id
        if not is_own and (interaction.guild_id != guild_id or not await may_moderate(interaction, self._services)):
            raise Refused("moderators_only")
        words = words_of(interaction, self._services.catalogue)
        lines = await self._services.privacy.statement(guild_id, user_id)
        if not lines:
            await tell(interaction, words("balance.csv_none"))
            return
        most_bytes = min(interaction.filesize_limit, CSV_BYTES_MAX)
        data, left_out = await asyncio.to_thread(statement_file, lines, most_bytes=most_bytes)
        text = words("balance.csv_cut" if left_out else "balance.csv_done", count=len(lines) - left_out, left=left_out)
        name = f"statement-{self._services.clock.now():%Y-%m-%d}.csv"
        await interaction.edit_original_response(content=text, attachments=[discord.File(io.BytesIO(data), name)])
        mark_filled(interaction)


async def show_balance(interaction: Interaction, services: Services, who: discord.User | discord.Member) -> None:
    """Show a balance of this server in the private placeholder: one's own, or to moderators anybody's.

    Raises:
        Refused: `moderators_only`, `guild_only`.
    """
    if interaction.guild_id is None:
        raise Refused("guild_only")
    words = words_of(interaction, services.catalogue)
    roles = role_ids(who) if isinstance(who, discord.Member) else None
    if who.id == interaction.user.id:
        await _tell_own(interaction, services, interaction.guild_id, words("balance.title"), roles=roles)
        return
    if not await may_moderate(interaction, services):
        raise Refused("moderators_only")
    view, standing = await _look(services, interaction.guild_id, who.id, roles)
    embed = standing_embed(view, standing, who.display_name, words, channel_id=interaction.channel_id or 0)
    await tell(interaction, embed=embed, view=_buttons(interaction.guild_id, who.id, words))


async def _tell_own(
    interaction: Interaction, services: Services, guild_id: int, title: str, *, roles: tuple[int, ...] | None
) -> None:
    """Show one's own figures in a server, with where they come from and a suspension that holds."""
    words = words_of(interaction, services.catalogue)
    view, standing = await _look(services, guild_id, interaction.user.id, roles)
    embed = balance_embed(view, title, words)
    kind, role_id = standing.source
    source = words(f"quota.source.{kind}", role=f"<@&{role_id}>", limit=words.limit(standing.limit))
    embed.insert_field_at(1, name=words("quota.source"), value=source, inline=False)
    if (held := standing.suspension) is not None:
        key = "balance.suspended" if held.until is None else "balance.suspended_until"
        reason = escape_inline(one_line(held.reason, REASON_CHARS))
        text = words(key, reason=reason, when="" if held.until is None else date(held.until))
        embed.insert_field_at(0, name=words("balance.suspension"), value=text[:FIELD_CHARS], inline=False)
    await tell(interaction, embed=embed, view=_buttons(guild_id, interaction.user.id, words))


async def _look(
    services: Services, guild_id: int, user_id: int, roles: tuple[int, ...] | None
) -> tuple[BalanceView, Standing]:
    view = await services.queries.balance(guild_id=guild_id, user_id=user_id, role_ids=roles)
    return view, await services.standings.member(guild_id=guild_id, user_id=user_id, role_ids=roles)


def _buttons(guild_id: int, user_id: int, words: Words) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Button(label=words("balance.csv"), custom_id=panel_id(FEATURE, f"csv:{guild_id}:{user_id}"))
    )
    view.stop()  # found by its custom id, so that discord.py need not keep it
    return view


def _target(rest: str) -> tuple[int, int]:
    """Read server and member out of a button's id."""
    verb, _, ids = rest.partition(":")
    guild_id, _, user_id = ids.partition(":")
    if verb != "csv" or not (guild_id.isdecimal() and user_id.isdecimal()):
        raise Refused("panel_not_yours")
    return int(guild_id), int(user_id)
