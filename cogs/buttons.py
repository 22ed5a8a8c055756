"""What the buttons on cards and clips do. They work after a restart: all they need is in their custom ids."""

import logging

import discord

from bot.discord.client import BotClient
from bot.discord.custom_ids import Action
from bot.discord.views import JobButton
from cogs._moderators import may_moderate
from cogs._replies import Interaction, defer, defer_update, tell, words_of
from cogs.errors import answer_errors
from cogs.jobs import cancel_job
from cogs.outcomes import tell_outcomes
from cogs.panels import Panels, action_handler, register_action
from cogs.services import Services

log = logging.getLogger(__name__)


class Buttons:
    """Answers presses."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Let presses of any of the bot's buttons, old and new, come here; panels and modals go to their features."""
        client.add_dynamic_items(JobButton)
        client.on_button = self.press
        Panels(self._services).register(client)
        for action, handler in HANDLERS.items():
            register_action(client, action, handler)

    async def press(self, interaction: Interaction, action: str, job_id: str, number: int | None) -> None:
        """Do what a button says, or say why not."""
        async with answer_errors(interaction, self._services.catalogue):
            handler = action_handler(interaction.client, action)
            if handler is None:
                await tell(interaction, words_of(interaction, self._services.catalogue)("error.button_expired"))
            else:
                await handler(interaction, self._services, job_id)
            await tell_outcomes(interaction, self._services)


async def cancel(interaction: Interaction, services: Services, job_id: str) -> None:
    """Cancel a job; for its requester or a moderator."""
    await defer(interaction, private=True)
    staff = await may_moderate(interaction, services)
    await tell(interaction, await cancel_job(interaction, services, job_id, is_moderator=staff))


async def delete(interaction: Interaction, services: Services, job_id: str) -> None:
    """Delete a clip, also where it was shared; for its requester or a moderator.

    A private clip's message is no message to the bot's token: only a press on it gives the token that can delete it.
    """
    is_private = interaction.message is not None and interaction.message.flags.ephemeral
    await (defer_update(interaction) if is_private else defer(interaction, private=True))
    await services.delivery.delete_result(
        job_id,
        actor_id=interaction.user.id,
        guild_id=interaction.guild_id,
        is_moderator=await may_moderate(interaction, services),
    )
    await services.sharing.withdraw(job_id)
    if is_private:
        await _remove_own(interaction)
    await tell(interaction, words_of(interaction, services.catalogue)("answer.deleted", job=job_id))


async def _remove_own(interaction: Interaction) -> None:
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        log.info("clip.not_removed", extra={"status": error.status, "code": error.code})


HANDLERS = {Action.CANCEL: cancel, Action.DELETE: delete}
