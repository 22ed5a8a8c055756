"""`/privacy`: one's own data, as a file or deleted."""

import io

import discord

from bot.discord.client import BotClient
from bot.discord.words import Words
from bot.domain.errors import Refused
from bot.services.own_file import FILE_BYTES_MAX
from bot.services.privacy import Stored
from cogs._commands import IN_GUILDS_AND_DIRECT, Labels
from cogs._replies import Interaction, defer, mark_filled, tell, words_of
from cogs.panels import panel_id, register_panel
from cogs.services import Services

FEATURE = "privacy"


class Privacy:
    """Hands out and deletes what is stored about whoever asks, over all servers; always privately."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the commands and the buttons of the question."""
        labels = Labels(self._services.catalogue)
        group = labels.group("privacy", contexts=IN_GUILDS_AND_DIRECT)
        group.add_command(labels.command("privacy.export", self.export))
        group.add_command(labels.command("privacy.delete", self.delete))
        client.tree.add_command(group)
        register_panel(client, FEATURE, self.press)

    async def export(self, interaction: Interaction) -> None:
        """Send a ZIP of everything that is stored about the user."""
        await defer(interaction, private=True)
        words = words_of(interaction, self._services.catalogue)
        most_bytes = min(interaction.filesize_limit, FILE_BYTES_MAX)
        data = await self._services.privacy.export(interaction.user.id, most_bytes=most_bytes)
        name = f"seedance-data-{self._services.clock.now():%Y-%m-%d}.zip"
        await interaction.edit_original_response(
            content=words("privacy.exported"), attachments=[discord.File(io.BytesIO(data), name)]
        )
        mark_filled(interaction)

    async def delete(self, interaction: Interaction) -> None:
        """Ask whether everything shall be deleted, and say what that means."""
        await defer(interaction, private=True)
        words = words_of(interaction, self._services.catalogue)
        stored = await self._services.privacy.stored(interaction.user.id)
        if not stored.guilds:
            await tell(interaction, words("privacy.nothing"))
            return
        await tell(interaction, _question(stored, words), view=_buttons(interaction.user.id, words))

    async def press(self, interaction: Interaction, rest: str, _values: list[str]) -> None:
        """Delete, or leave everything as it is."""
        verb, _, user_id = rest.partition(":")
        if verb not in {"delete", "keep"} or user_id != str(interaction.user.id):
            raise Refused("panel_not_yours")
        await interaction.response.defer()
        words = words_of(interaction, self._services.catalogue)
        if verb == "delete":
            await self._services.privacy.delete(interaction.user.id)
        key = "privacy.deleted" if verb == "delete" else "privacy.kept"
        await interaction.edit_original_response(content=words(key), view=None)


def _question(stored: Stored, words: Words) -> str:
    jobs, guilds = words("count.jobs", count=stored.jobs), words("count.servers", count=stored.guilds)
    lines = [words("privacy.question", jobs=jobs, guilds=guilds)]
    if stored.quotes:
        lines.append(words("privacy.question_quotes", count=stored.quotes))
    return "\n".join([*lines, words("privacy.terms")])


def _buttons(user_id: int, words: Words) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for verb, style in (("delete", discord.ButtonStyle.danger), ("keep", discord.ButtonStyle.secondary)):
        view.add_item(
            discord.ui.Button(
                label=words(f"privacy.button_{verb}"), style=style, custom_id=panel_id(FEATURE, f"{verb}:{user_id}")
            )
        )
    view.stop()  # found by its custom ids, so that discord.py need not keep it
    return view
