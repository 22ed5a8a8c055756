"""Menus on messages and members: animate a picture, report a clip, show a balance."""

from typing import Any

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.domain.errors import Refused
from bot.domain.requests import Attachment, GenerationRequest, ReferenceRole
from cogs._commands import GUILD_INSTALLS, IN_GUILDS, Labels
from cogs._inputs import check_place, requester, role_ids
from cogs._jobs_shown import show_accepted
from cogs._lists import balance_embed
from cogs._modal_fields import FIELD_CHARS, label, paragraph
from cogs._replies import Interaction, defer, tell, words_of
from cogs.panels import modal_id, open_modal, register_modal
from cogs.reports import report_clip
from cogs.services import Services

ANIMATE = "animate"
#: Kinds of embeds whose thumbnail is the picture itself, or stands for it (resources/message, Embed Types).
PICTURED = frozenset({"image", "article", "link", "rich"})


class Menus:
    """Adds the menus."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, client: BotClient) -> None:
        """Add the three menus and the form of the first."""
        labels = Labels(self._services.catalogue)
        for key, callback in (("animate", self.animate), ("report", self.report), ("balance", self.balance)):
            menu = app_commands.ContextMenu(
                name=labels(f"menu.{key}.name"),
                callback=callback,
                allowed_contexts=IN_GUILDS,
                allowed_installs=GUILD_INSTALLS,
            )
            if key == "balance":
                menu.default_permissions = discord.Permissions(manage_guild=True)
            client.tree.add_command(menu)
        register_modal(client, ANIMATE, self.animated)

    async def animate(self, interaction: Interaction, message: discord.Message) -> None:
        """Ask how the picture of a message moves."""
        words = words_of(interaction, self._services.catalogue)
        requester(interaction, self._services, message_id=None)
        check_place(interaction, words)
        address = picture_of(message)
        if address is None or len(address) > FIELD_CHARS:
            raise Refused("no_picture")
        picture = discord.ui.TextInput[Any](custom_id="picture", default=address, max_length=FIELD_CHARS)
        items = [
            label(words("modal.animate"), paragraph("prompt"), words("modal.animate_hint")),
            label(words("modal.picture"), picture, words("modal.picture_hint")),
        ]
        await open_modal(interaction, modal_id(ANIMATE), words("modal.animate_title"), items)

    async def animated(self, interaction: Interaction, _rest: str, values: dict[str, Any]) -> None:
        """Make the picture the start image of a new clip. Its address is whatever the form says: it is not trusted."""
        check_place(interaction, words_of(interaction, self._services.catalogue))
        address = str(values.get("picture") or "").strip()
        picture = Attachment("start_image", ReferenceRole.START_IMAGE, "picture", 1, address)
        request = GenerationRequest(prompt=str(values.get("prompt") or ""), attachments=(picture,))
        spec = self._services.generation.check(request)
        message_id = await defer(interaction, private=False)
        who = requester(interaction, self._services, message_id=message_id)
        job = await self._services.generation.accept(who, request, spec)
        await show_accepted(interaction, self._services, job)

    async def report(self, interaction: Interaction, message: discord.Message) -> None:
        """Report a clip to the server's moderators."""
        await report_clip(interaction, self._services, message)

    async def balance(self, interaction: Interaction, member: discord.Member) -> None:
        """Show a member's balance to a moderator; who that is, is set where Discord keeps commands' permissions."""
        if interaction.guild is None:
            raise Refused("guild_only")
        await defer(interaction, private=True)
        view = await self._services.queries.balance(
            guild_id=interaction.guild.id, user_id=member.id, role_ids=role_ids(member)
        )
        words = words_of(interaction, self._services.catalogue)
        await tell(interaction, embed=balance_embed(view, words("balance.title_of", member=member.display_name), words))


def picture_of(message: discord.Message) -> str | None:
    """Return the address of a message's first picture: attached, forwarded or embedded. None where there is none."""
    sources: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    attached = [file for source in sources for file in source.attachments if _is_picture(file)]
    still = [file for file in attached if file.content_type != "image/gif"]
    if attached:
        return (still or attached)[0].url
    for embed in (embed for source in sources for embed in source.embeds):
        pictures = [embed.image, *([embed.thumbnail] if embed.type in PICTURED else [])]
        for picture in pictures:
            if picture is not None and (address := picture.proxy_url or picture.url):
                return address
    return None


def _is_picture(file: discord.Attachment) -> bool:
    return (file.content_type or "").startswith("image/")
