"""Columns whose values need turning: the same on both databases."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class Moment(sa.types.TypeDecorator[datetime]):
    """A UTC-aware moment, kept as microseconds since 1970 so that both databases compare it alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Turn a moment into microseconds."""
        if value is None:
            return None
        delta = value - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """Turn microseconds into a moment."""
        if value is None:
            return None
        seconds, micro = divmod(value, 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Texts(sa.types.TypeDecorator[tuple[str, ...]]):
    """Some texts in their order, kept as a JSON list; NULL is none of them."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Any) -> str | None:
        """Turn texts into JSON."""
        return json.dumps(value) if value else None

    def process_result_value(self, value: str | None, dialect: Any) -> tuple[str, ...]:
        """Turn JSON into texts."""
        return tuple(json.loads(value)) if value else ()
