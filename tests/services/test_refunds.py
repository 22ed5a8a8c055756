"""Refunds: to the member alone, once, and never across guilds."""

import asyncio

import pytest

from bot.db import guilds
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.rules import GuildRules
from tests.services.world import GUILD, OWNER, USER, World, credits


async def _delivered(world: World, prompt: str = "a red boat", **options: object) -> Job:
    job = await world.accept(prompt, **options)
    await world.run_until_quiet()
    assert await world.state(job) is JobState.DELIVERED
    return await world.job(job)


async def _refund(world: World, job: Job, guild_id: int = GUILD) -> object:
    return await world.refunds.refund(job.id, guild_id=guild_id, actor_id=OWNER, reason="blurry")


async def test_a_refund_gives_the_member_alone_what_the_job_cost(world: World) -> None:
    """Allowance back in full; pool, provider and instance stay paid; audit and log channel say so."""
    async with world.database.begin() as connection:
        await guilds.save_rules(connection, GUILD, GuildRules(log_channel_id=55))
    job = await _delivered(world)

    done = await world.refunds.refund(job.id, guild_id=GUILD, actor_id=OWNER, reason="blurry")

    assert (done.given, done.lapsed, done.job.user_id) == (credits("9"), credits("0"), USER)
    view = await world.queries.balance(guild_id=GUILD, user_id=USER)
    assert view.allowance.settled == credits("0")
    found = await world.entries(job)
    assert found["allowance", "refund"] == credits("9")
    assert {level for level, kind in found if kind == "refund"} == {"allowance"}
    assert {level for level, kind in found if kind == "settle"} == {"allowance", "instance", "pool", "provider"}
    assert (await world.job(job)).refunded_at == world.clock.now()


async def test_two_refunds_at_once_give_the_credits_once(world: World) -> None:
    """One wins, the other is refused."""
    job = await _delivered(world)

    results = await asyncio.gather(*(_refund(world, job) for _ in range(5)), return_exceptions=True)

    refused = [one for one in results if isinstance(one, Refused)]
    assert len(refused) == 4
    assert {one.code for one in refused} == {"refunded_before"}
    assert (await world.entries(job))["allowance", "refund"] == credits("9")


@pytest.mark.parametrize("when", ["queued", "cancelled"])
async def test_only_delivered_jobs_are_refunded(world: World, when: str) -> None:
    """An open or ended job without a clip holds nothing to give back."""
    job = await world.accept()
    if when == "cancelled":
        await world.cancellation.request(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False)

    with pytest.raises(Refused) as refused:
        await _refund(world, job)

    assert (refused.value.code, refused.value.params["state"]) == ("refund_not_delivered", when)


async def test_another_guilds_job_does_not_exist_here(world: World) -> None:
    """Neither by its id nor in the suggestions."""
    job = await _delivered(world)

    with pytest.raises(NotFound):
        await _refund(world, job, guild_id=2)

    assert await world.refunds.suggest(2, "") == []
    assert await world.refunds.suggest(2, job.id) == []


async def test_a_job_that_cost_its_member_nothing_is_refused(world: World) -> None:
    """And is not marked as refunded."""
    world.provider.on_submit = lambda task: setattr(task, "cost", 0)
    job = await _delivered(world)

    with pytest.raises(Refused) as refused:
        await _refund(world, job)

    assert refused.value.code == "nothing_charged"
    assert (await world.job(job)).refunded_at is None


async def test_a_refund_after_the_period_goes_to_the_old_period_and_says_so(world: World) -> None:
    """What is held goes where it came from; the moderator learns that it can no longer be spent."""
    job = await _delivered(world)
    world.clock.advance(14 * 86_400)

    done = await world.refunds.refund(job.id, guild_id=GUILD, actor_id=OWNER, reason="late")

    assert (done.given, done.lapsed) == (credits("9"), credits("9"))


async def test_wallet_credits_go_back_to_their_grant(world: World) -> None:
    """A job paid from both gives both back."""
    await world.budgets.set_limit(guild_id=GUILD, actor_id=OWNER, scope="everyone", subject=0, credits=credits("5"))
    await world.budgets.grant(
        guild_id=GUILD, actor_id=OWNER, user_id=USER, amount=credits("10"), reason="prize", expires_at=None
    )
    job = await _delivered(world)

    done = await world.refunds.refund(job.id, guild_id=GUILD, actor_id=OWNER, reason="blurry")

    assert (done.given, done.lapsed) == (credits("9"), credits("0"))
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).wallet == credits("10")


async def test_suggestions_are_delivered_jobs_and_keep_private_prompts(world: World) -> None:
    """A private job is found by its id, never by what it asked for."""
    public = await _delivered(world, "a red boat")
    private = await _delivered(world, "a secret garden", private=True)
    await world.accept("a waiting cat")

    assert [one.id for one in await world.refunds.suggest(GUILD, "")] == [private.id, public.id]
    assert [one.id for one in await world.refunds.suggest(GUILD, "RED")] == [public.id]
    assert await world.refunds.suggest(GUILD, "secret") == []
    assert [one.id for one in await world.refunds.suggest(GUILD, private.id[:6].lower())] == [private.id]

    await _refund(world, public)

    assert [one.id for one in await world.refunds.suggest(GUILD, "")] == [private.id]
