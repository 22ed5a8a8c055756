"""Everything that touches one wallet at the same moment: nobody waits for another in a circle."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from bot.domain.money import ZERO
from bot.services.config import MoneyRules
from tests.services.world import GUILD, USER, World, credits

MO = 1


async def test_refunds_settlements_holds_and_revokes_of_one_wallet_at_once(make_world: Callable[..., World]) -> None:
    """Grants that expire in another order than they were made in."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=ZERO))

    async def grant(amount: str, days: int | None) -> None:
        expires_at = None if days is None else world.clock.now() + timedelta(days=days)
        await world.budgets.grant(
            guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits(amount), reason="x", expires_at=expires_at
        )

    for days in (None, 30, 20, 10):
        await grant("20", days)
    jobs = [await world.accept() for _ in range(5)]
    await world.run_until_quiet()
    await grant("90", 5)

    async def refund(job_id: str) -> None:
        await world.refunds.refund(job_id, guild_id=GUILD, actor_id=MO, reason="x")

    async def revoke() -> None:
        await world.budgets.revoke(guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits("1"), reason="x")

    work = [call for one in jobs for call in (refund(one.id), revoke(), world.accept())]
    outcomes = await asyncio.gather(*work, return_exceptions=True)

    assert [one for one in outcomes if isinstance(one, BaseException)] == []
