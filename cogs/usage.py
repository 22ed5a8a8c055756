"""`/usage` and `/audit`: what the server's jobs came to, and who changed what."""

import asyncio
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol, Self

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.words import Words
from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.tables_csv import Cell, CsvFile, csv_file
from bot.i18n import Catalogue
from bot.services import usage
from bot.services.usage import DAYS_DEFAULT, DAYS_MAX, DAYS_MIN, ChartDrawer, UsageBy, UsageReport, UsageRow
from cogs._commands import IN_GUILDS, Labels
from cogs._lists import member_name
from cogs._replies import Interaction, defer, mark_filled, tell, words_of

DaysOption = app_commands.Range[int, DAYS_MIN, DAYS_MAX]

MODERATORS = discord.Permissions(manage_guild=True)
TABLE_ROWS = 15
CHART_BARS = 15
CSV_BYTES_MAX = 8 * 1024 * 1024
NAMES_MAX = 100
NAMES_TIMEOUT_S = 3.0
CHART_NAME = "usage.png"
FIGURES = ("jobs", "delivered", "failed", "credits_members", "credits_pool")
KEY_COLUMNS = {
    UsageBy.DAY: ("day",),
    UsageBy.MEMBER: ("member_id", "member_name"),
    UsageBy.MODEL: ("model",),
    UsageBy.CHANNEL: ("channel_id", "channel_name"),
}
AUDIT_COLUMNS = ("at_utc", "actor_id", "actor_name", "action", "subject", "detail", "reason")


class UsageServices(Protocol):
    """What these two commands need of the services."""

    @property
    def catalogue(self) -> Catalogue:
        """The sentences."""
        ...

    @property
    def usage(self) -> usage.Usage:
        """The sums and the audit lines."""
        ...

    @property
    def charts(self) -> ChartDrawer:
        """Draws the chart."""
        ...


class Usage:
    """Shows moderators figures, always privately. Discord itself decides who may use the commands."""

    def __init__(self, services: UsageServices) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the commands."""
        labels = Labels(self._services.catalogue)
        showing = labels.command("usage", self.show_usage, contexts=IN_GUILDS)
        choices = [app_commands.Choice(name=labels(f"choice.by_{by}"), value=by.value) for by in UsageBy]
        app_commands.choices(by=choices)(showing)
        auditing = labels.command("audit", self.show_audit, contexts=IN_GUILDS)
        for command in (showing, auditing):
            command.default_permissions = MODERATORS
            client.tree.add_command(command)

    async def show_usage(
        self, interaction: Interaction, days: DaysOption = DAYS_DEFAULT, by: str = UsageBy.DAY.value
    ) -> None:
        """Show the use of the last days as a chart, a table and a CSV file."""
        guild_id = _checked(interaction, days)
        await defer(interaction, private=True)
        words = words_of(interaction, self._services.catalogue)
        report = await self._services.usage.report(guild_id, days, UsageBy(by))
        if not report.total.jobs:
            await tell(interaction, words("usage.none", days=days))
            return
        title = words(f"usage.title.{report.by}", days=days)
        is_by_member = report.by is UsageBy.MEMBER
        names = await Names.ask(interaction, (int(str(row.key)) for row in report.rows if is_by_member))
        table = csv_file(
            (*KEY_COLUMNS[report.by], *FIGURES),
            [(*names.cells(report.by, row), *_figures(row)) for row in report.rows],
            most_bytes=_most_bytes(interaction),
        )
        picture = await self._services.charts.draw(
            title=title,
            unit=words("usage.unit"),
            bars=_bars(report, names, words),
            is_upright=report.by is UsageBy.DAY,
            decimal_mark=words("number.decimal_mark"),
        )
        embed = _embed(report, title, words)
        notes = [] if picture else [words("usage.no_chart")]
        if table.left_out:
            notes.append(words("usage.cut", count=table.left_out))
        files = [_file(table, f"usage-{report.by}-{report.ends_at:%Y-%m-%d}.csv")]
        if picture:
            files.insert(0, discord.File(io.BytesIO(picture), CHART_NAME))
            embed.set_image(url=f"attachment://{CHART_NAME}")
        await _fill(interaction, "\n".join(notes), files, embed)

    async def show_audit(self, interaction: Interaction, days: DaysOption = DAYS_DEFAULT) -> None:
        """Show who changed what in the last days as a CSV file."""
        guild_id = _checked(interaction, days)
        await defer(interaction, private=True)
        words = words_of(interaction, self._services.catalogue)
        lines = await self._services.usage.audit(guild_id, days)
        span = words("audit.span", days=days)
        if not lines:
            await tell(interaction, words("audit.none", span=span))
            return
        names = await Names.ask(interaction, (int(one.actor) for one in lines if one.actor.isdecimal()))
        table = await asyncio.to_thread(
            csv_file,
            AUDIT_COLUMNS,
            [
                (one.at, one.actor, names.actor(one.actor), one.action, one.subject, one.detail, one.reason)
                for one in lines
            ],
            most_bytes=_most_bytes(interaction),
        )
        text = [words("audit.done", count=len(lines) - table.left_out, span=span)]
        if table.left_out:
            text.append(words("audit.cut", count=table.left_out))
        await _fill(interaction, "\n".join(text), [_file(table, f"audit-{lines[0].at:%Y-%m-%d}.csv")])


class Names:
    """Names of members and channels, as far as they are known."""

    def __init__(self, guild: discord.Guild | None, members: Mapping[int, str]) -> None:
        self._guild = guild
        self._members = members

    @classmethod
    async def ask(cls, interaction: Interaction, user_ids: Iterable[int]) -> Self:
        """Ask Discord once what the first hundred of these members are called here; without an answer nobody is named.

        By id this needs no privileged intent, and a hundred is what one request may ask for (events/gateway-events,
        Request Guild Members). The bot's own cache has no members.
        """
        people = dict.fromkeys(one for one in user_ids if one > 0)  # a former member's pseudonym is below zero
        guild, wanted = interaction.guild, list(people)[:NAMES_MAX]
        if guild is None or not wanted:
            return cls(guild, {})
        try:
            async with asyncio.timeout(NAMES_TIMEOUT_S):
                found = await guild.query_members(user_ids=wanted, limit=NAMES_MAX, cache=False)
        except (TimeoutError, OSError, discord.DiscordException):
            found = []
        return cls(guild, {member.id: member.display_name for member in found})

    def member(self, user_id: int) -> str | None:
        """Return a member's name here; None for one who is gone or was not asked for."""
        return self._members.get(user_id)

    def actor(self, actor: str) -> str | None:
        """Return the name of whoever an audit line names, None for the operator and the bot itself."""
        return self.member(int(actor)) if actor.isdecimal() else None

    def channel(self, channel_id: int) -> str | None:
        """Return a channel's name, None for one that is gone."""
        known = self._guild and self._guild.get_channel_or_thread(channel_id)
        return known.name if known else None

    def cells(self, by: UsageBy, row: UsageRow) -> tuple[Cell, ...]:
        """Return the cells that say what a row stands for."""
        match by, row.key:
            case UsageBy.MEMBER, int(user_id):
                return user_id, self.member(user_id)
            case UsageBy.CHANNEL, int(channel_id):
                return channel_id, self.channel(channel_id)
            case _:
                return (str(row.key),)

    def label(self, by: UsageBy, row: UsageRow) -> str:
        """Return what a bar is called."""
        first, *rest = self.cells(by, row)
        return str(next(filter(None, rest), first))


