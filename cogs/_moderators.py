"""Who may act as a moderator beyond the commands that Discord itself keeps to them."""

from bot.domain.errors import Refused
from cogs._inputs import is_moderator, role_ids
from cogs._replies import Interaction
from cogs.services import Services


async def may_moderate(interaction: Interaction, services: Services) -> bool:
    """Whether the user may manage the server, or has a role that `/settings` names. At most one read."""
    if is_moderator(interaction):
        return True
    roles = role_ids(interaction.user)
    if interaction.guild_id is None or not roles:
        return False
    return await services.moderation.is_moderator_role(interaction.guild_id, roles)


async def require_moderator(interaction: Interaction, services: Services) -> None:
    """Refuse whoever may not moderate. At most one read.

    Raises:
        Refused: `not_moderator`.
    """
    if not await may_moderate(interaction, services):
        raise Refused("not_moderator")
