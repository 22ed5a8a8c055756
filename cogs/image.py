"""`/image`: a prompt becomes pictures."""

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.domain.requests import PROMPT_MAX_CHARS, PROMPT_MIN_CHARS, Kind
from cogs._asking import ask
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import generation_request
from cogs._options import IMAGE_MODELS, MODEL_CHARS, Choices, choices, suggest_models, suggest_ratios
from cogs._replies import Interaction
from cogs.services import Services

MOST_PICTURES = max(model.max_count for model in IMAGE_MODELS)
RATIO_CHARS = 20
#: Options whose descriptions differ from those of `/video`.
ABOUT_PICTURES = (
    "prompt",
    "model",
    "resolution",
    "reference_1",
    "reference_2",
    "reference_3",
    "reference_4",
    "private",
)


class Image:
    """Takes requests for pictures."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        catalogue = self._services.catalogue
        entries = {name: f"image_{name}" for name in ABOUT_PICTURES}
        command = Labels(catalogue).command("image", self.run, contexts=IN_GUILDS, options=entries)
        offered = choices(
            catalogue,
            IMAGE_MODELS,
            resolution=lambda model: model.made_resolutions,
            format=lambda model: model.formats,
            rendering=lambda model: model.renderings,
        )
        app_commands.choices(**offered)(command)
        command.autocomplete("model")(self.suggest_models)
        command.autocomplete("aspect_ratio")(self.suggest_ratios)
        client.tree.add_command(command)

    async def run(  # noqa: PLR0917  one parameter is one option
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, PROMPT_MIN_CHARS, PROMPT_MAX_CHARS],
        model: app_commands.Range[str, 1, MODEL_CHARS] | None = None,
        aspect_ratio: app_commands.Range[str, 1, RATIO_CHARS] | None = None,
        resolution: str | None = None,
        count: app_commands.Range[int, 1, MOST_PICTURES] | None = None,
        format: str | None = None,
        reference_1: discord.Attachment | None = None,
        reference_2: discord.Attachment | None = None,
        reference_3: discord.Attachment | None = None,
        reference_4: discord.Attachment | None = None,
        rendering: str | None = None,
        private: bool = False,
    ) -> None:
        """Ask for pictures."""
        await ask(interaction, self._services, generation_request(vars(interaction.namespace), Kind.IMAGE))

    async def suggest_models(self, interaction: Interaction, current: str) -> Choices:
        """Suggest models that make pictures."""
        return await suggest_models(self._services, interaction, current, Kind.IMAGE)

    async def suggest_ratios(self, interaction: Interaction, current: str) -> Choices:
        """Suggest the shapes that the chosen model makes."""
        return await suggest_ratios(self._services, interaction, current, Kind.IMAGE)
