"""Credits: exact, parsed strictly, rounded up when converted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Credits


@pytest.mark.parametrize(
    ("text", "milli"),
    [("12", 12_000), ("12.5", 12_500), ("0.125", 125), (" 9.0 ", 9_000), ("0", 0), ("1e3", 1_000_000)],
)
def test_amounts_are_read(text: str, milli: int) -> None:
    """Plain decimal numbers down to a millicredit."""
    assert Credits.parse(text) == Credits(milli)


@pytest.mark.parametrize(
    "text", ["", "-1", "abc", "NaN", "Infinity", "-Infinity", "0.0001", "1,5", "1e30", "1000000000001", "sNaN"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Negative, too fine, too large or no number at all."""
    with pytest.raises(ValueError, match="not a number of credits"):
        Credits.parse(text)


@pytest.mark.parametrize(
    ("milli", "text"), [(9_000, "9.0"), (11_520, "11.52"), (125, "0.125"), (0, "0.0"), (-1_500, "-1.5"), (-5, "-0.005")]
)
def test_amounts_are_shown(milli: int, text: str) -> None:
    """At least one decimal, at most three."""
    assert str(Credits(milli)) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_what_is_shown_can_be_read(milli: int) -> None:
    """Showing and reading are inverse."""
    assert Credits.parse(str(Credits(milli))) == Credits(milli)


@pytest.mark.parametrize(
    ("amount", "rate", "milli"),
    [("26.496", "1", 26_500), ("26.5", "1", 26_500), ("30", "0.3", 9_000), ("0.001", "1", 10), ("0", "1", 0)],
)
def test_a_providers_credits_round_up_to_a_hundredth(amount: str, rate: str, milli: int) -> None:
    """Never down: the operator is not left with the rest."""
    assert Credits.from_provider(Decimal(amount), Decimal(rate)) == Credits(milli)


@given(st.decimals(0, 10**6, places=4), st.decimals("0.01", 100, places=2))
def test_rounding_adds_less_than_a_hundredth(amount: Decimal, rate: Decimal) -> None:
    """The quote is at least the exact price and less than 0.01 above it."""
    exact = amount * rate
    quoted = Credits.from_provider(amount, rate).amount

    assert exact <= quoted < exact + Decimal("0.01")
