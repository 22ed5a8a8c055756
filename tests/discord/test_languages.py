"""Every language besides English says all that English says, and Discord takes it."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import discord
import polib
import pytest

from bot.db.engine import Database
from bot.discord.sync import payload
from bot.discord.words import Words
from bot.domain.money import Credits
from bot.i18n import Catalogue
from bot.i18n.catalogue import SOURCE_LANGUAGE
from bot.i18n.sentence import read_rule
from cogs.settings_fields import Surroundings
from cogs.settings_sections import SECTIONS
from tests.cogs.conftest import make_client
from tests.manual_clock import ManualClock
from tests.services.world import World

CATALOGUE = Catalogue.load()
FOLDER = Path(__file__).resolve().parents[2] / "bot" / "i18n"
LANGUAGES = [language for language in CATALOGUE.languages if language != SOURCE_LANGUAGE]
OPERATORS_GUILD = 77
JOB_ID = "0" * 10

#: Part of the sentences that a language must have; the others are shown in English.
LEAST_TRANSLATED = 0.98

#: Limits of Discord in characters (interactions/application-commands, Application Command Object).
MOST_NAME, MOST_DESCRIPTION, MOST_COMMAND = 32, 100, 8000
CHAT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2

#: Limits of Discord in characters (components/reference), by what the text is put on.
PLACES = {
    r"button\..*|queue\.(refresh|newest|oldest|approve|deny|cancel|close)|privacy\.button_.*": 80,
    r"settings\.again|balance\.csv": 80,
    r"modal\.(.*[._])?title|queue\.deny_title|settings\.section\..*": 45,
    r"modal\.(prompt|more|files|extend|animate|picture|report|shot|which_picture)": 45,
    r"modal\.(deny\.reason|suspend_(reason|until))|settings\.label\..*|queue\.reason": 45,
    r"modal\..*_hint|modal\.deny\.reason_about|settings\.(hint|about)\..*": 100,
    r"settings\.(rendering|no_limit|language_own|(prompts|ping|period|weekday)\..*)|modal\.picture_number": 100,
    r"settings\.choose|queue\.pick": 150,
    r"choice\..*|model\.hint_lacking": 100,
    r".*(\.title|_title|\.field\.\w+)": 256,
    r"help\.guide": 1024,
}

#: What Discord's markdown makes of a sentence: code spans, and signs that come in pairs.
_CODE_SPAN = re.compile(r"`[^`]+`")
_PAIRED = ("**", "||", "`")

_DECIDED_BY = {entry.msgid: entry.msgid_plural for entry in polib.pofile(str(FOLDER / "en.po")) if entry.msgid_plural}

every_language = pytest.mark.parametrize("language", LANGUAGES)


def _sentences(language: str) -> Iterator[tuple[str, str, str]]:
    """Go through a language's keys, its sentences with all their forms, and the English ones."""
    for key in CATALOGUE.keys(language):
        for form in CATALOGUE.forms(key, language):
            yield key, form, str(CATALOGUE.find(key, SOURCE_LANGUAGE))


@every_language
def test_a_language_has_nearly_every_sentence_and_no_others(language: str) -> None:
    """A sentence that English does not have is never shown: it was misspelt, or is left over."""
    english, own = set(CATALOGUE.keys()), set(CATALOGUE.keys(language))

    assert own - english == set()
    assert len(own) >= LEAST_TRANSLATED * len(english), sorted(english - own)


@every_language
def test_a_catalogue_is_well_formed(language: str) -> None:
    """Each key once and no doubtful entries; the header names the language, which is one that Discord knows."""
    entries = polib.pofile(str(FOLDER / f"{language}.po"), encoding="utf-8")

    assert [key for key, count in Counter(entry.msgid for entry in entries).items() if count > 1] == []
    assert [entry.msgid for entry in entries if entry.obsolete or entry.fuzzy] == []
    assert entries.metadata["Language"].lower() == language
    assert "UTF-8" in entries.metadata["Content-Type"]
    assert any(locale.value.lower().partition("-")[0] == language.partition("-")[0] for locale in discord.Locale)


@every_language
def test_a_sentence_asks_for_what_the_english_one_asks_for(language: str) -> None:
    """Nothing more, which would fail, and nothing less, which a reader would miss. Plain names, each filled in."""
    for key, text, _ in _sentences(language):
        fields = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text) if name]
        names = {name for name, _, _ in fields}

        decided_by = _DECIDED_BY.get(key, "")
        assert names | {decided_by} - {""} == CATALOGUE.placeholders(key), key
        assert all(name.isidentifier() and not spec and not conversion for name, spec, conversion in fields), key
        for number in (0, 1, 2):
            filled = Words(CATALOGUE, language)(key, **(dict.fromkeys(names, "x") | {decided_by: number}))
            assert not set("{}") & set(filled), key


