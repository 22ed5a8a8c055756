"""Reports of clips: from a member's menu to the moderators' channel, with what they can do about it."""

import logging
from datetime import datetime
from typing import Any

import aiohttp
import discord

from bot.discord.client import BotClient
from bot.discord.custom_ids import marked_job
from bot.discord.words import Words, escape, shorten
from bot.domain.errors import Refused
from bot.domain.jobs import Job
from bot.domain.requests import Kind
from bot.services.clip_reports import FiledReport
from cogs._modal_fields import label
from cogs._moderators import refuse_others_soon, require_moderator
from cogs._parsing import Ending, moment_of, parse_ending
from cogs._replies import Interaction, defer, defer_update, tell, words_of
from cogs.panels import modal_id, open_modal, panel_id, register_modal, register_panel
from cogs.services import Services

log = logging.getLogger(__name__)

REPORT, SUSPEND = "report", "reportban"
DISMISS, DELETE, STOP = "dismiss", "delete", "suspend"
REASON_CHARS = 500
ENDING_CHARS = 20
COLOUR, HANDLED_COLOUR = 0xA12D2F, 0x6D6F78
NOT_POSTED = (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError)


class Reports:
    """Answers the report's form and the moderators' buttons."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Answer them, also those of an earlier life of the bot."""
        register_modal(client, REPORT, self.filed)
        register_panel(client, REPORT, self.pressed)
        register_modal(client, SUSPEND, self.suspended)

    async def filed(self, interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
        """Take a report down and show it to the moderators."""
        if interaction.guild_id is None:
            raise Refused("guild_only")
        await defer(interaction, private=True)
        reason = str(values.get("reason") or "")[:REASON_CHARS]
        report = await self._services.clip_reports.file(
            rest, guild_id=interaction.guild_id, reporter_id=interaction.user.id, reason=reason
        )
        is_shown = await self._show(interaction, report, reason)
        words = words_of(interaction, self._services.catalogue)
        await tell(interaction, words("answer.reported" if is_shown else "answer.reported_audit"))

    async def _show(self, interaction: Interaction, report: FiledReport, reason: str) -> bool:
        """Post to the log channel. Where there is none, or it is closed to the bot, the audit has the report."""
        if report.log_channel_id is None:
            return False
        words = Words(self._services.catalogue, report.locale)
        embed = _embed(interaction, report, reason, words)
        place = interaction.client.get_partial_messageable(report.log_channel_id, guild_id=interaction.guild_id)
        try:
            await place.send(
                embed=embed,
                view=_buttons(report.job, words),
                nonce=report.nonce,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        except NOT_POSTED as error:
            log.warning("report.not_shown", extra={"job_id": report.job.id, "error": type(error).__name__})
            return False
        await self._services.clip_reports.shown(report)
        return True

    async def pressed(self, interaction: Interaction, rest: str, _values: list[str]) -> None:
        """Do what a moderator decides; the report then says who did what."""
        action, _, job_id = rest.partition(":")
        if action == STOP:
            await self._ask_suspension(interaction, job_id)
            return
        await defer_update(interaction)
        await require_moderator(interaction, self._services)
        guild_id = interaction.guild_id or 0
        if action == DELETE:
            await self._services.delivery.delete_result(
                job_id, actor_id=interaction.user.id, guild_id=guild_id, is_moderator=True, is_noted=False
            )
            await self._services.sharing.withdraw(job_id)
        await self._services.clip_reports.handled(
            job_id, guild_id=guild_id, actor_id=interaction.user.id, outcome=action
        )
        reported = await self._services.clip_reports.reported(job_id, guild_id=guild_id)
        await self._close(interaction, f"report.outcome.{action}", reported.spec.kind)

    async def _ask_suspension(self, interaction: Interaction, job_id: str) -> None:
        """Open the form for moderators."""
        await refuse_others_soon(interaction, self._services)
        words = words_of(interaction, self._services.catalogue)
        reason = discord.ui.TextInput[Any](custom_id="reason", max_length=REASON_CHARS)
        until = discord.ui.TextInput[Any](custom_id="until", required=False, max_length=ENDING_CHARS)
        items = [
            label(words("modal.suspend_reason"), reason),
            label(words("modal.suspend_until"), until, words("modal.suspend_until_hint")),
        ]
        await open_modal(interaction, modal_id(SUSPEND, job_id), words("modal.suspend_title"), items)

    async def suspended(self, interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
        """Suspend the member whose clip was reported."""
        typed = str(values.get("until") or "").strip()
        ending = parse_ending(typed) if typed else None
        await defer_update(interaction)
        await require_moderator(interaction, self._services)
        guild_id, actor_id = interaction.guild_id or 0, interaction.user.id
        until = await self._moment(guild_id, ending)
        reported = await self._services.clip_reports.reported(rest, guild_id=guild_id)
        reason = str(values.get("reason") or "")
        await self._services.moderation.suspend(guild_id, actor_id, reported.user_id, until, reason)
        await self._services.clip_reports.handled(rest, guild_id=guild_id, actor_id=actor_id, outcome=STOP)
        await self._close(interaction, f"report.outcome.{STOP}", reported.spec.kind)

    async def _moment(self, guild_id: int, ending: Ending | None) -> datetime | None:
        """Return the moment that was meant, days being those of the server's time zone."""
        if ending is None:
            return None
        settings = await self._services.moderation.settings(guild_id)
        return moment_of(ending, self._services.clock.now(), settings.calendar.zone)

    async def _close(self, interaction: Interaction, key: str, kind: Kind) -> None:
        """Take the buttons away and say what was done."""
        rules = await self._services.moderation.rules(interaction.guild_id or 0)
        words = Words(self._services.catalogue, rules.language or str(interaction.guild_locale or interaction.locale))
        embeds = [] if interaction.message is None else interaction.message.embeds[:1]
        for embed in embeds:
            embed.colour = discord.Colour(HANDLED_COLOUR)
            outcome = words.of(kind, key, actor=interaction.user.mention)
            embed.add_field(name=words("report.field.outcome"), value=outcome)
        await interaction.edit_original_response(
            embeds=embeds, view=None, allowed_mentions=discord.AllowedMentions.none()
        )


async def report_clip(interaction: Interaction, services: Services, message: discord.Message) -> None:
    """Ask why a clip is reported.

    Raises:
        Refused: `guild_only`, or `not_a_clip`.
    """
    if interaction.guild_id is None:
        raise Refused("guild_only")
    own = interaction.client.user
    job_id = clip_in(message) if own is not None and message.author.id == own.id else None
    if job_id is None:
        raise Refused("not_a_clip")
    words = words_of(interaction, services.catalogue)
    reason = discord.ui.TextInput[Any](
        custom_id="reason", style=discord.TextStyle.paragraph, min_length=3, max_length=REASON_CHARS
    )
    field = label(words("modal.report"), reason, words("modal.report_hint"))
    await open_modal(interaction, modal_id(REPORT, job_id), words("modal.report_title"), [field])


def clip_in(message: discord.Message) -> str | None:
    """Return the job whose clip a message of ours brings, by its message mark."""
    for row in message.components:
        for button in getattr(row, "children", ()):
            if (job_id := marked_job(str(getattr(button, "custom_id", None) or ""))) is not None:
                return job_id
    return None


def _embed(interaction: Interaction, report: FiledReport, reason: str, words: Words) -> discord.Embed:
    job = report.job
    embed = discord.Embed(title=words.of(job.spec.kind, "report.title"), description=escape(reason), colour=COLOUR)
    embed.add_field(name=words.of(job.spec.kind, "report.field.clip"), value=_link(interaction, report, words))
    embed.add_field(name=words("report.field.member"), value=f"<@{job.user_id}>")
    embed.add_field(name=words("report.field.reporter"), value=interaction.user.mention)
    embed.add_field(name=words("report.field.prompt"), value=escape(shorten(job.spec.prompt, 300)), inline=False)
    return embed.set_footer(text=words("card.footer", job=job.id))


def _link(interaction: Interaction, report: FiledReport, words: Words) -> str:
    job = report.job
    if job.is_private or job.message_channel_id is None or job.message_id is None:
        return words("report.no_link", job=job.id)
    return f"https://discord.com/channels/{interaction.guild_id}/{job.message_channel_id}/{job.message_id}"


def _buttons(job: Job, words: Words) -> discord.ui.View:
    """Return the three buttons. They are answered by their custom ids, not by this object."""
    view = discord.ui.View(timeout=None)
    styles = ((DISMISS, discord.ButtonStyle.secondary), (DELETE, discord.ButtonStyle.danger))
    for action, style in (*styles, (STOP, discord.ButtonStyle.danger)):
        view.add_item(
            discord.ui.Button[Any](
                label=words.of(job.spec.kind, f"button.report_{action}"),
                style=style,
                custom_id=panel_id(REPORT, f"{action}:{job.id}"),
            )
        )
    view.stop()
    return view
