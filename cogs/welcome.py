"""First contact: one short message in a server that the bot has just joined."""

import logging
from datetime import timedelta

import aiohttp
import discord

from bot.discord.sentences import SUGGESTED_POOL
from bot.discord.words import Words
from bot.domain.money import ZERO
from cogs.services import Services

log = logging.getLogger(__name__)

#: A server that was joined while the bot was away is greeted when it is first seen, if that was so short ago; those
#: that a new installation finds itself in are not.
JUST_JOINED = timedelta(hours=1)
CLOCK_MARGIN = timedelta(minutes=5)


class Welcome:
    """Greets servers, each once."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def greet(self, guild: discord.Guild, *, has_joined: bool) -> None:
        """Say what to type and what to set, where the bot may write; nothing where it may nowhere.

        `has_joined`: Discord said just now that the bot was added. The server counts as greeted before anything is
        posted, so that no crash makes it twice.
        """
        if not (has_joined or self._is_fresh(guild)):
            return
        channel = place(guild)
        if channel is None or not await self._services.guilds.claim_welcome(guild.id):
            return
        text = await self._text(guild)
        try:
            await channel.send(text, nonce=f"hi-{guild.id}", allowed_mentions=discord.AllowedMentions.none())
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("welcome.not_posted", extra={"guild_id": guild.id, "error": type(error).__name__})

    def _is_fresh(self, guild: discord.Guild) -> bool:
        joined_at = guild.me.joined_at
        return joined_at is not None and -CLOCK_MARGIN <= self._services.clock.now() - joined_at <= JUST_JOINED

    async def _text(self, guild: discord.Guild) -> str:
        words = Words(self._services.catalogue, str(guild.preferred_locale))
        lines = [words("welcome.members"), words("welcome.moderators")]
        limit = await self._services.operator_desk.pool_limit(guild.id)
        if limit is None:
            lines.append(words("welcome.pool_unlimited"))
        elif limit == ZERO:
            lines.append(pool_none(guild.id, words))
        else:
            lines.append(words("welcome.pool", credits=limit))
        return "\n".join(lines)


def pool_none(guild_id: int, words: Words) -> str:
    """Say that a server may spend nothing, with the operator's command."""
    return words(
        "welcome.pool_none", command=f"`python -m bot pool --guild {guild_id} --credits {SUGGESTED_POOL.amount}`"
    )


def place(guild: discord.Guild) -> discord.TextChannel | None:
    """Return where the bot may greet: the channel for system messages, else the first text channel; None for none."""
    system = [] if guild.system_channel is None else [guild.system_channel]
    for channel in [*system, *sorted(guild.text_channels, key=lambda one: (one.position, one.id))]:
        allowed = channel.permissions_for(guild.me)
        if allowed.view_channel and allowed.send_messages:
            return channel
    return None