@every_language
def test_what_is_typed_is_named_as_in_english(language: str) -> None:
    """Code spans are the English ones, with commands and options as the language calls them; markdown stays whole."""
    names = CATALOGUE.names(language)
    for key, text, english in _sentences(language):
        assert set(_CODE_SPAN.findall(text)) == set(_CODE_SPAN.findall(names.sentence(english))), key
        assert text.startswith("-# ") == english.startswith("-# "), key
        assert text == text.strip(), key
        for sign in _PAIRED:
            assert text.count(sign) % 2 == 0, (key, sign)


@every_language
def test_texts_fit_their_places(language: str) -> None:
    """Buttons, forms, menus and embeds; what is longer would be refused or cut."""
    placed = 0
    for key, text, _ in _sentences(language):
        most = next((most for keys, most in PLACES.items() if re.fullmatch(keys, key)), None)
        if most is not None:
            assert len(text.replace("{job}", JOB_ID).replace("{number}", "10")) <= most, (key, len(text))
            placed += 1
    words = Words(CATALOGUE, language)
    for section in SECTIONS:
        title = words("settings.unfilled", section=words(f"settings.section.{section}"))
        assert len(title) <= 45, title
    assert placed > 100


@pytest.mark.parametrize("language", CATALOGUE.languages)
def test_sentences_with_numbers_have_the_forms_of_their_language(language: str) -> None:
    """Every form that the header names; the same placeholder decides in all languages; no “1 job(s)” anywhere."""
    entries = polib.pofile(str(FOLDER / f"{language}.po"), encoding="utf-8")
    count, rule = read_rule(entries.metadata["Plural-Forms"])
    decided_by = {entry.msgid: entry.msgid_plural for entry in entries if entry.msgid_plural}

    assert {rule(number) for number in range(200)} == set(range(count))
    assert decided_by == _DECIDED_BY
    assert [e.msgid for e in entries if e.msgid_plural and sorted(e.msgstr_plural) != list(range(count))] == []
    assert [key for key in CATALOGUE.keys(language) for form in CATALOGUE.forms(key, language) if "(s)" in form] == []


@pytest.mark.parametrize(
    ("locale", "one", "many"),
    [
        ("en-GB", "1 reference", "2 references"),
        ("nl", "1 referentie", "2 referenties"),
        ("ja", "参考素材 1 件", "参考素材 2 件"),
    ],
)
def test_a_number_chooses_the_form(locale: str, one: str, many: str) -> None:
    """As people of the language count."""
    words = Words(CATALOGUE, locale)

    assert [words("spec.references", count=count) for count in (1, 2)] == [one, many]


@pytest.mark.parametrize(
    ("locale", "amount", "day"),
    [("en-US", "11.52", "2026-03-04"), ("nl", "11,52", "04-03-2026"), ("ja", "11.52", "2026/03/04")],
)
def test_amounts_and_days_are_written_as_in_their_language(locale: str, amount: str, day: str) -> None:
    """Wherever Discord does not write them itself."""
    words = Words(CATALOGUE, locale)

    assert words("card.cost.paid", credits=Credits(11_520)).split()[0] == amount
    assert words.number(Decimal("11.52")) == amount
    assert words.day(date(2026, 3, 4)) == day


def test_settings_offer_every_language_by_its_own_name() -> None:
    """A new catalogue is offered without more ado; its name is read by those who speak it."""
    around = Surroundings(sorted(CATALOGUE.languages), sorted(CATALOGUE.languages), frozenset(), frozenset())
    field = next(field for field in SECTIONS["locale"] if field.name == "language")

    menu: Any = field.component(None, Words(CATALOGUE, SOURCE_LANGUAGE), around, None).component

    offered = {option.value: option.label for option in menu.options}
    assert offered.keys() == {"none", *CATALOGUE.languages}
    for language in CATALOGUE.languages:
        assert offered[language] == CATALOGUE.text(f"language.{language}", language) != language


@pytest.fixture
async def commands(sqlite_url: str, tmp_path: Path) -> AsyncIterator[list[dict[str, Any]]]:
    """All commands as they are registered with Discord, those of the operator's server included."""
    database = Database(sqlite_url)
    world = World(database, ManualClock(), tmp_path)
    world.desk_rules = replace(world.desk_rules, guild_id=OPERATORS_GUILD)
    client = await make_client(world)
    yield [*await payload(client.tree), *await payload(client.tree, guild_id=OPERATORS_GUILD)]
    await world.close()
    await database.dispose()


