"""Sharing a private clip: once, whatever happens."""

import asyncio

import pytest

from bot.db import work
from bot.domain.errors import DeliveryForbidden, DeliveryRetry, DeliveryTooLarge, NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.rules import PublicPrompts
from bot.services.sharing import SHARE_NUMBER
from tests.services.fakes import LOST
from tests.services.world import CHANNEL, GUILD, USER, World

LATER_S = 300.0


class Killed(BaseException):
    """The process ends here."""


async def private_clip(world: World) -> Job:
    """A clip that only its requester has."""
    job = await world.accept(private=True)
    return await world.until_state(job, JobState.DELIVERED)


def shared(world: World) -> list:
    """The channel's messages."""
    return [one for one in world.messenger.messages if one.channel_id == CHANNEL]


async def refusal(world: World, job: Job, *, user: int = USER) -> str:
    """The code that a press is refused with."""
    with pytest.raises(Refused) as refused:
        await world.sharing.share(job.id, user_id=user, guild_id=GUILD)
    return refused.value.code


async def test_clip_is_posted_to_the_channel_once(world: World) -> None:
    """A second press says so."""
    job = await private_clip(world)

    posted = await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    (message,) = shared(world)
    assert (posted.channel_id, posted.message_id) == (CHANNEL, message.id)
    assert message.post.file is not None
    assert not message.post.mention
    assert not message.post.job.is_private
    assert await refusal(world, job) == "already_shared"
    assert len(shared(world)) == 1


async def test_two_presses_at_once_post_once(world: World) -> None:
    """The second one is told that it is under way, or done."""
    job = await private_clip(world)

    presses = [world.sharing.share(job.id, user_id=USER, guild_id=GUILD) for _ in range(5)]
    outcomes = await asyncio.gather(*presses, return_exceptions=True)

    assert len(shared(world)) == 1
    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert len(refused) == 4
    assert {one.code for one in refused} <= {"share_under_way", "already_shared"}


@pytest.mark.parametrize(("point", "is_there"), [("post", False), ("posted", True)])
async def test_kill_between_intent_and_receipt_never_posts_twice(world: World, point: str, is_there: bool) -> None:
    """The next press looks for the message first."""
    job = await private_clip(world)

    def strike(name: str) -> None:
        if name == point:
            raise Killed

    world.strike(strike)
    with pytest.raises(Killed):
        await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)
    world.strike(lambda _name: None)
    assert len(shared(world)) == is_there

    assert await refusal(world, job) == "share_under_way"
    world.clock.advance(LATER_S)
    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert len(shared(world)) == 1
    assert await refusal(world, job) == "already_shared"


async def test_lost_answer_is_told_and_settled_by_the_next_press(world: World) -> None:
    """The message is found by its mark."""
    job = await private_clip(world)
    world.messenger.script["post"].append(LOST)

    assert await refusal(world, job) == "share_doubt"
    world.clock.advance(LATER_S)
    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert len(shared(world)) == 1


async def test_doubt_that_cannot_be_settled_never_posts(world: World) -> None:
    """Where the history cannot be read."""
    job = await private_clip(world)
    world.messenger.script["post"].append(LOST)
    await refusal(world, job)
    world.clock.advance(LATER_S)
    world.messenger.script["find"].append("unreadable")

    assert await refusal(world, job) == "share_doubt"
    assert len(shared(world)) == 1


async def test_closed_channel_is_told_and_may_be_tried_again(world: World) -> None:
    """Nothing is in doubt then."""
    job = await private_clip(world)
    world.messenger.closed, world.messenger.closed_error = {CHANNEL}, DeliveryForbidden

    assert await refusal(world, job) == "share_closed"
    world.messenger.closed = set()
    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert len(shared(world)) == 1


async def test_discord_out_of_order_leaves_nothing_behind(world: World) -> None:
    """The next press posts."""
    job = await private_clip(world)
    world.messenger.script["post"].append(DeliveryRetry(0, status=503))

    with pytest.raises(DeliveryRetry):
        await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)
    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert len(shared(world)) == 1


async def test_clip_that_discord_finds_too_large_is_made_smaller(world: World) -> None:
    """And the limit is remembered."""
    job = await private_clip(world)
    world.workshop.clip_bytes = 9_500_000
    world.messenger.limit_bytes, world.messenger.too_large = 8 * 1024 * 1024, DeliveryTooLarge

    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    (message,) = shared(world)
    assert message.post.file.size_bytes <= 8 * 1024 * 1024


async def test_only_its_requester_may_share(world: World) -> None:
    """Nobody else, and not across guilds."""
    job = await private_clip(world)

    assert await refusal(world, job, user=200) == "not_yours"
    with pytest.raises(NotFound):
        await world.sharing.share(job.id, user_id=USER, guild_id=2)


async def test_public_and_undelivered_clips_are_not_shared(world: World) -> None:
    """Each says why."""
    public = await world.until_state(await world.accept(), JobState.DELIVERED)
    waiting = await world.accept(private=True)

    assert await refusal(world, public) == "already_public"
    assert await refusal(world, waiting) == "not_delivered"


async def test_clip_that_is_no_longer_kept_is_not_shared(world: World) -> None:
    """The member is told."""
    job = await private_clip(world)
    world.store.gone.add(job.clip_key)

    assert await refusal(world, job) == "clip_gone"


async def test_server_that_hides_prompts_hides_this_one(world: World) -> None:
    """As with any clip in the channel."""
    job = await private_clip(world)
    await world.moderation.change(GUILD, 7, {"public_prompts": PublicPrompts.NO})

    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert shared(world)[0].post.prompt_shown is PublicPrompts.NO


async def test_withdrawing_deletes_the_shared_message(world: World) -> None:
    """The line stays: it is not posted again."""
    job = await private_clip(world)
    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    await world.sharing.withdraw(job.id)

    assert shared(world) == []
    async with world.database.read() as connection:
        assert len(await work.parts(connection, job.id, SHARE_NUMBER)) == 1
