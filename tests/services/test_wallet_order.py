"""Everything that touches one wallet at the same moment: nobody waits for another in a circle."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.db import tables
from bot.db.engine import Database
from bot.domain.money import ZERO
from bot.services.config import MoneyRules
from tests.services.world import GUILD, USER, World, credits
from tests.waiting import until

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


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite's writers are alone
async def test_a_deletion_and_a_revoke_take_a_wallets_grants_in_one_order(
    make_world: Callable[..., World], database: Database
) -> None:
    """A grant that was changed lies behind the others in PostgreSQL's file, and would be locked after them."""
    world = make_world()
    for _ in range(2):
        await world.budgets.grant(
            guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits("20"), reason="x", expires_at=None
        )
    await _revoke(world, "1")  # from the first grant
    own = sa.select(tables.wallet_grant.c.id).order_by(tables.wallet_grant.c.id.desc()).limit(1)

    async with database.begin() as other:
        await other.execute(own.with_for_update())
        deletion = asyncio.create_task(world.privacy.delete(USER))
        await until(lambda: _count_waiting(database, 1), "the deletion waits")
        revoke = asyncio.create_task(_revoke(world, "1"))
        await until(lambda: _count_waiting(database, 2), "the revoke waits too")
    outcomes = await asyncio.gather(deletion, revoke, return_exceptions=True)

    assert [one for one in outcomes if isinstance(one, BaseException)] == []


async def _revoke(world: World, amount: str) -> None:
    await world.budgets.revoke(guild_id=GUILD, actor_id=MO, user_id=USER, amount=credits(amount), reason="x")


async def _count_waiting(database: Database, wanted: int) -> bool:
    """Whether so many connections wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with database.read() as connection:
        return int((await connection.execute(sa.text(query))).scalar_one()) >= wanted
