"""The Discord surface: each command parses, calls one use case, and shows what came of it."""

from collections.abc import Callable
from typing import Any, Protocol

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.sync import CatalogueTranslator
from cogs.approvals import ApprovalButtons
from cogs.balance import Balance
from cogs.buttons import Buttons
from cogs.errors import answer_error, answer_errors
from cogs.guilds import Guilds
from cogs.help import Help
from cogs.image import Image
from cogs.jobs import Jobs
from cogs.menus import Menus
from cogs.operator import Operator
from cogs.outcomes import tell_outcomes
from cogs.privacy import Privacy
from cogs.queue import Queue
from cogs.quota import Quota
from cogs.quotes import QuoteButtons
from cogs.refund import Refund
from cogs.reports import Reports
from cogs.rerun import Reruns
from cogs.services import Services
from cogs.settings import Settings
from cogs.storyboard import Storyboard
from cogs.styles import Styles
from cogs.usage import Usage
from cogs.video import Video

__all__ = ["Services", "setup"]


class Feature(Protocol):
    """Commands, buttons and listeners of one kind."""

    def register(self, client: BotClient) -> None:
        """Put them on the client."""


FEATURES: tuple[Callable[[Services], Feature], ...] = (
    Video,
    Image,
    Storyboard,
    Jobs,
    Balance,
    Help,
    Styles,
    Quota,
    Settings,
    Queue,
    Refund,
    Usage,
    Buttons,
    QuoteButtons,
    ApprovalButtons,
    Reruns,
    Menus,
    Reports,
    Privacy,
    Operator,
    Guilds,
)


async def setup(client: BotClient, services: Services) -> None:
    """Put every command, button and listener on the client. Before it connects; registering is `bot.discord.sync`."""
    for feature in FEATURES:
        feature(services).register(client)
    await client.tree.set_translator(CatalogueTranslator(services.catalogue))

    async def on_error(interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        await answer_error(interaction, error, services.catalogue)

    async def on_app_command_completion(interaction: discord.Interaction[Any], _command: object) -> None:
        async with answer_errors(interaction, services.catalogue):
            await tell_outcomes(interaction, services)

    client.tree.error(on_error)
    client.event(on_app_command_completion)
