"""`/queue`: a server's open jobs, live, for its moderators to cancel, approve or deny."""

from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import discord

from bot.discord.client import BotClient
from bot.discord.words import Words
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job
from bot.services.cancellation import CancelOutcome
from cogs._board import FEATURE, Drawing, Sight, draw
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import adult_channels, guild_id_of
from cogs._live import LivePanels, Panel
from cogs._moderators import refuse_others_soon, require_moderator
from cogs._replies import Interaction, defer, mark_filled, tell, words_of
from cogs.jobs import cancel_answer
from cogs.panels import modal_id, open_modal, register_modal, register_panel
from cogs.services import Services

REASON = "reason"
REASON_CHARS = 400

_live: WeakKeyDictionary[discord.Client, LivePanels[Sight]] = WeakKeyDictionary()


async def redraw_panels(client: discord.Client) -> None:
    """Redraw the panels of this process where something changed: a duty of every ten seconds."""
    if (live := _live.get(client)) is not None:
        await live.turn()


class Queue:
    """Shows the board, and does what its buttons say."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._panels: LivePanels[Sight] = LivePanels(services.clock, self._redraw)

    def register(self, client: BotClient) -> None:
        """Add the command, its components and its modal."""
        labels = Labels(self._services.catalogue)
        command = labels.command("queue", self.run, contexts=IN_GUILDS)
        command.default_permissions = discord.Permissions(manage_guild=True)
        client.tree.add_command(command)
        register_panel(client, FEATURE, self.press)
        register_modal(client, FEATURE, self.denied)
        _live[client] = self._panels

    async def run(self, interaction: Interaction) -> None:
        """Show the board, privately."""
        await defer(interaction, private=True)
        await self._show(interaction, Sight())

    async def press(self, interaction: Interaction, rest: str, values: list[str]) -> None:
        """Turn a page, pick a job, or decide on one; only for moderators, whoever pressed."""
        try:
            verb, sight = Sight.parse(rest)
        except ValueError:
            raise Refused("panel_expired") from None
        if verb == "deny":
            await self._ask_reason(interaction, sight)
            return
        await interaction.response.defer()
        await require_moderator(interaction, self._services)
        if verb == "pick" and values:
            sight = Sight(sight.page, sight.oldest_first, values[0])
        said = await self._decide(interaction, verb, sight)
        await self._show(interaction, sight)
        if said:
            await tell(interaction, said)

    async def denied(self, interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
        """Deny the job whose reason was asked for."""
        try:
            _, sight = Sight.parse(rest)
        except ValueError:
            raise Refused("panel_expired") from None
        await interaction.response.defer()
        await require_moderator(interaction, self._services)
        job = await self._services.approvals.deny(
            sight.job_id,
            guild_id=guild_id_of(interaction),
            actor_id=interaction.user.id,
            reason=str(values.get(REASON) or "").strip(),
        )
        await self._decided(job)
        await self._show(interaction, Sight(sight.page, sight.oldest_first))
        await tell(interaction, self._words(interaction)("queue.denied", job=job.id, member=f"<@{job.user_id}>"))

    async def _decide(self, interaction: Interaction, verb: str, sight: Sight) -> str:
        """Do what a verb says about the picked job. Returns what to say of it, nothing for verbs that only show."""
        if verb == "cancel":
            return await self._cancel(interaction, sight.job_id)
        if verb != "approve":
            return ""
        job = await self._services.approvals.approve(
            sight.job_id,
            guild_id=guild_id_of(interaction),
            actor_id=interaction.user.id,
            adult_channels=adult_channels(interaction),
        )
        await self._decided(job)
        return self._words(interaction)("queue.approved", job=job.id, member=f"<@{job.user_id}>")

    async def _decided(self, job: Job) -> None:
        """Show a decision where the job and its approval card are seen."""
        self._services.cards.touch(job.id)
        await self._services.approvals.redraw(job)

    async def _cancel(self, interaction: Interaction, job_id: str) -> str:
        guild_id = guild_id_of(interaction)
        outcome = await self._services.cancellation.request(
            job_id, actor_id=interaction.user.id, guild_id=guild_id, is_moderator=True
        )
        self._services.cards.touch(job_id)
        words = self._words(interaction)
        job = await self._services.board.job(guild_id, job_id)
        if outcome is CancelOutcome.CANCELLED:
            await self._services.approvals.redraw(job)
        return cancel_answer(outcome, job, words)

    async def _ask_reason(self, interaction: Interaction, sight: Sight) -> None:
        """Open the modal that asks why, for moderators."""
        await refuse_others_soon(interaction, self._services)
        words = self._words(interaction)
        field: discord.ui.Label[Any] = discord.ui.Label(
            text=words("queue.reason"),
            component=discord.ui.TextInput(
                custom_id=REASON, style=discord.TextStyle.paragraph, min_length=1, max_length=REASON_CHARS
            ),
        )
        title = words("queue.deny_title", job=sight.job_id)
        await open_modal(interaction, modal_id(FEATURE, sight.rest("deny")), title, [field])

    async def _show(self, interaction: Interaction, sight: Sight) -> None:
        """Draw the panel in the interaction's message, and keep it live."""
        until = self._panels.ends_at()
        drawing = await self._draw(interaction, sight, until=until)
        message = await self._put(interaction, drawing)
        mark_filled(interaction)
        self._panels.keep(message.id, Panel(interaction, sight, drawing.text, until))

    async def _redraw(self, panel: Panel[Sight], is_last: bool) -> str:
        drawing = await self._draw(panel.interaction, panel.sight, until=None if is_last else panel.until)
        if drawing.text != panel.text:
            await self._put(panel.interaction, drawing)
        return drawing.text

    async def _put(self, interaction: Interaction, drawing: Drawing) -> discord.InteractionMessage:
        return await interaction.edit_original_response(
            content=None, embeds=drawing.embeds, view=drawing.view, allowed_mentions=discord.AllowedMentions.none()
        )

    async def _draw(self, interaction: Interaction, sight: Sight, *, until: datetime | None) -> Drawing:
        guild_id = guild_id_of(interaction)
        shown = await self._services.board.page(guild_id, page=sight.page, oldest_first=sight.oldest_first)
        picked = await self._picked(guild_id, sight.job_id)
        return draw(shown, picked, sight, self._words(interaction), live_until=until)

    async def _picked(self, guild_id: int, job_id: str) -> Job | None:
        if not job_id:
            return None
        try:
            return await self._services.board.job(guild_id, job_id)
        except NotFound:
            return None

    def _words(self, interaction: Interaction) -> Words:
        return words_of(interaction, self._services.catalogue)