def _within(of: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Go through a command, its subcommands, their options and choices."""
    yield of
    for one in (*of.get("options", ()), *of.get("choices", ())):
        yield from _within(one)


def _paths(command: dict[str, Any]) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Go through a command and its subcommands: the nodes that are typed one after the other, and the last of them."""
    yield [command], command
    for one in command.get("options", ()):
        if one["type"] in {SUBCOMMAND, GROUP}:
            for path, node in _paths(one):
                yield [command, *path], node


def _texts(of: dict[str, Any], text: str) -> dict[str, str]:
    """Return a name or description by locale, the English one under `en`."""
    return {"en": of.get(text) or "", **(of.get(f"{text}_localizations") or {})}


def _locales(language: str) -> set[str]:
    """Return what Discord calls a language; a language alone is each of its countries'."""
    return {one.value for one in discord.Locale if language in {one.value.lower(), one.value.lower().partition("-")[0]}}


def _is_typed_name(name: str) -> bool:
    """Tell whether a name is one that can be typed behind a slash: lower case, no spaces, 1 to 32 characters."""
    is_known = all(one in "-_'" or unicodedata.category(one)[0] in "LN" for one in name)
    return 1 <= len(name) <= MOST_NAME and name == name.lower() and is_known


def test_names_of_commands_and_options_can_be_typed(commands: list[dict[str, Any]]) -> None:
    """In every language, each once among its siblings; those of menus may have spaces and capitals."""
    menus = [command for command in commands if command["type"] in {USER_MENU, MESSAGE_MENU}]
    typed = [one for command in commands if command["type"] == CHAT for one in _within(command) if "value" not in one]

    assert all(1 <= len(name) <= MOST_NAME for menu in menus for name in _texts(menu, "name").values())
    for one in typed:
        assert all(_is_typed_name(name) for name in _texts(one, "name").values()), _texts(one, "name")
    siblings = [one["options"] for one in typed if one.get("options")]
    kinds = [[command for command in commands if command["type"] == kind] for kind in (CHAT, USER_MENU, MESSAGE_MENU)]
    for locale in {locale for language in LANGUAGES for locale in _locales(language)}:
        for group in (*siblings, *kinds):
            names = [_texts(one, "name").get(locale, one["name"]) for one in group]
            assert len(names) == len(set(names)), (locale, names)


def test_every_name_is_localised(commands: list[dict[str, Any]]) -> None:
    """Commands, options, choices and menus, in every country of each language; what is sent stays English."""
    every = [one for command in commands for one in _within(command)]
    wanted = {locale for language in LANGUAGES for locale in _locales(language)}

    assert [one["name"] for one in every if not wanted <= _texts(one, "name").keys()] == []
    assert all(one["name"].isascii() for one in every)


@every_language
def test_sentences_name_commands_and_options_as_they_are_registered(
    commands: list[dict[str, Any]], language: str
) -> None:
    """An English name has one translation wherever it is used; so a reader finds what a sentence says to type."""
    names, locale = CATALOGUE.names(language), min(_locales(language))
    for command in commands:
        for path, node in _paths(command) if command["type"] == CHAT else ():
            shown = "/" + " ".join(_texts(part, "name")[locale] for part in path)
            assert names.command("/" + " ".join(part["name"] for part in path)) == shown
            for option in node.get("options", ()):
                if option["type"] not in {SUBCOMMAND, GROUP}:
                    assert names.option(option["name"]) == _texts(option, "name")[locale], (shown, option["name"])


@every_language
def test_descriptions_name_commands_as_they_are_registered(commands: list[dict[str, Any]], language: str) -> None:
    """Descriptions have no code spans, so their sentences are written with the language's own names."""
    names = {f"/{one['name']}": f"/{_texts(one, 'name')[min(_locales(language))]}" for one in commands}
    for key, text, english in _sentences(language):
        for name, shown in names.items() if key.endswith(".description") else ():
            if re.search(rf"{name}\b", english):
                assert shown in text, key


def test_registered_texts_are_translated(commands: list[dict[str, Any]]) -> None:
    """Nearly all descriptions and menus' names, in every country of each language."""
    texts = [(one, "description") for command in commands for one in _within(command) if one.get("description")]
    texts += [(command, "name") for command in commands if command["type"] in {USER_MENU, MESSAGE_MENU}]
    for language in LANGUAGES:
        locales = _locales(language)
        missing = [one["name"] for one, text in texts if not locales <= _texts(one, text).keys()]

        assert locales, language
        assert len(missing) <= (1 - LEAST_TRANSLATED) * len(texts), (language, missing)


def test_descriptions_and_choices_are_within_discords_limits(commands: list[dict[str, Any]]) -> None:
    """100 characters each, and 8000 for a command with the longest language of each text."""
    for command in commands:
        for one in _within(command):
            for text in ("name", "description"):
                longest = max(_texts(one, text).values(), key=len)
                assert len(longest) <= MOST_DESCRIPTION, (one["name"], longest)
        assert sum(_characters(one) for one in _within(command)) <= MOST_COMMAND, command["name"]


def _characters(of: dict[str, Any]) -> int:
    """Count a text as Discord does: in its longest language, and a choice's value as well."""
    longest = sum(max(map(len, _texts(of, text).values())) for text in ("name", "description"))
    return longest + len(str(of.get("value", "")))
