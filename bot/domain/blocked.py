"""Blocked words: what moderators do not want to read in a prompt.

An entry is a word or phrase, or a pattern between slashes (`/b[ao]d\\s+word/`). Patterns are RE2's: their time grows
with the length of the text alone, so that no pattern and no prompt can make the bot wait.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import re2

from bot.domain.errors import Refused

MAX_ENTRY_CHARS = 200
MAX_ENTRIES = 500
#: What one compiled pattern may take. RE2 refuses those that would need more (`x{1000}{1000}`).
MAX_PATTERN_BYTES = 1 << 20
CACHED_PATTERNS = 4096

#: Scripts that part words by spaces, as Unicode's names of their letters begin.
SPACED = frozenset({"LATIN", "CYRILLIC", "GREEK", "DIGIT"})
#: What is not seen at all, besides the format characters (Unicode, Default_Ignorable_Code_Point).
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
VARIATION_SELECTORS = ("\ufe00", "\ufe0f")

#: Finds an entry in (a text as it was written, its plain form); None where it is not there.
Finder = Callable[[str, str], str | None]


def compile_blocked(entry: str) -> Finder:
    """Return what finds an entry.

    Raises:
        Refused: `word_empty`, `pattern_too_long`, `pattern_invalid` or `pattern_matches_all`.
    """
    text = entry.strip()
    if not text or text == "//":
        raise Refused("word_empty")
    if len(text) > MAX_ENTRY_CHARS:
        raise Refused("pattern_too_long", entry=text[:50], most=MAX_ENTRY_CHARS)
    return _finder_of_pattern(text) if is_pattern(text) else _finder_of_word(text)


def is_pattern(entry: str) -> bool:
    """Whether an entry is a pattern rather than a word."""
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


def first_blocked(text: str, entries: Iterable[str]) -> str | None:
    """Return the part of `text` that the first matching entry found, None where none did.

    Letters are compared without case and in their compatible form (full width as half width), without what is not seen
    or only struck through: `ＢＡＤ`, `b\u0336ad` and one with a space of no width are `bad`. Patterns are tried on
    the text as it was written, too.
    """
    plain = _plain(text)
    for entry in entries:
        found = compile_blocked(entry)(text, plain)
        if found is not None:
            return found.strip() or entry
    return None


def _finder_of_pattern(entry: str) -> Finder:
    try:
        compiled = _compile(unicodedata.normalize("NFC", entry[1:-1]))
    except re2.error as error:
        raise Refused("pattern_invalid", entry=entry[:50]) from error
    if compiled.search("") is not None:
        raise Refused("pattern_matches_all", entry=entry[:50])

    def find(text: str, plain: str) -> str | None:
        found = compiled.search(plain) or compiled.search(unicodedata.normalize("NFC", text))
        return None if found is None else str(found.group(0))

    return find


def _finder_of_word(entry: str) -> Finder:
    """A word stands alone between letters of its own kind; scripts without spaces (Japanese) match anywhere."""
    word = _plain(entry)
    if not word:
        raise Refused("word_empty")

    def find(_text: str, plain: str) -> str | None:
        return word if _stands_in(plain, word) else None

    return find


def _stands_in(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        joins_before = before.isalnum() and _is_spaced(word[0])
        joins_after = after.isalnum() and _is_spaced(word[-1])
        if not (joins_before or joins_after):
            return True
        at = text.find(word, at + 1)
    return False


def _is_spaced(letter: str) -> bool:
    return letter.isalnum() and unicodedata.name(letter, "").split(" ")[0] in SPACED


def _plain(text: str) -> str:
    """Return a text without case, width, unseen characters, marks that make no letter of their own with theirs, and
    with one space where there are several."""
    if not text.isascii():
        text = "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if not _is_unseen(one))
        text = _without_marks(unicodedata.normalize("NFKC", text))
    return " ".join(text.casefold().split())


def _without_marks(text: str) -> str:
    """Scripts with vowels or tones among their marks keep them: those are letters to their readers."""
    kept: list[str] = []
    base = ""
    for letter in text:
        if unicodedata.category(letter) not in {"Mn", "Me"}:
            base = letter
        elif not base.isalnum() or _is_spaced(base):
            continue
        kept.append(letter)
    return "".join(kept)


def _is_unseen(letter: str) -> bool:
    first, last = VARIATION_SELECTORS
    return unicodedata.category(letter) == "Cf" or letter in UNSEEN or first <= letter <= last


@lru_cache(maxsize=CACHED_PATTERNS)
def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    return re2.compile(pattern, options)