def _checked(interaction: Interaction, days: int) -> int:
    """Return the server's id. Discord checks the range itself, but its answer is not the bot's to trust."""
    if interaction.guild_id is None:
        raise Refused("guild_only")
    if not DAYS_MIN <= days <= DAYS_MAX:
        raise Refused("days_range", least=DAYS_MIN, most=DAYS_MAX)
    return interaction.guild_id


def _figures(row: UsageRow) -> tuple[Cell, ...]:
    return row.jobs, row.delivered, row.failed, row.charged, row.pooled


def _bars(report: UsageReport, names: Names, words: Words) -> list[tuple[str, Credits]]:
    """Return every day, or the first groups with the numbers that they have in the table."""
    if report.by is UsageBy.DAY:
        return [(_key(row, words), row.charged) for row in report.rows]
    first = enumerate(report.rows[:CHART_BARS], start=1)
    return [(f"{place} · {names.label(report.by, row)}", row.charged) for place, row in first]


def _embed(report: UsageReport, title: str, words: Words) -> discord.Embed:
    """Make the table: the newest days, or the groups that were charged most."""
    rows = report.rows[::-1] if report.by is UsageBy.DAY else report.rows
    lines = [_line(report.by, place, row, words) for place, row in enumerate(rows[:TABLE_ROWS], start=1)]
    if len(rows) > TABLE_ROWS:
        lines.append(words("usage.more", count=len(rows) - TABLE_ROWS))
    total = words("usage.total", **_values(report.total))
    embed = discord.Embed(title=title, description="\n".join([total, "", *lines]))
    return embed.set_footer(text=words("usage.zone", zone=report.zone))


def _line(by: UsageBy, place: int, row: UsageRow, words: Words) -> str:
    match by:
        case UsageBy.MEMBER:
            shown = member_name(int(str(row.key)), words)
        case UsageBy.CHANNEL:
            shown = f"<#{row.key}>"
        case _:
            shown = f"`{_key(row, words)}`"
    name = shown if by is UsageBy.DAY else f"{place}\N{FULL STOP}\N{NO-BREAK SPACE}{shown}"
    return words("usage.line", name=name, **_values(row))


def _key(row: UsageRow, words: Words) -> str:
    """Return what a row stands for, a day as the reader's language writes it."""
    return words.day(row.key) if isinstance(row.key, date) else str(row.key)


def _values(row: UsageRow) -> dict[str, object]:
    return {
        "jobs": row.jobs,
        "delivered": row.delivered,
        "failed": row.failed,
        "charged": row.charged,
        "pooled": row.pooled,
    }


def _most_bytes(interaction: Interaction) -> int:
    return min(interaction.filesize_limit, CSV_BYTES_MAX)


def _file(table: CsvFile, name: str) -> discord.File:
    return discord.File(io.BytesIO(table.data), name)


async def _fill(
    interaction: Interaction, text: str, files: Sequence[discord.File], embed: discord.Embed | None = None
) -> None:
    """Put everything into the private placeholder; nobody in it is notified."""
    await interaction.edit_original_response(
        content=text,
        embeds=[] if embed is None else [embed],
        attachments=files,
        allowed_mentions=discord.AllowedMentions.none(),
    )
    mark_filled(interaction)
