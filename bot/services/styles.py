"""The visual styles that providers list: asked for at most every hour, remembered for all processes and restarts."""

import asyncio
import difflib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.db import values
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import ProviderError, Refused
from bot.domain.requests import Spec
from bot.ports import Provider

log = logging.getLogger(__name__)

PREFIX = "styles:"
ASKED_EVERY = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=5)  # where there was no answer
ANSWER_TIMEOUT_S = 20.0
READ_EVERY = timedelta(minutes=1)  # another process may have asked
READ_TIMEOUT_S = 0.3
SUGGESTED_MAX = 25
NAMED_MAX = 8


@dataclass(frozen=True, slots=True)
class StyleList:
    """One provider's styles, as a request takes them, and its models that have them.

    `is_stale`: the provider has not answered for longer than a list is kept.
    """

    provider: str
    models: tuple[str, ...]
    styles: tuple[str, ...]
    answered_at: datetime
    is_stale: bool = False


class Styles:
    """Knows which styles there are. Only `refresh` and `lists` ask a provider; all else is what was remembered."""

    def __init__(
        self, database: Database, clock: Clock, *, providers: Mapping[str, Provider], catalog: Catalog
    ) -> None:
        self._database = database
        self._clock = clock
        models = [model for model in catalog.models.values() if model.has_style and model.provider in providers]
        self._models = {one.provider: tuple(m.key for m in models if m.provider == one.provider) for one in models}
        self._providers = {name: providers[name] for name in self._models}
        self._known: dict[str, StyleList] = {}
        self._read_at: datetime | None = None

    @property
    def has_models(self) -> bool:
        """Whether any model on offer has styles to choose from."""
        return bool(self._models)

    async def refresh(self) -> None:
        """Ask every provider whose list is an hour old. One read, and one transaction around each question."""
        for name, provider in self._providers.items():
            await self._refresh(f"{PREFIX}{name}", provider)

    async def lists(self) -> list[StyleList]:
        """Return every list there is, asked for anew where it is due, and the old one where nobody answers."""
        await self.refresh()
        await self._read()
        return list(self._known.values())

    async def suggest(self, prefix: str) -> list[str]:
        """Return at most 25 styles that begin with, then such that contain what was typed, from what is remembered.

        At most one read, of at most 300 ms.
        """
        wanted = prefix.strip().casefold()
        known = await self._remembered()
        styles = dict.fromkeys(style for one in known.values() for style in one.styles)
        found = [style for style in styles if wanted in style.casefold()]
        found.sort(key=lambda style: not style.casefold().startswith(wanted))
        return found[:SUGGESTED_MAX]

    async def check(self, spec: Spec) -> None:
        """Refuse a style that the model's provider surely does not have. At most one read, of at most 300 ms.

        Raises:
            Refused: `unknown_style`, with the styles that are most like it. Not where no list is known.
        """
        if spec.style is None:
            return
        known = (await self._remembered()).get(spec.provider)
        if known is None or not known.styles or spec.style in known.styles:
            return
        like = difflib.get_close_matches(spec.style.lower(), known.styles, n=NAMED_MAX, cutoff=0.0)
        raise Refused("unknown_style", style=spec.style, styles=", ".join(like))

    async def _remembered(self) -> dict[str, StyleList]:
        now = self._clock.now()
        if self._read_at is None or now - self._read_at >= READ_EVERY:
            try:
                async with asyncio.timeout(READ_TIMEOUT_S):
                    await self._read()
            except TimeoutError:
                log.info("styles.read_late")
        return self._known

    async def _read(self) -> None:
        async with self._database.read() as connection:
            rows = await values.read_all(connection, PREFIX)
        now = self._clock.now()
        lists = (self._list(name, rows.get(f"{PREFIX}{name}"), now) for name in self._models)
        self._known = {one.provider: one for one in lists if one is not None}
        self._read_at = now

    def _list(self, provider: str, value: dict[str, Any] | None, now: datetime) -> StyleList | None:
        if value is None or "answered_at" not in value:
            return None
        answered_at = _moment(value["answered_at"])
        styles = tuple(str(style) for style in value["styles"])
        return StyleList(provider, self._models[provider], styles, answered_at, now - answered_at >= ASKED_EVERY)

    async def _refresh(self, key: str, provider: Provider) -> None:
        now = self._clock.now()
        async with self._database.read() as connection:
            before = await values.read(connection, key)
        if before is not None and not _is_due(before, now):
            return
        asking = {**(before or {}), "asked_at": now.isoformat()}
        async with self._database.begin() as connection:
            is_ours = await values.swap(connection, key, before, asking)
        styles = await self._ask(provider) if is_ours else None
        if styles is not None:
            after = {"asked_at": now.isoformat(), "answered_at": self._clock.now().isoformat(), "styles": styles}
            async with self._database.begin() as connection:
                await values.swap(connection, key, asking, after)

    async def _ask(self, provider: Provider) -> list[str] | None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await provider.styles()
        except (ProviderError, TimeoutError) as error:
            log.info("styles.no_answer", extra={"provider": provider.name, "error": type(error).__name__})
            return None


def _is_due(value: dict[str, Any], now: datetime) -> bool:
    if now - _moment(value["asked_at"]) < ASKED_AGAIN_AFTER:
        return False
    return "answered_at" not in value or now - _moment(value["answered_at"]) >= ASKED_EVERY


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
