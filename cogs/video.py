"""`/video`: a prompt becomes a clip."""

from typing import Any

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.domain.catalog import MODELS
from bot.domain.requests import PROMPT_MAX_CHARS, PROMPT_MIN_CHARS, Kind
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import check_place, generation_request, requester
from cogs._jobs_shown import show_accepted
from cogs._replies import Interaction, defer, words_of
from cogs.services import Services

MAX_CHOICES = 25
MODEL_CHARS = 100


class Video:
    """Takes requests for clips."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        command = Labels(self._services.catalogue).command("video", self.run, contexts=IN_GUILDS)
        command.autocomplete("model")(self.suggest_models)
        keys = self._services.generation.model_keys()
        offered = [model for model in MODELS if model.kind is Kind.VIDEO and model.key in keys]
        app_commands.choices(
            resolution=_choices(value for model in offered for value in model.made_resolutions),
            aspect_ratio=_choices(value for model in offered for value in model.aspect_ratios),
        )(command)
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
        reference_1: discord.Attachment | None = None,
        reference_2: discord.Attachment | None = None,
        reference_3: discord.Attachment | None = None,
        reference_4: discord.Attachment | None = None,
        audio: bool | None = None,
        seed: int | None = None,
        watermark: bool | None = None,
        sample: app_commands.Range[str, 1, 200] | None = None,
        private: bool = False,
    ) -> None:
        """Refuse what the request alone shows to be wrong, acknowledge, then hold the credits and queue the job."""
        request = generation_request(vars(interaction.namespace))
        if not private:
            check_place(interaction, words_of(interaction, self._services.catalogue))
        spec = self._services.generation.check(request)
        message_id = await defer(interaction, private=private)
        who = requester(interaction, self._services, message_id=message_id)
        job = await self._services.generation.accept(who, request, spec)
        await show_accepted(interaction, self._services, job)

    async def suggest_models(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Suggest models that contain what is typed. No I/O."""
        wanted = current.strip().lower()
        found = [key for key in self._services.generation.model_keys() if wanted in key.lower()]
        return [app_commands.Choice(name=key, value=key) for key in found[:MAX_CHOICES]]


def _choices(values: Any) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=value, value=value) for value in dict.fromkeys(values)]
