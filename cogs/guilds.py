"""Servers that the bot joins, knows and leaves."""

import discord

from bot.discord.client import BotClient
from cogs.services import Services
from cogs.welcome import Welcome


class Guilds:
    """Keeps what is stored about servers true."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._welcome = Welcome(services)
        self._known: dict[int, tuple[int, str]] = {}

    def register(self, client: BotClient) -> None:
        """Listen to the gateway."""

        async def on_guild_available(guild: discord.Guild) -> None:
            await self.seen(guild)
            await self._welcome.greet(guild, has_joined=False)

        async def on_guild_join(guild: discord.Guild) -> None:
            await self.seen(guild)
            await self._welcome.greet(guild, has_joined=True)

        async def on_guild_update(_before: discord.Guild, after: discord.Guild) -> None:
            await self.seen(after)

        async def on_guild_remove(guild: discord.Guild) -> None:
            self._known.pop(guild.id, None)
            await self._services.guilds.removed(guild.id)

        async def on_ready() -> None:
            here = {guild.id for guild in client.guilds}
            await self._services.guilds.compare(lambda guild_id: guild_id not in here and _is_of(client, guild_id))

        for listener in (on_guild_available, on_guild_join, on_guild_update, on_guild_remove, on_ready):
            client.event(listener)

    async def seen(self, guild: discord.Guild) -> None:
        """Store a server's owner and language where they changed."""
        facts = (guild.owner_id or 0, str(guild.preferred_locale))
        if self._known.get(guild.id) == facts:
            return
        await self._services.guilds.seen(guild_id=guild.id, owner_id=facts[0], locale=facts[1])
        self._known[guild.id] = facts


def _is_of(client: BotClient, guild_id: int) -> bool:
    """Whether one of this process's shards would have a server (events/gateway, Sharding Formula)."""
    count = client.shard_count or 1
    return count == 1 or (guild_id >> 22) % count in client.shards
