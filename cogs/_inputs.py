"""From Discord's interactions to the values that the use cases take."""

from datetime import timedelta
from typing import Any

import discord

from bot.discord.words import Words
from bot.domain.errors import Refused
from bot.domain.jobs import CardTarget
from bot.domain.requests import Attachment, GenerationRequest, Kind, ReferenceRole
from bot.services.generation import Requester
from cogs.services import Services

#: What posting a clip needs in a channel; in a thread the right to write is another one (topics/permissions).
CHANNEL_NEEDS = ("view_channel", "send_messages", "attach_files", "embed_links", "read_message_history")
THREAD_NEEDS = ("view_channel", "send_messages_in_threads", "attach_files", "embed_links", "read_message_history")


#: Options that carry files, in the order in which a provider gets them, and what each is for.
FILE_OPTIONS = {
    "start_image": ReferenceRole.START_IMAGE,
    "end_image": ReferenceRole.END_IMAGE,
    "reference_1": ReferenceRole.REFERENCE,
    "reference_2": ReferenceRole.REFERENCE,
    "reference_3": ReferenceRole.REFERENCE,
    "reference_4": ReferenceRole.REFERENCE,
}


def generation_request(options: dict[str, Any], kind: Kind = Kind.VIDEO) -> GenerationRequest:
    """Build a request from a command's options, by their names; None is an option that was not chosen.

    A storyboard has no `prompt` among them.
    """
    attachments = [attachment(name, options.get(name)) for name in FILE_OPTIONS]
    return GenerationRequest(
        prompt=options.get("prompt") or "",
        kind=kind,
        model=options.get("model"),
        duration_s=options.get("duration"),
        resolution=options.get("resolution"),
        aspect_ratio=options.get("aspect_ratio"),
        audio=options.get("audio"),
        seed=options.get("seed"),
        watermark=options.get("watermark"),
        sample=options.get("sample") or None,
        rendering=options.get("rendering"),
        style=options.get("style") or None,
        camera=options.get("camera"),
        motion=options.get("motion"),
        fixed_lens=options.get("fixed_lens"),
        count=options.get("count"),
        format=options.get("format"),
        private=bool(options.get("private")),
        attachments=tuple(one for one in attachments if one is not None),
    )


def attachment(option: str, given: discord.Attachment | None) -> Attachment | None:
    """Describe an attached file; nothing of it but the address is trusted."""
    if given is None:
        return None
    return Attachment(
        option=option, role=FILE_OPTIONS[option], filename=given.filename, size_bytes=given.size, url=given.url
    )


def requester(interaction: discord.Interaction[Any], services: Services, *, message_id: int | None) -> Requester:
    """Say who asks, where, and where the card is.

    Raises:
        Refused: `guild_only`.
    """
    guild, channel_id = joined_guild(interaction), interaction.channel_id
    if channel_id is None:
        raise Refused("guild_only")
    parent_id = getattr(interaction.channel, "parent_id", None) if is_thread(interaction) else None
    return Requester(
        guild_id=guild.id,
        channel_id=channel_id,
        parent_channel_id=parent_id or channel_id,
        user_id=interaction.user.id,
        role_ids=role_ids(interaction.user),
        locale=str(interaction.locale),
        public_locale=str(interaction.guild_locale or guild.preferred_locale),
        guild_owner_id=guild.owner_id or 0,
        is_age_restricted=is_age_restricted(interaction),
        size_limit_bytes=min(interaction.filesize_limit, guild.filesize_limit),
        card=CardTarget(
            application_id=interaction.application_id,
            interaction_token=interaction.token,
            token_expires_at=services.clock.now() + timedelta(seconds=services.token_lifetime_s),
            channel_id=channel_id,
            message_id=message_id,
        ),
    )


def joined_guild(interaction: discord.Interaction[Any]) -> discord.Guild:
    """Return the server of an interaction.

    Commands can be used where they were added without the bot itself (topics/oauth2, applications.commands): nothing
    could be posted there. Servers that the bot is in are known from the gateway.

    Raises:
        Refused: `guild_only`, also for such a server.
    """
    guild_id = interaction.guild_id
    guild: discord.Guild | None = None if guild_id is None else interaction.client.get_guild(guild_id)
    if guild is None:
        raise Refused("guild_only")
    return guild


def guild_id_of(interaction: discord.Interaction[Any]) -> int:
    """Return the id of the server where the interaction happened.

    Raises:
        Refused: `guild_only`.
    """
    if interaction.guild_id is None:
        raise Refused("guild_only")
    return interaction.guild_id


def check_place(interaction: discord.Interaction[Any], words: Words) -> None:
    """Refuse a public job where its clip could not be posted. No I/O: Discord sends the bot's permissions along.

    Raises:
        Refused: `guild_only` or `bot_permissions`, which names the missing ones.
    """
    joined_guild(interaction)
    allowed = interaction.app_permissions
    needs = THREAD_NEEDS if is_thread(interaction) else CHANNEL_NEEDS
    missing = [name for name in needs if not (allowed.administrator or getattr(allowed, name))]
    if missing:
        names = ", ".join(words(f"permission.{name}") for name in missing)
        raise Refused("bot_permissions", missing=names, channel_id=interaction.channel_id)


def is_thread(interaction: discord.Interaction[Any]) -> bool:
    """Tell whether the interaction happened in a thread."""
    return isinstance(interaction.channel, discord.Thread)


def is_age_restricted(interaction: discord.Interaction[Any]) -> bool:
    """Tell whether the channel, or the one that a thread belongs to, is for adults only; no where nobody said so."""
    asked = getattr(interaction.channel, "is_nsfw", None)
    return bool(asked is not None and asked())


def adult_channels(interaction: discord.Interaction[Any]) -> frozenset[int] | None:
    """Return the server's age-restricted channels, None where its channels are not known here. No I/O."""
    channels = [] if interaction.guild is None else interaction.guild.channels
    return frozenset(one.id for one in channels if one.is_nsfw()) if channels else None


def is_moderator(interaction: discord.Interaction[Any]) -> bool:
    """Tell whether the user may manage the server."""
    return interaction.guild is not None and interaction.permissions.manage_guild


def role_ids(user: discord.User | discord.Member) -> tuple[int, ...]:
    """Return a member's roles; a user outside a server has none."""
    return tuple(role.id for role in user.roles) if isinstance(user, discord.Member) else ()
