"""Amounts as people type them, in their own language."""

import pytest

from bot.domain.errors import Refused
from bot.domain.money import Credits, Limit
from bot.i18n import Catalogue
from cogs._parsing import parse_amount, parse_limit, parse_threshold

CATALOGUE = Catalogue.load()


@pytest.mark.parametrize(
    ("typed", "limit"),
    [
        (" Unlimited ", None),
        ("onbeperkt", None),
        ("無制限", None),
        ("inherit", "inherit"),
        ("Overnemen", "inherit"),
        ("overgenomen", "inherit"),
        ("継承", "inherit"),
        ("上位の設定に従う", "inherit"),
        ("12,5", Credits(12_500)),
        ("0,125", Credits(125)),
        ("１２．５", Credits(12_500)),
    ],
)
def test_a_limit_is_read_in_every_language(typed: str, limit: Limit | str) -> None:
    """The words as the sentences show them, whatever the language of who typed them; a comma parts decimals too."""
    assert parse_limit(typed, CATALOGUE) == limit


@pytest.mark.parametrize("typed", ["1,000", "12,345", "1.000,5", "1,2,3", ",5", "5,", "nooit", ""])
def test_what_may_mean_two_things_is_refused(typed: str) -> None:
    """A thousand for some and one for others."""
    with pytest.raises(Refused, match="credits_format"):
        parse_limit(typed, CATALOGUE)
    with pytest.raises(Refused, match="amount_format"):
        parse_amount(typed)


@pytest.mark.parametrize("typed", ["never", "Nooit", "なし"])
def test_never_is_read_in_every_language(typed: str) -> None:
    """A threshold that never applies."""
    assert parse_threshold(typed, CATALOGUE) is None
    assert parse_threshold("7,5", CATALOGUE) == Credits(7500)
