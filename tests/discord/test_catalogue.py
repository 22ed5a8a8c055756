"""The catalogue has every sentence that the code asks for."""

import ast
from pathlib import Path

import pytest

from bot.domain.budgets import Level
from bot.domain.jobs import JobState
from bot.i18n import Catalogue

PROJECT = Path(__file__).resolve().parents[2]
CATALOGUE = Catalogue.load()
#: seedance2.movie, Business Error Codes.
P1_CODES = [
    "INVALID_API_KEY",
    "INVALID_PARAMETER",
    "MISSING_PARAMETER",
    "INSUFFICIENT_CREDIT",
    "CREDIT_DEDUCT_FAILED",
    "TASK_NOT_FOUND",
    "TASK_SUBMIT_FAILED",
    "TASK_CANCEL_NOT_ALLOWED",
    "CONCURRENCY_LIMIT_REACHED",
    "FILE_UPLOAD_FAILED",
    "VIDEO_DOWNLOAD_FAILED",
    "CONTENT_MODERATION_FAILED",
    "COPYRIGHT_VIOLATION",
    "PRIVACY_VIOLATION",
    "SERVICE_BUSY",
    "RATE_LIMIT_EXCEEDED",
    "INTERNAL_ERROR",
]
RAISED = {"Refused": "refused", "NotFound": "refused", "MediaRejected": "media"}
#: What the renderer adds to a refusal's own parameters.
GIVEN = {"option", "reference"}


def _calls() -> list[tuple[str, str, ast.Call]]:
    found = []
    for path in [*PROJECT.glob("bot/**/*.py"), *PROJECT.glob("cogs/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.append((node.func.id, first.value, node))
    return found


def test_every_refusal_raised_anywhere_has_its_sentence() -> None:
    """And gives every placeholder of it."""
    checked = 0
    for name, code, call in _calls():
        if name not in RAISED:
            continue
        key = f"{RAISED[name]}.{code}"
        assert CATALOGUE.has(key), key
        if all(keyword.arg is not None for keyword in call.keywords):
            given = {keyword.arg for keyword in call.keywords} | GIVEN
            assert CATALOGUE.placeholders(key) <= given, key
        checked += 1
    assert checked > 25


def test_every_sentence_that_is_asked_for_by_name_exists() -> None:
    """Keys written out in calls such as `words("card.ends", …)`, with the placeholders that the calls give."""
    checked = 0
    for name, key, call in _calls():
        if name in {"words", "say"}:
            assert CATALOGUE.has(key), key
            if all(keyword.arg is not None for keyword in call.keywords):
                assert CATALOGUE.placeholders(key) <= {keyword.arg for keyword in call.keywords}, key
            checked += 1
    assert checked > 60


@pytest.mark.parametrize("code", P1_CODES)
def test_every_provider_code_has_a_plain_sentence(code: str) -> None:
    """Without placeholders, so that it can always be shown."""
    assert CATALOGUE.placeholders(f"provider.{code}") == frozenset()


def test_every_state_has_its_words() -> None:
    """On cards, in lists, and for private outcomes."""
    for state in JobState:
        assert CATALOGUE.has(f"card.state.{state}")
        assert CATALOGUE.has(f"state.{state}")
    for level in Level:
        assert CATALOGUE.has(f"budget.{level}")
    for kind in ("hold", "settle", "release", "extra", "overrun", "loss", "grant", "revoke", "refund"):
        assert CATALOGUE.has(f"entry.{kind}")
    for note in (
        "parked",
        "cancelling",
        "still_working",
        *(f"waiting_{r}" for r in ("outage", "credits", "key", "paused")),
    ):
        assert CATALOGUE.has(f"card.note.{note}")


def test_translations_keep_keys_and_placeholders() -> None:
    """A language may lack sentences, never have others or ask for other values."""
    for language in CATALOGUE.languages:
        for key in CATALOGUE.keys(language):
            assert CATALOGUE.has(key), f"{language}: {key}"
            assert CATALOGUE.placeholders(key, language) <= CATALOGUE.placeholders(key), f"{language}: {key}"


def test_locale_falls_back_to_its_language_then_to_english(tmp_path: Path) -> None:
    """A dropped-in file is a language."""
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "en.po").write_text(header + 'msgid "a"\nmsgstr "one {n}"\n\nmsgid "b"\nmsgstr "two"\n')
    (tmp_path / "es.po").write_text(header + 'msgid "a"\nmsgstr "uno {n}"\n\nmsgid "b"\nmsgstr ""\n')
    found = Catalogue.load(tmp_path)

    assert found.text("a", "es-419", n=1) == "uno 1"
    assert found.text("b", "es-ES") == "two"
    assert found.text("a", "sv-SE", n=2) == "one 2"
    with pytest.raises(KeyError):
        found.text("c", "en")


def test_a_dropped_in_language_brings_its_own_forms_for_numbers(tmp_path: Path) -> None:
    """As its header says; a language whose forms are not all translated shows English ones."""
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: {}\\n"\n\n'
    entry = 'msgid "a"\nmsgid_plural "n"\n'
    english = entry + 'msgstr[0] "{n} clip"\nmsgstr[1] "{n} clips"\n'
    polish = entry + 'msgstr[0] "{n} klip"\nmsgstr[1] "{n} klipy"\nmsgstr[2] "{n} klipów"\n'
    rule = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
    (tmp_path / "en.po").write_text(header.format("nplurals=2; plural=(n != 1);") + english)
    (tmp_path / "pl.po").write_text(header.format(rule) + polish)
    (tmp_path / "de.po").write_text(header.format("nplurals=2; plural=(n != 1);") + entry + 'msgstr[0] "{n} Clip"\n')
    found = Catalogue.load(tmp_path)

    assert [found.text("a", "pl", n=n) for n in (1, 2, 5, 22)] == ["1 klip", "2 klipy", "5 klipów", "22 klipy"]
    assert [found.text("a", "de", n=n) for n in (0, 1)] == ["0 clips", "1 clip"]
    with pytest.raises(KeyError):
        found.text("a", "en")
    with pytest.raises(TypeError):
        found.text("a", "en", n="many")
