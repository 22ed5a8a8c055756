"""Buttons that work after a restart: discord.py finds them by the pattern of their custom id."""

import re
from typing import Any, Self

import discord

from bot.discord.custom_ids import PATTERN


class JobButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=PATTERN):
    """Any button of ours. It hands the press to the client's `on_button`, which answers and never raises."""

    def __init__(self, item: discord.ui.Button[Any], *, action: str, job_id: str, number: int | None) -> None:
        super().__init__(item)
        self.action = action
        self.job_id = job_id
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the job and the delivery out of the custom id."""
        number = match["number"]
        button = discord.ui.Button[Any](custom_id=match.string)
        return cls(button, action=match["action"], job_id=match["job"], number=int(number) if number else None)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the press on."""
        handler = getattr(interaction.client, "on_button", None)
        if handler is not None:
            await handler(interaction, self.action, self.job_id, self.number)
