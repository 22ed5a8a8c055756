"""What the operator's provider accounts have left, asked seldom and remembered for all processes."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.clock import Clock
from bot.db import values
from bot.db.engine import Database
from bot.domain.errors import ProviderAccount, ProviderError
from bot.ports import Breaker, Provider
from bot.services.breaker import note_failure

log = logging.getLogger(__name__)

PREFIX = "balance:"
ASKED_EVERY = timedelta(minutes=10)
ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Figure:
    """An account's balance in the provider's own credits. `highest` is the most since it was last filled up."""

    amount: Decimal
    highest: Decimal
    at: datetime


class Balances:
    """Asks each provider at most every ten minutes, over all processes. An answer tells the breaker of the key too."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        providers: Mapping[str, Provider],
        breaker: Breaker,
        filled_from: Mapping[str, Decimal],
    ) -> None:
        """`filled_from` is, by provider, the rise from which on somebody must have bought credits: smaller ones are
        refunds."""
        self._database = database
        self._clock = clock
        self._providers = providers
        self._breaker = breaker
        self._filled_from = filled_from

    async def figure(self, provider: str) -> Figure | None:
        """Return what an account has left, asked anew where that is ten minutes old; None where it never answered.

        One read; where it asks, one transaction before and one after.
        """
        account = self._providers.get(provider)
        if account is None or not account.traits.has_balance:
            return None
        key = f"{PREFIX}{provider}"
        now = self._clock.now()
        async with self._database.read() as connection:
            before = await values.read(connection, key)
        if before is not None and now - _moment(before["asked_at"]) < ASKED_EVERY:
            return _figure(before)
        asking = {**(before or {}), "asked_at": now.isoformat()}
        async with self._database.begin() as connection:
            is_ours = await values.swap(connection, key, before, asking)
        if not is_ours:
            return _figure(before)
        amount = await self._ask(account)
        if amount is None:
            return _figure(asking)
        after = asking | self._remember(provider, asking, amount, self._clock.now())
        async with self._database.begin() as connection:
            await values.swap(connection, key, asking, after)
        return _figure(after)

    def _remember(self, provider: str, before: dict[str, Any], amount: Decimal, now: datetime) -> dict[str, str]:
        last, highest = Decimal(before.get("amount", 0)), Decimal(before.get("highest", 0))
        is_filled = amount - last >= self._filled_from.get(provider, Decimal(0))
        return {
            "amount": str(amount),
            "highest": str(amount if is_filled else max(amount, highest)),
            "answered_at": now.isoformat(),
        }

    async def _ask(self, account: Provider) -> Decimal | None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                amount = await account.balance()
        except ProviderAccount as error:
            await note_failure(self._breaker, account.name, error)
            return None
        except (ProviderError, TimeoutError) as error:
            log.info("balance.no_answer", extra={"provider": account.name, "error": type(error).__name__})
            return None
        await self._breaker.succeeded(account.name, took_task=False)
        return amount


def _figure(value: dict[str, Any] | None) -> Figure | None:
    if value is None or "amount" not in value:
        return None
    return Figure(Decimal(value["amount"]), Decimal(value["highest"]), _moment(value["answered_at"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
