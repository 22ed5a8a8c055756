"""The sections of the settings, and the fields of each: at most five, as a modal takes (components/reference)."""

from collections.abc import Mapping

from bot.discord.words import Words
from bot.domain.budgets import Period
from bot.domain.catalog import MODELS
from bot.domain.money import Limit
from bot.domain.rule_checks import MOST_CHOSEN
from bot.domain.rules import CLOSED_RENDERINGS, RESOLUTIONS, PublicPrompts
from bot.services.moderation import GuildSettings
from cogs.settings_fields import (
    DAYS_OF_WEEK,
    LOG_CHANNELS,
    MODEL,
    NOTHING,
    RENDERING,
    Field,
    FormValue,
    Surroundings,
    channel_field,
    choice_field,
    optional,
    read_blocked,
    read_ids,
    read_log_channel,
    read_longest,
    read_models,
    read_one,
    read_threshold,
    read_whole,
    role_field,
    text_field,
)


def _threshold_text(value: Limit) -> str:
    return "never" if value is None else str(value).removesuffix(".0")


def _kept(ids: frozenset[int], known: frozenset[int]) -> tuple[str, ...]:
    """Return the ids that still exist: Discord takes no others as what is chosen already."""
    return tuple(str(one) for one in sorted(ids & known))


def _shown_models(settings: GuildSettings, _around: Surroundings) -> FormValue:
    rules = settings.rules
    return (
        *(MODEL + one for one in sorted(rules.models)),
        *(RENDERING + one for one in sorted(rules.renderings)),
    )


def _model_options(words: Words, around: Surroundings) -> list[tuple[str, str]]:
    renderings = [(RENDERING + one, words("settings.rendering", rendering=one)) for one in sorted(CLOSED_RENDERINGS)]
    return [*renderings, *((MODEL + one, one) for one in around.models)]


def _resolution_options(words: Words, around: Surroundings) -> list[tuple[str, str]]:
    made = {one for model in MODELS if model.key in around.models for one in model.made_resolutions}
    return [(NOTHING, words("settings.no_limit")), *((one, one) for one in RESOLUTIONS if one in made)]


def _language_options(words: Words, around: Surroundings) -> list[tuple[str, str]]:
    named = [(one, language_name(one, words)) for one in around.languages]
    return [(NOTHING, words("settings.language_own")), *named]


def language_name(code: str, words: Words) -> str:
    """Name a language in itself, by its code where it has no name here."""
    key = f"language.{code}"
    return words(key) if words.catalogue.has(key) else code


SECTIONS: Mapping[str, tuple[Field, ...]] = {
    "access": (
        Field(
            "channels",
            ("channels",),
            lambda s, a: _kept(s.rules.channels, a.channel_ids),
            read_ids("channels"),
            channel_field(MOST_CHOSEN, []),
        ),
        Field(
            "models", ("models", "renderings"), _shown_models, read_models, choice_field(_model_options, is_many=True)
        ),
        Field(
            "restricted_models",
            ("restricted_models",),
            lambda s, a: tuple(sorted(s.rules.restricted_models)),
            lambda value, _: {"restricted_models": frozenset(value)},
            choice_field(lambda words, around: [(one, one) for one in around.models], is_many=True),
        ),
        Field("blocked", ("blocked",), lambda s, a: "\n".join(s.rules.blocked), read_blocked, text_field),
        Field(
            "moderator_roles",
            ("moderator_roles",),
            lambda s, a: _kept(s.rules.moderator_roles, a.role_ids),
            read_ids("moderator_roles"),
            role_field,
        ),
    ),
    "limits": (
        Field(
            "longest_s",
            ("longest_s",),
            lambda s, a: "" if s.rules.longest_s is None else str(s.rules.longest_s),
            read_longest,
            text_field,
        ),
        Field(
            "highest_resolution",
            ("highest_resolution",),
            lambda s, a: (s.rules.highest_resolution or NOTHING,),
            read_one("highest_resolution", optional),
            choice_field(_resolution_options),
        ),
        Field(
            "running_cap",
            ("running_cap",),
            lambda s, a: str(s.rules.running_cap),
            read_whole("running_cap"),
            text_field,
            False,
        ),
        Field(
            "queued_cap",
            ("queued_cap",),
            lambda s, a: str(s.rules.queued_cap),
            read_whole("queued_cap"),
            text_field,
            False,
        ),
    ),
    "approvals": (
        Field(
            "confirm_over",
            ("confirm_over",),
            lambda s, a: _threshold_text(s.rules.confirm_over),
            read_threshold("confirm_over"),
            text_field,
            False,
        ),
        Field(
            "approve_over",
            ("approve_over",),
            lambda s, a: _threshold_text(s.rules.approve_over),
            read_threshold("approve_over"),
            text_field,
            False,
        ),
    ),
    "delivery": (
        Field(
            "log_channel_id",
            ("log_channel_id",),
            lambda s, a: _kept(frozenset({s.rules.log_channel_id} - {None}), a.channel_ids),  # type: ignore[arg-type]
            read_log_channel,
            channel_field(1, LOG_CHANNELS),
        ),
        Field(
            "public_prompts",
            ("public_prompts",),
            lambda s, a: (s.rules.public_prompts.value,),
            read_one("public_prompts", PublicPrompts),
            choice_field(
                lambda words, _: [(one.value, words(f"settings.prompts.{one.value}")) for one in PublicPrompts]
            ),
        ),
        Field(
            "ping",
            ("ping",),
            lambda s, a: ("yes" if s.rules.ping else "no",),
            read_one("ping", lambda one: one == "yes"),
            choice_field(lambda words, _: [(one, words(f"settings.ping.{one}")) for one in ("yes", "no")]),
        ),
    ),
    "locale": (
        Field(
            "period",
            ("period",),
            lambda s, a: (s.value("period").value,),
            read_one("period", Period),
            choice_field(lambda words, _: [(one.value, words(f"settings.period.{one.value}")) for one in Period]),
        ),
        Field(
            "zone",
            ("zone",),
            lambda s, a: str(s.value("zone")),
            lambda value, _: {"zone": str(value).strip()},
            text_field,
            False,
        ),
        Field(
            "week_start",
            ("week_start",),
            lambda s, a: (str(s.value("week_start")),),
            read_one("week_start", int),
            choice_field(
                lambda words, _: [(str(day), words(f"settings.weekday.{day}")) for day in range(DAYS_OF_WEEK)]
            ),
        ),
        Field(
            "language",
            ("language",),
            lambda s, a: (s.rules.language or NOTHING,),
            read_one("language", optional),
            choice_field(_language_options),
        ),
    ),
}
