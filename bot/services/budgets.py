"""What moderators and the operator change about budgets. One transaction each, with a line in audit and journal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, money, standing
from bot.db.engine import Database
from bot.domain.errors import Refused
from bot.domain.money import ZERO, Credits, Limit
from bot.domain.rule_checks import check_amount
from bot.services import settlement
from bot.services.acts import note_act

Inherit = Literal["inherit"]
Scope = Literal["everyone", "member", "role", "channel"]

LONGEST_GRANT = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit before and after; `inherit` where no rule stands."""

    before: Limit | Inherit
    after: Limit | Inherit


class Budgets:
    """Limits, grants and pools."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def set_limit(
        self, *, guild_id: int, actor_id: int, scope: Scope, subject: int, credits: Limit | Inherit
    ) -> LimitChange:
        """Set an allowance (everyone's, a member's, a role's) or a channel's cap; it applies from the next request on.

        Raises:
            Refused: `amount_too_large`.
        """
        who = 0 if scope == "everyone" else subject
        if isinstance(credits, Credits):
            check_amount(credits)
        async with self._database.begin() as connection:
            await guilds.lock(connection, guild_id)
            is_set, limit = await standing.limit(connection, guild_id=guild_id, scope=scope, subject=who)
            before: Limit | Inherit = limit if is_set else "inherit"
            if credits == "inherit":
                await guilds.clear_quota(connection, guild_id=guild_id, scope=scope, subject=who)
            else:
                await guilds.set_quota(connection, guild_id=guild_id, scope=scope, subject=who, limit=credits)
            detail = f"{_text(before)} -> {_text(credits)}"
            await self._note(connection, guild_id, str(actor_id), "quota.set", subject=f"{scope}:{who}", detail=detail)
        return LimitChange(before, credits)

    async def grant(
        self, *, guild_id: int, actor_id: int, user_id: int, amount: Credits, reason: str, expires_at: datetime | None
    ) -> Credits:
        """Put credits into a member's wallet. Returns what the wallet has then.

        Raises:
            Refused: `amount_zero`, `amount_too_large`, `expires_past`, or `expires_far` beyond five years.
        """
        if amount <= ZERO:
            raise Refused("amount_zero")
        check_amount(amount)
        if expires_at is not None and expires_at <= self._clock.now():
            raise Refused("expires_past")
        if expires_at is not None and expires_at > self._clock.now() + LONGEST_GRANT:
            raise Refused("expires_far", days=LONGEST_GRANT.days)
        async with self._database.begin() as connection:
            now = self._clock.now()
            await settlement.grant(
                connection,
                guild_id=guild_id,
                user_id=user_id,
                amount=amount,
                expires_at=expires_at,
                actor=str(actor_id),
                reason=reason,
                now=now,
            )
            await self._note(
                connection,
                guild_id,
                str(actor_id),
                "quota.grant",
                subject=str(user_id),
                detail=str(amount),
                reason=reason,
            )
            return await _wallet(connection, guild_id, user_id, now)

    async def revoke(
        self, *, guild_id: int, actor_id: int, user_id: int, amount: Credits, reason: str
    ) -> tuple[Credits, Credits]:
        """Take up to `amount` out of a wallet, never what is held or spent. Returns (taken, what the wallet has then).

        Raises:
            Refused: `amount_zero`.
        """
        if amount <= ZERO:
            raise Refused("amount_zero")
        async with self._database.begin() as connection:
            now = self._clock.now()
            taken = await settlement.revoke(
                connection,
                guild_id=guild_id,
                user_id=user_id,
                amount=amount,
                actor=str(actor_id),
                reason=reason,
                now=now,
            )
            await self._note(
                connection,
                guild_id,
                str(actor_id),
                "quota.revoke",
                subject=str(user_id),
                detail=str(taken),
                reason=reason,
            )
            return taken, await _wallet(connection, guild_id, user_id, now)

    async def set_pool(self, *, guild_id: int, actor: str, limit: Limit) -> None:
        """Set what a guild may spend in a month; None is unlimited."""
        async with self._database.begin() as connection:
            milli = None if limit is None else limit.milli
            await guilds.save(connection, guild_id, pool_is_set=True, pool_limit_milli=milli)
            await self._note(connection, guild_id, actor, "pool.set", subject=str(guild_id), detail=_text(limit))

    async def _note(
        self,
        connection: AsyncConnection,
        guild_id: int,
        actor: str,
        action: str,
        *,
        subject: str,
        detail: str,
        reason: str = "",
    ) -> None:
        await note_act(
            connection,
            guild_id,
            actor,
            action=action,
            subject=subject,
            detail=detail,
            reason=reason,
            now=self._clock.now(),
        )


def _text(limit: Limit | Inherit) -> str:
    return "unlimited" if limit is None else str(limit)


async def _wallet(connection: AsyncConnection, guild_id: int, user_id: int, now: datetime) -> Credits:
    grants = await money.grants(connection, guild_id=guild_id, user_id=user_id, now=now)
    return sum((grant.available or ZERO for grant in grants), ZERO)
