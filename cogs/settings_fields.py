"""The fields of the settings' modals: how a value is shown, read back, and built into Discord's components.

A field's custom id is `<name>:<shown>:<stored>…`: fingerprints of what it was opened with and of the stored values
behind it. A field that comes back as it was shown is left alone, so an emptied field is told from one that was opened
empty, and two moderators who change different settings at once both have their way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.discord.words import Words
from bot.domain.rule_checks import MOST_BLOCKED_CHARS, MOST_CHOSEN
from bot.i18n import Catalogue
from bot.services.moderation import GuildSettings, fingerprint
from cogs._parsing import parse_threshold, parse_whole

#: What a modal's field holds: a text, or what is chosen in a select (ids as text).
FormValue = str | tuple[str, ...]
#: Reads a field's value as settings by name.
Reader = Callable[[FormValue, Catalogue], Mapping[str, Any]]

NOTHING = "none"  # the option of a select that stands for no value; its own values are never called so
MODEL, RENDERING = "model/", "rendering/"
DAYS_OF_WEEK = 7
LABEL_CHARS, DESCRIPTION_CHARS, OPTION_CHARS = 45, 100, 100
LOG_CHANNELS = [discord.ChannelType.text, discord.ChannelType.news]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What fields need besides the settings: models on offer, languages that have a catalogue, the server's things."""

    models: Sequence[str]
    languages: Sequence[str]
    channel_ids: frozenset[int]
    role_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a modal. `names` are the settings behind it; `read` raises Refused where a text is no value; words
    that have a meaning may be of any language in the catalogue."""

    name: str
    names: tuple[str, ...]
    show: Callable[[GuildSettings, Surroundings], FormValue]
    read: Reader
    build: Callable[["Field", FormValue, str, Words, Surroundings], discord.ui.Item[Any]]
    may_be_empty: bool = True

    def component(
        self, settings: GuildSettings | None, words: Words, around: Surroundings, typed: FormValue | None
    ) -> discord.ui.Label[Any]:
        """Make the field, filled with what was `typed`, else with its setting; empty where the settings are unknown."""
        is_choice = self.build is not text_field
        shown: FormValue = (() if is_choice else "") if settings is None else self.show(settings, around)
        stored = [] if settings is None else [fingerprint(settings.value(name)) for name in self.names]
        custom_id = ":".join([self.name, fingerprint(plain(shown)), *stored])
        item = self.build(self, shown if typed is None else typed, custom_id, words, around)
        if isinstance(item, discord.ui.TextInput):
            item.required = settings is not None and not self.may_be_empty
        return discord.ui.Label(
            text=words(f"settings.label.{self.name}")[:LABEL_CHARS],
            description=words(f"settings.hint.{self.name}")[:DESCRIPTION_CHARS],
            component=item,
        )


def plain(value: FormValue) -> FormValue:
    """Return a value without what does not matter: the order of choices, the ends of lines."""
    if isinstance(value, tuple):
        return tuple(sorted(value))
    return "\n".join(line.strip() for line in value.strip().splitlines())


# ------------------------------------------------------------------------------------------------- components


def text_field(field: Field, value: FormValue, custom_id: str, _words: Words, _around: Surroundings) -> Any:
    is_long = field.name == "blocked"
    return discord.ui.TextInput(
        custom_id=custom_id,
        style=discord.TextStyle.paragraph if is_long else discord.TextStyle.short,
        default=str(value) or None,
        max_length=MOST_BLOCKED_CHARS if is_long else 64,
        required=False,
    )


def channel_field(most: int, types: list[discord.ChannelType]) -> Any:
    """Build a select of channels; no types means all, as Discord's published API description does not have them all."""

    def build(_field: Field, value: FormValue, custom_id: str, _words: Words, _around: Surroundings) -> Any:
        return discord.ui.ChannelSelect(
            custom_id=custom_id,
            channel_types=types,
            min_values=0,
            max_values=most,
            default_values=[
                discord.SelectDefaultValue(id=int(one), type=discord.SelectDefaultValueType.channel) for one in value
            ],
            required=False,
        )

    return build


def role_field(_field: Field, value: FormValue, custom_id: str, _words: Words, _around: Surroundings) -> Any:
    return discord.ui.RoleSelect(
        custom_id=custom_id,
        min_values=0,
        max_values=MOST_CHOSEN,
        default_values=[
            discord.SelectDefaultValue(id=int(one), type=discord.SelectDefaultValueType.role) for one in value
        ],
        required=False,
    )


def choice_field(options: Callable[[Words, Surroundings], list[tuple[str, str]]], *, is_many: bool = False) -> Any:
    """Build a select of (value, label); what is chosen but no longer on offer stays an option."""

    def build(_field: Field, value: FormValue, custom_id: str, words: Words, around: Surroundings) -> Any:
        offered = dict(options(words, around))
        missing = {one: one.removeprefix(MODEL).removeprefix(RENDERING) for one in value if one not in offered}
        shown = list((missing | offered).items())[:MOST_CHOSEN]
        return discord.ui.Select[Any](
            custom_id=custom_id,
            min_values=0,
            max_values=len(shown) if is_many else 1,
            options=[
                discord.SelectOption(label=label[:OPTION_CHARS], value=key, default=key in value)
                for key, label in shown
            ],
            required=False,
        )

    return build


# ------------------------------------------------------------------------------------------------- reading


def read_ids(name: str) -> Reader:
    return lambda value, _catalogue: {name: frozenset(int(one) for one in value)}


def read_log_channel(value: FormValue, _catalogue: Catalogue) -> Mapping[str, Any]:
    return {"log_channel_id": next((int(one) for one in value), None)}


def read_one(name: str, convert: Callable[[str], Any]) -> Reader:
    """Read a single choice; none made leaves the setting alone."""
    return lambda value, _catalogue: {} if not value else {name: convert(value[0])}


def optional(text: str) -> str | None:
    return None if text == NOTHING else text


def read_models(value: FormValue, _catalogue: Catalogue) -> Mapping[str, Any]:
    return {
        "models": frozenset(one.removeprefix(MODEL) for one in value if one.startswith(MODEL)),
        "renderings": frozenset(one.removeprefix(RENDERING) for one in value if one.startswith(RENDERING)),
    }


def read_blocked(value: FormValue, _catalogue: Catalogue) -> Mapping[str, Any]:
    lines = (line.strip() for line in str(value).splitlines())
    return {"blocked": tuple(dict.fromkeys(line for line in lines if line))}


def read_whole(name: str) -> Reader:
    return lambda value, _catalogue: {name: parse_whole(str(value))}


def read_longest(value: FormValue, _catalogue: Catalogue) -> Mapping[str, Any]:
    return {"longest_s": parse_whole(str(value)) if str(value).strip() else None}


def read_threshold(name: str) -> Reader:
    return lambda value, catalogue: {name: parse_threshold(str(value), catalogue)}
