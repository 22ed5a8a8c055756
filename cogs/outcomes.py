"""Outcomes of private jobs that could not be told when they came: told with the member's next command."""

from bot.discord.render import Renderer
from cogs._replies import Interaction, tell
from cogs.services import Services


async def tell_outcomes(interaction: Interaction, services: Services) -> None:
    """Tell them privately, after the command's own answer."""
    for job in await services.queries.untold(interaction.user.id):
        await tell(interaction, Renderer(services.catalogue).outcome(job))
        await services.queries.mark_told(job.id)
