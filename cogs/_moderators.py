"""Who may act as a moderator beyond the commands that Discord itself keeps to them, and about which roles."""

import asyncio
import contextlib

import discord

from bot.domain.errors import Refused
from cogs._inputs import is_moderator, role_ids
from cogs._replies import Interaction
from cogs.panels import LOOK_TIMEOUT_S
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


async def refuse_others_soon(interaction: Interaction, services: Services) -> None:
    """Refuse whoever may not moderate before a form opens, where the read is not late: the answer is checked again.

    Raises:
        Refused: `not_moderator`.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            await require_moderator(interaction, services)


def check_role_below(guild: discord.Guild | None, role_id: int) -> None:
    """Refuse a role that stands above the bot's own: what is up there is not for the bot to know about.

    Where the bot has no role of its own, or the server is not known here, there is nothing to compare with.

    Raises:
        Refused: `role_above_bot`, with both roles.
    """
    own = None if guild is None or guild.me is None else guild.me.top_role
    role = None if guild is None else guild.get_role(role_id)
    if own is None or role is None or own.is_default():
        return
    if role.position > own.position:
        raise Refused("role_above_bot", role_id=role.id, own_id=own.id)
