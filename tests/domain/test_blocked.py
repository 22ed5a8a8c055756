"""Blocked words and patterns."""

import pytest

from bot.domain.blocked import compile_blocked, first_blocked
from bot.domain.errors import Refused


@pytest.mark.parametrize(
    ("entry", "text", "found"),
    [
        ("bad", "a bad thing", "bad"),
        ("bad", "a BAD thing", "bad"),
        ("bad", "ＢＡＤ", "bad"),
        ("bad", "badger", None),
        ("bad", "not_bad_at_all", "bad"),
        ("bad", "_bad_", "bad"),
        ("bad", "b\u200bad", "bad"),
        ("bad", "b\u00adad", "bad"),
        ("b\u2060ad", "bad", "bad"),
        ("bad", "b\u0336a\u0336d\u0336", "bad"),
        ("bad", "bád", None),
        ("istanbul", "İstanbul", "istanbul"),
        ("กา", "ก้า", None),
        ("bad", "bad", "bad"),
        ("bad", "so (bad)!", "bad"),
        ("two words", "here are two words", "two words"),
        ("two words", "here are two \n words", "two words"),
        ("c++", "write c++ now", "c++"),
        ("血", "流血の場面", "血"),
        ("плохо", "очень плохо", "плохо"),
        ("плохо", "неплохо", None),
        ("/b[ao]d/", "a bod", "bod"),
        ("/^start/", "start here", "start"),
        ("/^start/", "do not start", None),
        ("/ＢＡＤ/", "ＢＡＤ", "ＢＡＤ"),
        ("/straße/", "in der Straße", "Straße"),
        ("/b.d/", "b\u200bad", "bad"),
        ("a.b", "axb", None),
    ],
)
def test_an_entry_finds_words_that_stand_alone_and_patterns_anywhere(entry: str, text: str, found: str | None) -> None:
    """Case and width make no difference; a word inside another is not that word; other scripts need no spaces. What is
    not seen, or only strikes a letter through, hides no word."""
    result = first_blocked(text, [entry])

    assert (result is None) is (found is None)
    if found is not None:
        assert found in str(result)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("", "word_empty"),
        ("   ", "word_empty"),
        ("//", "word_empty"),
        ("\u200b", "word_empty"),
        ("/(/", "pattern_invalid"),
        (r"/(a)\1/", "pattern_invalid"),
        ("/(?=a)b/", "pattern_invalid"),
        ("/((a{1000}){1000})/", "pattern_invalid"),
        ("/.*/", "pattern_matches_all"),
        ("x" * 201, "pattern_too_long"),
    ],
)
def test_an_entry_that_cannot_work_is_refused(entry: str, code: str) -> None:
    """What RE2 refuses, what is empty, and what would match every prompt."""
    with pytest.raises(Refused) as refused:
        compile_blocked(entry)

    assert refused.value.code == code


def test_no_pattern_takes_for_ever() -> None:
    """Patterns that keep backtracking engines busy for years are answered, or this test never ends."""
    found = first_blocked("a" * 6000 + "!", ["/(a+)+$/", "/(a|aa)+$/", "/(.*a){20}$/"])

    assert found is None
