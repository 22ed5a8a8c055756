"""Approve and Deny, under approval cards."""

import discord

from bot.discord.client import BotClient
from bot.discord.custom_ids import Action
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job
from cogs._inputs import adult_channels
from cogs._moderators import refuse_others_soon, require_moderator
from cogs._replies import Interaction, defer, tell, words_of
from cogs.panels import modal_id, open_modal, register_action, register_modal
from cogs.services import Services

FEATURE = "deny"
REASON = "reason"
REASON_CHARS = 400


class ApprovalButtons:
    """Answers presses under approval cards."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Answer both buttons and the modal that asks for a reason."""
        register_action(client, Action.APPROVE, approve)
        register_action(client, Action.DENY, ask_reason)
        register_modal(client, FEATURE, self.deny)

    async def deny(self, interaction: Interaction, rest: str, values: dict[str, object]) -> None:
        """Deny with the reason that was typed."""
        await defer(interaction, private=True)
        await require_moderator(interaction, self._services)
        reason = str(values.get(REASON) or "").strip()
        await deny_job(interaction, self._services, rest, reason)


async def approve(interaction: Interaction, services: Services, job_id: str) -> None:
    """Approve a job; for moderators, never their own."""
    await defer(interaction, private=True)
    await require_moderator(interaction, services)
    await approve_job(interaction, services, job_id)


async def approve_job(interaction: Interaction, services: Services, job_id: str) -> None:
    """Approve for a moderator who has been checked, and say so.

    Raises:
        Refused: it waits no longer, is their own, or a rule is against it now.
    """
    try:
        job = await services.approvals.approve(
            job_id,
            guild_id=interaction.guild_id or 0,
            actor_id=interaction.user.id,
            adult_channels=adult_channels(interaction),
        )
    except Refused as refusal:
        await _redraw(interaction, services, job_id, refusal)
        raise
    await _show(services, job)
    await tell(interaction, words_of(interaction, services.catalogue)("answer.approved", job=job.id))


async def deny_job(interaction: Interaction, services: Services, job_id: str, reason: str) -> None:
    """Deny for a moderator who has been checked, and say so.

    Raises:
        Refused: it waits no longer, or is their own.
    """
    try:
        job = await services.approvals.deny(
            job_id, guild_id=interaction.guild_id or 0, actor_id=interaction.user.id, reason=reason
        )
    except Refused as refusal:
        await _redraw(interaction, services, job_id, refusal)
        raise
    await _show(services, job)
    await tell(interaction, words_of(interaction, services.catalogue)("answer.denied", job=job.id, credits=job.quote))


async def ask_reason(interaction: Interaction, services: Services, job_id: str) -> None:
    """Open the modal that asks why, for moderators."""
    await refuse_others_soon(interaction, services)
    words = words_of(interaction, services.catalogue)
    field = discord.ui.TextInput[discord.ui.LayoutView](
        custom_id=REASON, style=discord.TextStyle.paragraph, max_length=REASON_CHARS, required=False
    )
    label = discord.ui.Label[discord.ui.LayoutView](
        text=words("modal.deny.reason"), description=words("modal.deny.reason_about"), component=field
    )
    await open_modal(interaction, modal_id(FEATURE, job_id), words("modal.deny.title"), [label])


async def _show(services: Services, job: Job) -> None:
    services.cards.touch(job.id)
    await services.approvals.redraw(job)


async def _redraw(interaction: Interaction, services: Services, job_id: str, refusal: Refused) -> None:
    """A card that still has its buttons although the job has moved on is drawn anew."""
    if refusal.code != "not_waiting":
        return
    try:
        job = await services.board.job(interaction.guild_id or 0, job_id)
    except NotFound:
        return
    await services.approvals.redraw(job)
