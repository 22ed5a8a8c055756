"""`/video`: a prompt becomes a clip."""

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.domain.requests import PROMPT_MAX_CHARS, PROMPT_MIN_CHARS, Kind
from cogs._asking import ask
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import generation_request
from cogs._options import MODEL_CHARS, STYLE_CHARS, VIDEO_MODELS, Choices, choices, suggest_models, suggest_styles
from cogs._replies import Interaction
from cogs.services import Services


class Video:
    """Takes requests for clips."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        catalogue = self._services.catalogue
        command = Labels(catalogue).command("video", self.run, contexts=IN_GUILDS)
        offered = choices(
            catalogue,
            VIDEO_MODELS,
            resolution=lambda model: model.made_resolutions,
            aspect_ratio=lambda model: model.aspect_ratios,
            rendering=lambda model: model.renderings,
            camera=lambda model: model.cameras,
            motion=lambda model: model.motions,
        )
        app_commands.choices(**offered)(command)
        command.autocomplete("model")(self.suggest_models)
        command.autocomplete("style")(self.suggest_styles)
        client.tree.add_command(command)

    async def run(  # noqa: PLR0917  one parameter is one option
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, PROMPT_MIN_CHARS, PROMPT_MAX_CHARS],
        model: app_commands.Range[str, 1, MODEL_CHARS] | None = None,
        duration: int | None = None,
        resolution: str | None = None,
        aspect_ratio: str | None = None,
        start_image: discord.Attachment | None = None,
        end_image: discord.Attachment | None = None,
        reference_1: discord.Attachment | None = None,
        reference_2: discord.Attachment | None = None,
        reference_3: discord.Attachment | None = None,
        reference_4: discord.Attachment | None = None,
        audio: bool | None = None,
        seed: int | None = None,
        style: app_commands.Range[str, 1, STYLE_CHARS] | None = None,
        rendering: str | None = None,
        fixed_lens: bool | None = None,
        camera: str | None = None,
        motion: str | None = None,
        watermark: bool | None = None,
        sample: app_commands.Range[str, 1, 200] | None = None,
        private: bool = False,
    ) -> None:
        """Ask for a clip."""
        await ask(interaction, self._services, generation_request(vars(interaction.namespace)))

    async def suggest_models(self, interaction: Interaction, current: str) -> Choices:
        """Suggest models that make clips."""
        return await suggest_models(self._services, interaction, current, Kind.VIDEO)

    async def suggest_styles(self, _interaction: Interaction, current: str) -> Choices:
        """Suggest styles that the provider lists."""
        return await suggest_styles(self._services, current)
