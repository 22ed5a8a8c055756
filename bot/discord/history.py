"""Whether the bot may read a channel's history: without that, an empty history proves nothing."""

import asyncio

import discord

LOOKUP_TIMEOUT_S = 60.0


async def can_read_history(client: discord.Client, channel_id: int) -> bool:
    """Tell whether the bot has View Channel and Read Message History there; from the cache, else over REST.

    Raises:
        discord.HTTPException: Discord did not say.
    """
    cached = client.get_channel(channel_id)
    is_orphan = isinstance(cached, discord.Thread) and cached.parent is None  # its permissions are its parent's
    if isinstance(cached, discord.abc.GuildChannel | discord.Thread) and not is_orphan:
        return _allows(cached.permissions_for(cached.guild.me))
    async with asyncio.timeout(LOOKUP_TIMEOUT_S):
        return await _ask(client, channel_id)


async def _ask(client: discord.Client, channel_id: int) -> bool:
    raw = await client.http.get_channel(channel_id)
    guild_id = raw.get("guild_id")
    if guild_id is None:
        return True  # direct messages: always readable for both sides
    guild = await client.fetch_guild(int(guild_id))  # type: ignore[call-overload]
    if client.user is None:
        return False
    me = await guild.fetch_member(client.user.id)
    is_thread = raw["type"] in {10, 11, 12}
    home_id = raw.get("parent_id") if is_thread else channel_id  # a thread's permissions are its parent's
    home = await guild.fetch_channel(int(home_id))  # type: ignore[call-overload]
    return _allows(home.permissions_for(me))


def _allows(permissions: discord.Permissions) -> bool:
    return permissions.administrator or (permissions.view_channel and permissions.read_message_history)
