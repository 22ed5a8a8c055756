"""The operator's own price table: rows of `PRICES_FILE` replace or add to the shipped ones."""

import logging
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bot.domain.catalog import MODELS, PRICES, Price
from bot.domain.requests import Kind
from bot.settings import SettingsError

log = logging.getLogger(__name__)

EXAMPLE = '[[price]] model = "seedance2-movie/seedance-2.0" resolution = "720p" per_second = 1.8'
#: Provider credits; far above any price, so that a slip of the decimal point is noticed.
MOST = 10_000
AMOUNTS = {"per_second", "per_picture"}
COLUMNS = AMOUNTS | {"model", "resolution", "rendering", "audio", "per_reference_second"}
NEEDED = (
    f"needs model, resolution and either per_second (clips) or per_picture (0 to {MOST}); "
    "rendering, audio and per_reference_second are optional"
)
RESOLUTIONS: Mapping[str, tuple[str, ...]] = {model.key: model.made_resolutions for model in MODELS}
KINDS: Mapping[str, Kind] = {model.key: model.kind for model in MODELS}


def load_prices(path: Path | None) -> tuple[Price, ...]:
    """Return the shipped rows and after them those of the file, which replace the ones of the same place.

    The place of a row is its model, resolution, rendering and audio; of those that cover a request the closest counts.
    A price of 0 must be written. A row of a model or resolution that there is not changes nothing and is logged.

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
    for number, price in enumerate(own, start=1):
        if price.resolution not in RESOLUTIONS.get(price.model, ()):
            named = {"row": number, "model": price.model, "resolution": price.resolution}
            log.warning("prices.row_of_nothing", extra=named)
    return tuple({price.place: price for price in (*PRICES, *own)}.values())


def _row(row: Any, number: int) -> Price:
    try:
        return _price(dict(row))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise SettingsError(f"PRICES_FILE: row {number} {NEEDED}. Example: {EXAMPLE}") from error


def _price(row: dict[str, Any]) -> Price:
    """Read one row; anything wrong raises what it happens to."""
    price = Price(
        model=_text(row["model"]),
        resolution=_text(row["resolution"]),
        per_second=_amount(row["per_second"]) if "per_second" in row else None,
        per_picture=_amount(row["per_picture"]) if "per_picture" in row else None,
        rendering=_text(row["rendering"]) if "rendering" in row else None,
        audio=row.get("audio"),
        per_reference_second=_amount(row.get("per_reference_second", 0)),
    )
    is_whole = row.keys() <= COLUMNS and len(AMOUNTS & row.keys()) == 1 and isinstance(price.audio, bool | None)
    kind = KINDS.get(price.model)
    if not is_whole or (kind is not None and not price.serves(kind)):
        raise ValueError(row)
    return price


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value


def _amount(value: Any) -> Decimal:
    amount = Decimal(str(value))
    if not amount.is_finite() or not 0 <= amount <= MOST:
        raise ValueError(value)
    return amount
