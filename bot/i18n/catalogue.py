"""Reading the catalogues and looking sentences up.

A catalogue is `<language>.po` beside this file: the message id is a key such as `refused.prompt_length`, the message
string the sentence with named placeholders such as `{length}`, or several where the language has a form for each kind
of number (`bot.i18n.sentence`). A new language is a new file and nothing else. Code spans name commands and options as
English does, and are shown with the names of the language.
"""

import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import polib

from bot.i18n.names import Names
from bot.i18n.sentence import PluralRule, Sentence, read_rule

#: The language that has every sentence; others fall back to it.
SOURCE_LANGUAGE = "en"
#: For catalogues whose header does not say how many forms there are.
ONE_FORM = "nplurals=1; plural=0;"


class Catalogue:
    """Sentences by language and key."""

    def __init__(
        self,
        languages: Mapping[str, Mapping[str, str | Sentence]],
        rules: Mapping[str, PluralRule] | None = None,
    ) -> None:
        """`rules` are needed for languages that have sentences with forms."""
        given = {name.lower(): _sentences(texts) for name, texts in languages.items()}
        english = _texts(given.get(SOURCE_LANGUAGE, {}))
        self._rules = {name.lower(): rule for name, rule in (rules or {}).items()}
        self._names = {name: Names(english, _texts(texts)) for name, texts in given.items()}
        self._languages = {
            name: {key: text.changed(self._names[name].sentence) for key, text in texts.items()}
            for name, texts in given.items()
        }

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read every catalogue of `folder` (the shipped one by default). Untranslated entries are left out."""
        files = sorted((folder or Path(__file__).parent).glob("*.po"))
        entries = {path.stem: polib.pofile(str(path), encoding="utf-8") for path in files}
        rules = {name: read_rule(one.metadata.get("Plural-Forms", ONE_FORM))[1] for name, one in entries.items()}
        return cls({name: _read(one) for name, one in entries.items()}, rules)

    def text(self, key: str, locale: str, **params: object) -> str:
        """Return the sentence in `locale` (`nl`, `en-GB`), else in its language, else in English.

        Raises:
            KeyError: English has no such sentence, or it needs a placeholder that was not given.
            TypeError: what decides on its form is no whole number.
        """
        name = self._language_of(key, locale) or SOURCE_LANGUAGE
        sentence = self._languages[name][key]
        return sentence.form(self._rules.get(name, _first), params).format_map(params)

    def find(self, key: str, locale: str) -> str | None:
        """Return the unfilled sentence of `locale` or its language, None where neither has it."""
        name = self._language_of(key, locale)
        return None if name is None else self._languages[name][key].forms[-1]

    def _language_of(self, key: str, locale: str) -> str | None:
        return next((name for name in _wanted(locale) if key in self._languages.get(name, {})), None)

    def speaks(self, locale: str) -> bool:
        """Tell whether there is a catalogue of `locale` or its language."""
        return any(name in self._languages for name in _wanted(locale))

    def names(self, locale: str) -> Names:
        """Return what commands and options are called in `locale`, else in its language, else in English."""
        known = [self._names[name] for name in _wanted(locale) if name in self._names]
        return known[0] if known else Names({}, {})

    def has(self, key: str) -> bool:
        """Tell whether English has a sentence for `key`."""
        return key in self._languages.get(SOURCE_LANGUAGE, {})

    def keys(self, language: str = SOURCE_LANGUAGE) -> Iterable[str]:
        """Return all keys of a language."""
        return self._languages.get(language.lower(), {}).keys()

    def forms(self, key: str, language: str = SOURCE_LANGUAGE) -> tuple[str, ...]:
        """Return every form of a language's sentence, unfilled; one where numbers do not matter."""
        return self._languages[language.lower()][key].forms

    def placeholders(self, key: str, language: str = SOURCE_LANGUAGE) -> frozenset[str]:
        """Return the names that a sentence wants filled in, that of the number which decides on its form among them."""
        sentence = self._languages[language.lower()][key]
        named = (name for form in sentence.forms for _, name, _, _ in string.Formatter().parse(form) if name)
        return frozenset(named) | ({sentence.decided_by} if sentence.decided_by else frozenset())

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a catalogue, in lower case."""
        return tuple(self._languages)


def _wanted(locale: str) -> tuple[str, str]:
    """Return a locale and its language, as catalogues are called."""
    wanted = locale.lower()
    return wanted, wanted.partition("-")[0]


def _read(entries: polib.POFile) -> dict[str, str | Sentence]:
    """Return what is translated; of entries with forms, those that have all of them."""
    count, _ = read_rule(entries.metadata.get("Plural-Forms", ONE_FORM))
    found: dict[str, str | Sentence] = {}
    for entry in entries:
        forms = tuple(entry.msgstr_plural.get(number, "") for number in range(count))
        if entry.obsolete:
            continue
        if entry.msgid_plural and all(forms):
            found[entry.msgid] = Sentence(forms, decided_by=entry.msgid_plural)
        elif entry.msgstr:
            found[entry.msgid] = entry.msgstr
    return found


def _sentences(texts: Mapping[str, str | Sentence]) -> dict[str, Sentence]:
    return {key: text if isinstance(text, Sentence) else Sentence((text,)) for key, text in texts.items()}


def _texts(sentences: Mapping[str, Sentence]) -> dict[str, str]:
    return {key: sentence.forms[-1] for key, sentence in sentences.items()}


def _first(_number: int) -> int:
    return 0
