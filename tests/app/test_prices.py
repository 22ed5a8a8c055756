"""The operator's price file: its rows win, and a wrong one ends the start with one line."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.app.prices import load_prices
from bot.domain.catalog import PRICES, Catalog
from bot.domain.requests import GenerationRequest, Kind, MediaKind, Reference, ReferenceRole
from bot.settings import SettingsError

PICTURES = "[[price]]\nmodel = 'seedance2ai/nano-banana-pro'\nresolution = '1K'"
CLIPS = "[[price]]\nmodel = 'seedance2ai/seedance2-standard'\nresolution = '720p'"
RATES = {"seedance2-movie": Decimal(1), "seedance2ai": Decimal("0.3")}


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


@pytest.mark.parametrize("place", ["seedance-tv/seedance-9|1080p", "seedance-tv/seedance-2.0|480p"])
def test_a_row_of_nothing_is_logged(tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture) -> None:
    """A slip of the pen must not look like a price that holds."""
    model, _, resolution = place.partition("|")
    load_prices(write(tmp_path, f"[[price]]\nmodel = '{model}'\nresolution = '{resolution}'\nper_second = 1"))

    assert [record.getMessage() for record in caplog.records] == ["prices.row_of_nothing"]


def test_without_a_file_the_shipped_table_holds() -> None:
    """No setting, no change."""
    assert load_prices(None) == PRICES


@pytest.mark.parametrize(
    ("rows", "options", "cost"),
    [
        (f"{PICTURES}\nper_picture = 20", {"model": "seedance2ai/nano-banana-pro", "kind": Kind.IMAGE}, "6.0"),
        (f"{PICTURES}\nper_picture = 0", {"model": "seedance2ai/nano-banana-pro", "kind": Kind.IMAGE}, "0.0"),
        (f"{CLIPS}\nper_second = 10", {}, "15.0"),
        (f"{CLIPS}\nper_second = 10", {"rendering": "wild"}, "13.5"),
        (f"{CLIPS}\nper_second = 10\nrendering = 'wild'", {"rendering": "wild"}, "15.0"),
        (f"{CLIPS}\nper_second = 10\nrendering = 'wild'", {}, "9.0"),
        (f"{CLIPS}\nper_second = 10\naudio = true", {"audio": True}, "15.0"),
        (f"{CLIPS}\nper_second = 10\naudio = true", {"audio": False}, "9.0"),
    ],
)
def test_every_column_may_be_named(tmp_path: Path, rows: str, options: dict, cost: str) -> None:
    """A row replaces that of the same rendering and sound; one that names more goes before one that names less."""
    prices = load_prices(write(tmp_path, rows))
    catalog = Catalog.build(providers=["seedance2ai"], rates=RATES, prices=prices)

    request = GenerationRequest(**({"prompt": "a boat", "model": "seedance2ai/seedance2-standard"} | options))
    assert str(catalog.quote(catalog.decide(request))) == cost


def test_seconds_of_reference_videos_have_their_own_price(tmp_path: Path) -> None:
    """Five seconds of clip at 10 and three of reference at 2 make 56 of the provider's credits."""
    prices = load_prices(write(tmp_path, f"{CLIPS}\nper_second = 10\nper_reference_second = 2"))
    catalog = Catalog.build(providers=["seedance2ai"], rates=RATES, prices=prices)
    spec = catalog.decide(GenerationRequest("a boat", model="seedance2ai/seedance2-standard"))
    clip = Reference(ReferenceRole.REFERENCE, MediaKind.VIDEO, "video/mp4", 9, "x", "k", duration_s=2.5)

    assert str(catalog.quote(replace(spec, references=(clip,)))) == "16.8"


@pytest.mark.parametrize(
    "text",
    [
        "price = 3",
        "[[price]]\nmodel = 'x'",
        "[[price]]\nmodel = 'x'\nresolution = '720p'\nper_second = -1",
        "[[price]]\nmodel = 'x'\nresolution = '720p'\nper_second = 'much'",
        "[[price]]\nmodel = 'x'\nresolution = '720p'\nper_second = 1\ncolour = 'red'",
        f"{PICTURES}\nper_second = 1",
        f"{PICTURES}\nper_second = 1\nper_picture = 1",
        f"{CLIPS}\nper_picture = 1",
        f"{CLIPS}\nper_second = 1\naudio = 'yes'",
        f"{CLIPS}\nper_second = 1\naudio = 1",
        f"{CLIPS}\nper_second = 1\nrendering = ''",
        f"{CLIPS}\nper_second = 1\nper_reference_second = -1",
        f"{CLIPS}\nper_second = nan",
        f"{CLIPS}\nper_second = 10001",
        "price = [3]",
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
