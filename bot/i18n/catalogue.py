"""Reading the catalogues and looking sentences up.

A catalogue is `<language>.po` beside this file: the message id is a key such as `refused.prompt_length`, the message
string the sentence with named placeholders such as `{length}`. A new language is a new file and nothing else. Code
spans name commands and options as English does, and are shown with the names of the language.
"""

import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import polib

from bot.i18n.names import Names

#: The language that has every sentence; others fall back to it.
SOURCE_LANGUAGE = "en"


class Catalogue:
    """Sentences by language and key."""

    def __init__(self, languages: Mapping[str, Mapping[str, str]]) -> None:
        given = {name.lower(): texts for name, texts in languages.items()}
        english = given.get(SOURCE_LANGUAGE, {})
        self._names = {name: Names(english, texts) for name, texts in given.items()}
        self._languages = {
            name: {key: self._names[name].sentence(text) for key, text in texts.items()}
            for name, texts in given.items()
        }

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read every catalogue of `folder` (the shipped one by default). Untranslated entries are left out."""
        files = sorted((folder or Path(__file__).parent).glob("*.po"))
        return cls({path.stem: _read(path) for path in files})

    def text(self, key: str, locale: str, **params: object) -> str:
        """Return the sentence in `locale` (`nl`, `en-GB`), else in its language, else in English.

        Raises:
            KeyError: English has no such sentence, or it needs a placeholder that was not given.
        """
        found = self.find(key, locale)
        return (self._languages[SOURCE_LANGUAGE][key] if found is None else found).format_map(params)

    def find(self, key: str, locale: str) -> str | None:
        """Return the unfilled sentence of `locale` or its language, None where neither has it."""
        for name in _wanted(locale):
            if (text := self._languages.get(name, {}).get(key)) is not None:
                return text
        return None

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

    def placeholders(self, key: str, language: str = SOURCE_LANGUAGE) -> frozenset[str]:
        """Return the names that a sentence wants filled in."""
        text = self._languages[language.lower()][key]
        return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a catalogue, in lower case."""
        return tuple(self._languages)


def _wanted(locale: str) -> tuple[str, str]:
    """Return a locale and its language, as catalogues are called."""
    wanted = locale.lower()
    return wanted, wanted.partition("-")[0]


def _read(path: Path) -> dict[str, str]:
    entries = polib.pofile(str(path), encoding="utf-8")
    return {entry.msgid: entry.msgstr for entry in entries if entry.msgstr and not entry.obsolete}
