"""`/styles`: the visual styles that providers list."""

import discord

from bot.discord.client import BotClient
from bot.discord.words import Words, relative
from bot.services.styles import StyleList
from cogs._commands import IN_GUILDS, Labels
from cogs._replies import Interaction, defer, tell, words_of
from cogs.services import Services

LIST_CHARS = 3000  # an embed's description has room for 4096


class Styles:
    """Shows every style there is, privately."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the command."""
        client.tree.add_command(Labels(self._services.catalogue).command("styles", self.run, contexts=IN_GUILDS))

    async def run(self, interaction: Interaction) -> None:
        """List the styles by who has them."""
        await defer(interaction, private=True)
        words = words_of(interaction, self._services.catalogue)
        lists = [one for one in await self._services.styles.lists() if one.styles]
        if not lists:
            await tell(interaction, words("styles.unknown" if self._services.styles.has_models else "styles.none"))
            return
        most_chars = LIST_CHARS // len(lists)
        parts = [words("styles.how"), *(_describe(one, words, most_chars) for one in lists)]
        await tell(interaction, embed=discord.Embed(title=words("styles.title"), description="\n\n".join(parts)))


def _describe(one: StyleList, words: Words, most_chars: int) -> str:
    lines = [words("styles.models", models=", ".join(f"`{key}`" for key in one.models))]
    shown = _fitting(one.styles, most_chars)
    lines.append(" ".join(f"`{style.replace('`', '')}`" for style in shown))
    if len(shown) < len(one.styles):
        lines.append(words("styles.more", count=len(one.styles) - len(shown)))
    if one.is_stale:
        lines.append(words("styles.as_of", when=relative(one.answered_at)))
    return "\n".join(lines)


def _fitting(styles: tuple[str, ...], most_chars: int) -> list[str]:
    """Return as many of the first styles as there is room for, with their code spans."""
    shown: list[str] = []
    for style in styles:
        most_chars -= len(style) + 3
        if most_chars < 0:
            break
        shown.append(style)
    return shown
