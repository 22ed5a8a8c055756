"""Blocked words: what moderators do not want to read in a prompt.

An entry is a word or phrase, or a pattern between slashes (`/b[ao]d\\s+word/`). Patterns are RE2's: their time grows
with the length of the text alone, so that no pattern and no prompt can make the bot wait.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import re2

from bot.domain.errors import Refused

MAX_ENTRY_CHARS = 200
MAX_ENTRIES = 500
#: What one compiled pattern may take. RE2 refuses those that would need more (`x{1000}{1000}`).
MAX_PATTERN_BYTES = 1 << 20
CACHED_PATTERNS = 4096


def compile_blocked(entry: str) -> Any:
    """Return the compiled pattern of an entry.

    Raises:
        Refused: `word_empty`, `pattern_too_long` or `pattern_invalid`.
    """
    text = entry.strip()
    if not text or text == "//":
        raise Refused("word_empty")
    if len(text) > MAX_ENTRY_CHARS:
        raise Refused("pattern_too_long", entry=text[:50], most=MAX_ENTRY_CHARS)
    pattern = text[1:-1] if is_pattern(text) else _of_word(text)
    try:
        compiled = _compile(pattern)
    except re2.error as error:
        raise Refused("pattern_invalid", entry=text[:50]) from error
    if compiled.search("") is not None:
        raise Refused("pattern_matches_all", entry=text[:50])
    return compiled


def is_pattern(entry: str) -> bool:
    """Whether an entry is a pattern rather than a word."""
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


def first_blocked(text: str, entries: Iterable[str]) -> str | None:
    """Return the part of `text` that the first matching entry found, None where none did.

    Letters are compared without case and in their compatible form (full width as half width), so `ＢＡＤ` is `bad`.
    """
    plain = _plain(text)
    for entry in entries:
        found = compile_blocked(entry).search(plain)
        if found is not None:
            return str(found.group(0)).strip() or entry
    return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _of_word(word: str) -> str:
    """A word stands alone between letters of its own kind; scripts without spaces (Japanese) match anywhere."""
    plain = _plain(word)
    before = r"(?:^|[^\p{L}\p{N}_])" if _needs_border(plain[0]) else ""
    after = r"(?:$|[^\p{L}\p{N}_])" if _needs_border(plain[-1]) else ""
    return f"{before}{re2.escape(plain)}{after}"


def _needs_border(letter: str) -> bool:
    return letter.isalnum() and unicodedata.name(letter, "").split(" ")[0] in {"LATIN", "CYRILLIC", "GREEK", "DIGIT"}


@lru_cache(maxsize=CACHED_PATTERNS)
def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    return re2.compile(pattern, options)
