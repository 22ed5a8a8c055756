"""A bare discord.py bot: it registers two commands and acknowledges them, nothing else."""

import asyncio
import os
from typing import Any

import discord
import uvloop
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route


class BareBot(discord.AutoShardedClient):
    """The same client settings as the bot's."""

    def __init__(self, guild_id: int) -> None:
        super().__init__(intents=discord.Intents(guilds=True), max_messages=None, chunk_guilds_at_startup=False)
        self.tree: app_commands.CommandTree[BareBot] = app_commands.CommandTree(self)
        self._guild = discord.Object(guild_id)
        self.tree.add_command(app_commands.Command(name="video", description="A clip", callback=video))
        self.tree.add_command(app_commands.Command(name="balance", description="What is left", callback=balance))

    async def setup_hook(self) -> None:
        """Learn the gateway's address and register the commands."""
        _, gateway, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
        self.tree.copy_global_to(guild=self._guild)
        await self.tree.sync(guild=self._guild)


async def video(interaction: discord.Interaction[Any], prompt: str) -> None:
    """Acknowledge as the bot does."""
    await interaction.response.defer(thinking=True)


async def balance(interaction: discord.Interaction[Any]) -> None:
    """Acknowledge as the bot does."""
    await interaction.response.defer(ephemeral=True, thinking=True)


async def main() -> None:
    """Run until the process is ended."""
    Route.BASE = os.environ["DISCORD_API_BASE"]
    async with BareBot(int(os.environ["DISCORD_GUILD_ID"])) as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
