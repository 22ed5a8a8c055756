"""The operator's own price table: rows of `PRICES_FILE` replace or add to the shipped ones."""

import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bot.domain.catalog import PRICES, Price
from bot.settings import SettingsError

EXAMPLE = '[[price]] model = "seedance2-movie/seedance-2.0" resolution = "720p" per_second = 1.8'


def load_prices(path: Path | None) -> tuple[Price, ...]:
    """Return the shipped rows, with those of the file in their place. A price of 0 must be written.

    Raises:
        SettingsError: the file cannot be read, or a row lacks something or has a wrong amount.
    """
    if path is None:
        return PRICES
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"PRICES_FILE: {path} is not readable TOML ({error}). Example: {EXAMPLE}") from error
    rows = found.get("price")
    if not isinstance(rows, list) or found.keys() - {"price"}:
        raise SettingsError(f"PRICES_FILE: {path} must hold [[price]] rows and nothing else. Example: {EXAMPLE}")
    own = [_row(row, number) for number, row in enumerate(rows, start=1)]
    table = {(price.model, price.resolution): price for price in (*PRICES, *own)}
    return tuple(table.values())


def _row(row: Any, number: int) -> Price:
    try:
        model, resolution = row["model"], row["resolution"]
        amount = Decimal(str(row["per_second"]))
        is_good = (
            isinstance(model, str) and isinstance(resolution, str) and amount.is_finite() and 0 <= amount <= 10_000
        )
    except (KeyError, TypeError, InvalidOperation):
        is_good = False
    if not is_good or set(row) != {"model", "resolution", "per_second"}:
        raise SettingsError(
            f"PRICES_FILE: row {number} needs model, resolution and per_second (0 to 10000). Example: {EXAMPLE}"
        )
    return Price(model, resolution, amount)
