"""What a settings modal brought back: which settings were changed, and what is wrong with them."""

from collections.abc import Mapping
from typing import Any

from bot.discord.words import Words
from bot.domain.errors import Refused
from bot.i18n import Catalogue
from bot.services.moderation import fingerprint
from cogs._replies import Interaction
from cogs.settings_fields import FormValue, plain
from cogs.settings_sections import SECTIONS

#: What the bot needs in the log channel.
LOG_NEEDS = ("view_channel", "send_messages", "embed_links")


class Form:
    """What a modal brought back. `changes` are settings by name; `typed` the changed fields as they were filled in."""

    def __init__(self, section: str, values: Mapping[str, Any], catalogue: Catalogue) -> None:
        self.section = section
        self.changes: dict[str, Any] = {}
        self.seen: dict[str, str] = {}
        self.problems: list[tuple[str, Refused]] = []
        self.typed: dict[str, FormValue] = {}
        self.fields: list[str] = []
        brought = {custom_id.partition(":")[0]: (custom_id, value) for custom_id, value in values.items()}
        for field in SECTIONS[section]:
            if field.name not in brought:
                continue
            custom_id, raw = brought[field.name]
            value: FormValue = tuple(str(one) for one in raw) if isinstance(raw, list) else str(raw or "")
            _, shown, *stored = custom_id.split(":")
            if fingerprint(plain(value)) == shown:
                continue
            self.typed[field.name] = value
            try:
                read = field.read(value, catalogue)
            except Refused as error:
                self.problems.append((field.name, error))
                continue
            # Opened without its values (nothing stored is known): what was left empty is left alone.
            chosen = {name: one for name, one in read.items() if stored or one != frozenset()}
            if chosen:
                self.fields.append(field.name)
            self.changes |= chosen
            self.seen |= {name: one for name, one in zip(field.names, stored, strict=False) if name in chosen}


def field_of(section: str, setting: str) -> str:
    """Return the field that shows a setting."""
    return next((field.name for field in SECTIONS[section] if setting in field.names), setting)


def check_log_channel(interaction: Interaction, channel_id: int, words: Words) -> None:
    """Refuse a log channel in which the bot may not post.

    Raises:
        Refused: `log_channel_gone`, or `log_permissions`, which names what is missing.
    """
    guild = interaction.guild
    channel = None if guild is None else guild.get_channel(channel_id)
    if guild is None or channel is None:
        raise Refused("log_channel_gone")
    allowed = channel.permissions_for(guild.me)
    missing = [name for name in LOG_NEEDS if not getattr(allowed, name)]
    if missing:
        names = ", ".join(words(f"permission.{name}") for name in missing)
        raise Refused("log_permissions", missing=names, channel_id=channel_id)
