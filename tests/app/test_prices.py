"""The operator's price file: its rows win, and a wrong one ends the start with one line."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot.app.prices import load_prices
from bot.domain.catalog import PRICES, Catalog
from bot.domain.requests import GenerationRequest
from bot.settings import SettingsError


def write(folder: Path, text: str) -> Path:
    """Make a price file."""
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_of_the_file_replace_the_shipped_ones(tmp_path: Path) -> None:
    """The quote follows the file; other rows stay as shipped."""
    path = write(
        tmp_path, '[[price]]\nmodel = "seedance2-movie/seedance-2.0"\nresolution = "720p"\nper_second = 2.005\n'
    )
    prices = load_prices(path)
    catalog = Catalog.build(providers=["seedance2-movie"], rates={"seedance2-movie": Decimal(1)}, prices=prices)

    assert str(catalog.quote(catalog.decide(GenerationRequest(prompt="a boat")))) == "10.03"
    assert str(catalog.quote(catalog.decide(GenerationRequest(prompt="a boat", resolution="1080p")))) == "22.5"
    assert len(prices) == len(PRICES)


def test_without_a_file_the_shipped_table_holds() -> None:
    """No setting, no change."""
    assert load_prices(None) == PRICES


@pytest.mark.parametrize(
    "text",
    [
        "price = 3",
        "[[price]]\nmodel = 'x'",
        "[[price]]\nmodel = 'x'\nresolution = '720p'\nper_second = -1",
        "[[price]]\nmodel = 'x'\nresolution = '720p'\nper_second = 'much'",
        "[[price]]\nmodel = 'x'\nresolution = '720p'\nper_second = 1\ncolour = 'red'",
        "[other]\nx = 1",
        "not toml at all [",
    ],
)
def test_wrong_file_is_one_line_with_an_example(tmp_path: Path, text: str) -> None:
    """The line names the variable and shows a good row."""
    with pytest.raises(SettingsError) as caught:
        load_prices(write(tmp_path, text))

    assert str(caught.value).startswith("PRICES_FILE")
    assert "per_second" in str(caught.value)
    assert "\n" not in str(caught.value)
