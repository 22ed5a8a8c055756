"""The settings panel: every value in a human sentence, and the select that opens a section."""

from collections.abc import Iterable, Sequence
from typing import Any

import discord

from bot.discord.words import Words, date
from bot.domain.budgets import Calendar
from bot.domain.rules import GuildRules
from bot.services.moderation import GuildSettings
from cogs.panels import panel_id
from cogs.settings_sections import SECTIONS, language_name

FEATURE = "settings"
FIELD_CHARS = 1024
MOST_NAMED = 12


def panel_embed(settings: GuildSettings, words: Words) -> discord.Embed:
    """Say how the server is set up, section by section."""
    rules = settings.rules
    embed = discord.Embed(title=words("settings.title"), description=words("settings.intro"))
    for section, lines in (
        ("access", _access(rules, words)),
        ("limits", _limits(rules, words)),
        ("approvals", _approvals(rules, words)),
        ("delivery", _delivery(rules, words)),
        ("locale", _locale(settings, words)),
    ):
        name = words(f"settings.section.{section}")
        embed.add_field(name=name, value="\n".join(lines)[:FIELD_CHARS], inline=False)
    return embed


def panel_view(words: Words, leave: str) -> discord.ui.View:
    """Return the section select. `leave` is what its id carries of who may use it."""
    select = discord.ui.Select[Any](
        custom_id=panel_id(FEATURE, f"section{leave}"),
        placeholder=words("settings.choose"),
        options=[
            discord.SelectOption(
                label=words(f"settings.section.{section}"),
                value=section,
                description=words(f"settings.about.{section}")[:100],
            )
            for section in SECTIONS
        ],
    )
    return stopped(select)


def stopped(*items: discord.ui.Item[Any]) -> discord.ui.View:
    """Return a view that discord.py does not keep: its presses are found by their custom ids."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def listing(items: Sequence[str], words: Words) -> str:
    """Name the first items, and count the others."""
    named = ", ".join(items[:MOST_NAMED])
    return named if len(items) <= MOST_NAMED else words("settings.and_more", named=named, count=len(items) - MOST_NAMED)


def _access(rules: GuildRules, words: Words) -> Iterable[str]:
    channels = [f"<#{one}>" for one in sorted(rules.channels)]
    yield words("settings.channels", channels=listing(channels, words)) if channels else words("settings.channels_all")
    models = [f"`{one}`" for one in sorted(rules.models)]
    yield words("settings.models", models=listing(models, words)) if models else words("settings.models_all")
    renderings = ", ".join(map(words.choice, sorted(rules.renderings)))
    if renderings:
        yield words("settings.renderings", renderings=renderings)
    else:
        yield words("settings.renderings_none")
    marked = [f"`{one}`" for one in sorted(rules.restricted_models)]
    yield words("settings.restricted", models=listing(marked, words)) if marked else words("settings.restricted_none")
    if rules.blocked:
        yield words("settings.blocked", count=len(rules.blocked))
    else:
        yield words("settings.blocked_none")
    roles = [f"<@&{one}>" for one in sorted(rules.moderator_roles)]
    yield words("settings.moderators", roles=listing(roles, words)) if roles else words("settings.moderators_none")


def _limits(rules: GuildRules, words: Words) -> Iterable[str]:
    longest = rules.longest_s
    yield words("settings.longest_none") if longest is None else words("settings.longest", seconds=longest)
    highest = rules.highest_resolution
    yield words("settings.highest_none") if highest is None else words("settings.highest", resolution=highest)
    yield words("settings.caps", running=rules.running_cap, queued=rules.queued_cap)


def _approvals(rules: GuildRules, words: Words) -> Iterable[str]:
    confirm, approve = rules.confirm_over, rules.approve_over
    yield words("settings.confirm_never") if confirm is None else words("settings.confirm", credits=confirm)
    yield words("settings.approve_never") if approve is None else words("settings.approve", credits=approve)


def _delivery(rules: GuildRules, words: Words) -> Iterable[str]:
    log = rules.log_channel_id
    yield words("settings.log_none") if log is None else words("settings.log", channel=f"<#{log}>")
    yield words(f"settings.prompts_are.{rules.public_prompts.value}")
    yield words("settings.pings" if rules.ping else "settings.pings_not")


def _locale(settings: GuildSettings, words: Words) -> Iterable[str]:
    yield words("settings.calendar", **_calendar(settings.calendar, words))
    if settings.waiting is not None and settings.waiting_at is not None:
        when = date(settings.waiting_at)
        yield words("settings.calendar_waits", when=when, **_calendar(settings.waiting, words))
    language = settings.rules.language
    if language is None:
        yield words("settings.language_is_own")
    else:
        yield words("settings.language_is", language=language_name(language, words))


def _calendar(calendar: Calendar, words: Words) -> dict[str, str]:
    return {
        "period": words(f"settings.period.{calendar.period.value}"),
        "zone": calendar.zone,
        "weekday": words(f"settings.weekday.{calendar.week_start}"),
    }
