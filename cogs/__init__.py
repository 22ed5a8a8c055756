"""The Discord surface: each command parses, calls one use case, and shows what came of it."""

from typing import Any

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.sync import CatalogueTranslator
from cogs.balance import Balance
from cogs.buttons import Buttons
from cogs.errors import answer_error, answer_errors
from cogs.guilds import Guilds
from cogs.help import Help
from cogs.jobs import Jobs
from cogs.outcomes import tell_outcomes
from cogs.quota import Quota
from cogs.services import Services
from cogs.video import Video

__all__ = ["Services", "setup"]


async def setup(client: BotClient, services: Services) -> None:
    """Put every command, button and listener on the client. Before it connects; registering is `bot.discord.sync`."""
    for feature in (Video, Jobs, Balance, Quota, Help, Buttons, Guilds):
        feature(services).register(client)
    await client.tree.set_translator(CatalogueTranslator(services.catalogue))

    async def on_error(interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        await answer_error(interaction, error, services.catalogue)

    async def on_app_command_completion(interaction: discord.Interaction[Any], _command: object) -> None:
        async with answer_errors(interaction, services.catalogue):
            await tell_outcomes(interaction, services)

    client.tree.error(on_error)
    client.event(on_app_command_completion)
