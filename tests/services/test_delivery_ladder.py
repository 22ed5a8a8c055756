"""Every way to a member: which one comes next, where guilds and members are gone, what redelivery asks for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.domain.errors import (
    DeliveryAmbiguous,
    DeliveryError,
    DeliveryForbidden,
    DeliveryRetry,
    MediaRejected,
    Refused,
)
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO
from bot.domain.rules import GuildRules, PublicPrompts
from tests.services.fakes import LOST
from tests.services.world import CHANNEL, GUILD, USER, World

MakeWorld = Callable[..., World]
S = JobState
DIRECT = 9_000_000 + USER
FOLLOW_UP = 0


def _where(world: World) -> list[int]:
    return [m.channel_id for m in world.messenger.messages]


def _close(world: World, *channels: int) -> None:
    world.messenger.closed |= set(channels)
    world.messenger.closed_error = DeliveryForbidden


async def _running(world: World, *, private: bool = False) -> Job:
    """Ask for a clip, and stop while it is made."""
    world.provider.auto_finish = False
    job = await world.accept(private=private)
    return await world.until_state(job, S.RUNNING)


async def _finish(world: World, *, later_s: float = 901.0) -> None:
    """Let the clip be done `later_s` after it was asked for, by default with the interaction's token dead."""
    world.clock.advance(later_s)
    world.provider.auto_finish = True
    await world.run_until_quiet()


# ------------------------------------------------------------------------------------------------------------ ladder

CLOSED = DeliveryForbidden(50013, status=403)
BUSY = DeliveryRetry(0, status=429)
#: What the channel, the follow-up and the direct message answer; where the clip is then seen, and how the job ends.
LADDER = [
    ([None], [], [], [CHANNEL], S.DELIVERED),
    ([BUSY, None], [], [], [CHANNEL], S.DELIVERED),
    ([DeliveryAmbiguous(0, status=502)], [], [], [CHANNEL], S.DELIVERED),
    ([LOST], [], [], [CHANNEL], S.DELIVERED),
    ([CLOSED], [None], [], [FOLLOW_UP], S.DELIVERED),
    ([CLOSED], [BUSY], [], [FOLLOW_UP], S.DELIVERED),
    ([CLOSED], [LOST], [], [FOLLOW_UP], S.UNDELIVERED),
    ([CLOSED], [DeliveryAmbiguous(0, status=502)], [], [], S.UNDELIVERED),
    ([CLOSED, None], [CLOSED], [], [DIRECT], S.DELIVERED),
    ([CLOSED, None], [CLOSED], [DeliveryRetry(40003, status=400)], [DIRECT], S.DELIVERED),
    ([CLOSED, DeliveryAmbiguous(0, status=502)], [CLOSED], [], [DIRECT], S.DELIVERED),
    ([CLOSED], [CLOSED], [DeliveryForbidden(50007, status=403)], [], S.UNDELIVERED),
    ([CLOSED, DeliveryForbidden(50278, status=403)], [CLOSED], [], [], S.UNDELIVERED),
]


@pytest.mark.parametrize("case", LADDER, ids=range(len(LADDER)))
async def test_each_answer_leads_to_the_next_rung(world: World, case: tuple) -> None:
    """Channel, follow-up, direct message, undelivered: one message at most, and the card says how it ended."""
    in_channel, following, opening, seen, end = case
    world.messenger.script["post"].extend(in_channel)
    world.messenger.script["follow_up"].extend(following)
    world.messenger.script["open"].extend(opening)
    job = await world.accept()

    await world.run_until_quiet(within_s=600)

    assert (_where(world), await world.state(job)) == (seen, end)
    assert world.messenger.cards[-1].job.state is end


async def test_channel_that_stays_busy_is_given_up_for_the_next_rung(world: World) -> None:
    """After six hours of its rate limits, not before; the clip still finds its member."""
    world.messenger.closed, world.messenger.closed_error = {CHANNEL}, DeliveryRetry
    await _running(world)

    await _finish(world)

    (message,) = world.messenger.messages
    assert message.channel_id == DIRECT
    assert timedelta(hours=6) <= message.at - message.post.job.created_at < timedelta(hours=7)


async def test_dead_bot_token_is_waited_for(world: World) -> None:
    """A day without a valid token closes nobody's rung: the clip comes to the channel when there is one."""
    world.messenger.script["post"].extend([DeliveryRetry(0, status=401)] * 300)
    job = await _running(world)
    await _finish(world, later_s=1.0)

    found = await world.job(job)

    assert (found.state, _where(world)) == (S.DELIVERED, [CHANNEL])
    assert found.finished_at is not None
    assert found.finished_at - job.created_at > timedelta(hours=20)


async def test_doubt_that_nothing_settles_ends_undelivered(world: World) -> None:
    """Where Discord never says whether the message is there, it is not sent again."""
    world.messenger.script["post"].append(DeliveryAmbiguous(0, status=502))
    world.messenger.script["find"].extend([DeliveryRetry(0, status=503)] * 1000)
    job = await world.accept()

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code, world.messenger.posts) == (S.UNDELIVERED, "doubt", 1)


# ---------------------------------------------------------------------------------------------- gone guilds and members


@pytest.mark.parametrize("private", [True, False])
async def test_bot_removed_from_the_guild(world: World, private: bool) -> None:
    """Running jobs finish and come by direct message, public ones too; the channel is not even tried."""
    job = await _running(world, private=private)
    await world.guilds.removed(GUILD)

    await _finish(world, later_s=1.0)

    (message,) = world.messenger.messages
    assert (message.channel_id, message.post.detour) == (DIRECT, "left")
    assert (world.messenger.posts, await world.state(job)) == (1, S.DELIVERED)


async def test_removal_that_nobody_noticed(world: World) -> None:
    """Without the gateway's word Discord's refusals lead to the same place."""
    world.messenger.script["post"].append(DeliveryForbidden(10004, status=404))
    await _running(world)

    await _finish(world)

    (message,) = world.messenger.messages
    assert (message.channel_id, message.post.detour) == (DIRECT, "closed")


async def test_member_gone_gets_the_clip_by_direct_message(world: World) -> None:
    """A channel that they cannot see is no delivery."""
    await _running(world)
    world.messenger.gone.add(USER)

    await _finish(world, later_s=120.0)

    (message,) = world.messenger.messages
    assert (message.channel_id, message.post.detour) == (DIRECT, "gone")


async def test_member_gone_and_closed_asks_for_it_in_direct_messages(world: World) -> None:
    """Undelivered and kept; a redelivery that is asked for there comes there."""
    job = await _running(world)
    world.messenger.gone.add(USER)
    _close(world, DIRECT)
    await _finish(world)
    assert (await world.state(job), _where(world)) == (S.UNDELIVERED, [])
    assert [j.id for j in await world.queries.jobs(user_id=USER, state="undelivered")] == [job.id]
    world.messenger.closed.clear()

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None, prefer_direct=True)
    await world.run_until_quiet()

    (message,) = world.messenger.messages
    assert (message.channel_id, message.post.detour) == (DIRECT, "asked")


@pytest.mark.parametrize("answer", [DeliveryForbidden(50001, status=403), DeliveryRetry(0, status=503)])
async def test_membership_that_discord_does_not_tell_stops_nothing(world: World, answer: DeliveryError) -> None:
    """The channel is tried."""
    await _running(world)
    world.messenger.script["member"].append(answer)

    await _finish(world)

    assert _where(world) == [CHANNEL]


# ---------------------------------------------------------------------------------------------------- private jobs


async def test_private_clip_that_comes_by_direct_message_needs_no_telling(world: World) -> None:
    """The card's last words were that it comes there; it does, and nothing else follows."""
    job = await _running(world, private=True)
    world.clock.advance(880.0)
    await world.retention.tokens()
    await world.cards.stop()
    assert world.messenger.cards[-1].note == "still_working"
    world.restart()

    await _finish(world, later_s=30.0)

    assert _where(world) == [DIRECT]
    assert (world.messenger.told, await world.queries.untold(USER)) == ([], [])
    assert await world.state(job) is S.DELIVERED


async def test_private_clip_without_any_way_is_told_with_the_next_command(world: World) -> None:
    """Its card can no longer be edited, and direct messages are closed to words as well."""
    world.messenger.script["tell"].extend([DeliveryForbidden(50007, status=403)] * 5)

    job = await _undelivered(world, private=True)

    assert [j.id for j in await world.queries.untold(USER)] == [job.id]
    assert world.messenger.cards[-1].job.state is not S.UNDELIVERED


# ------------------------------------------------------------------------------------------------------- redelivery


async def _undelivered(world: World, *, private: bool = False) -> Job:
    _close(world, CHANNEL, DIRECT)
    job = await _running(world, private=private)
    await _finish(world)
    assert await world.state(job) is S.UNDELIVERED
    world.messenger.closed.clear()
    return job


@pytest.mark.parametrize(("prefer_direct", "place"), [(True, DIRECT), (False, CHANNEL)])
async def test_redelivery_goes_first_where_it_is_asked_for(world: World, prefer_direct: bool, place: int) -> None:
    """From direct messages to them, from the server to its channel."""
    job = await _undelivered(world)

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None, prefer_direct=prefer_direct)
    await world.run_until_quiet()

    assert _where(world) == [place]


async def test_redelivery_by_direct_message_that_is_closed_falls_to_the_channel(world: World) -> None:
    """Public jobs only; it is the ladder from there."""
    job = await _undelivered(world)
    _close(world, DIRECT)

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None, prefer_direct=True)
    await world.run_until_quiet()

    assert _where(world) == [CHANNEL]


async def test_redelivery_of_a_private_job_never_goes_to_the_channel(world: World) -> None:
    """Closed everywhere it stays undelivered, until it is asked for where there is a way."""
    job = await _undelivered(world, private=True)
    _close(world, DIRECT)
    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None, prefer_direct=True)
    await world.run_until_quiet()
    assert (await world.state(job), _where(world)) == (S.UNDELIVERED, [])
    world.messenger.closed.clear()

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None)
    await world.run_until_quiet()

    (message,) = world.messenger.messages
    assert (message.channel_id, message.post.detour) == (DIRECT, "private")


async def test_redelivery_survives_a_pause(world: World) -> None:
    """Asked for by direct message, Discord busy: tried again there."""
    job = await _undelivered(world)
    world.messenger.script["open"].append(DeliveryRetry(40003, status=429, retry_after_s=60))

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None, prefer_direct=True)
    await world.run_until_quiet()

    assert _where(world) == [DIRECT]


async def test_undelivered_clip_is_kept_for_thirty_days(world: World) -> None:
    """The card says truthfully that it could not be delivered; after that time there is nothing to deliver."""
    job = await _undelivered(world)
    assert world.messenger.cards[-1].job.state is S.UNDELIVERED
    world.clock.advance(timedelta(days=29).total_seconds())
    await world.retention.media()
    assert world.store.deleted == []

    world.clock.advance(timedelta(days=2).total_seconds())
    await world.retention.media()

    assert f"clips/{job.id}.mp4" in world.store.deleted
    with pytest.raises(Refused, match="clip_lost"):
        await world.delivery.redeliver(job.id, user_id=USER, guild_id=None, prefer_direct=True)


# --------------------------------------------------------------------------------------------------- a server's rules


@pytest.mark.parametrize("shown", PublicPrompts)
@pytest.mark.parametrize("ping", [True, False])
async def test_public_clips_follow_the_servers_rules(make_world: MakeWorld, shown: PublicPrompts, ping: bool) -> None:
    """Prompt shown, behind a spoiler or not at all; requester pinged or not."""
    world = make_world(guild_rules=GuildRules(public_prompts=shown, ping=ping))
    await world.accept()

    await world.run_until_quiet()

    (message,) = world.messenger.messages
    assert (message.post.prompt_shown, message.post.mention) == (shown, ping)


async def test_private_clips_and_direct_messages_show_their_prompt(make_world: MakeWorld) -> None:
    """To whoever wrote it there is nothing to hide."""
    world = make_world(guild_rules=GuildRules(public_prompts=PublicPrompts.NO))
    await world.accept(private=True)
    await world.run_until_quiet()
    _close(world, CHANNEL)
    await _running(world)
    await _finish(world)

    assert _where(world) == [FOLLOW_UP, DIRECT]
    assert [m.post.prompt_shown for m in world.messenger.messages] == [PublicPrompts.YES, PublicPrompts.YES]


async def test_rules_are_those_of_the_moment_of_delivery(world: World) -> None:
    """Changed while the job runs, they hold for its clip."""
    await _running(world)
    await world.set_rules(public_prompts=PublicPrompts.NO, ping=False)

    await _finish(world)

    (message,) = world.messenger.messages
    assert (message.post.prompt_shown, message.post.mention) == (PublicPrompts.NO, False)


# ------------------------------------------------------------------------------------------------------ a lost file


async def test_kept_clip_that_vanished_is_refunded_once(world: World) -> None:
    """Nothing is left to deliver: the member gets the credits back, as the card says."""
    job = await _undelivered(world)
    world.workshop.fit_error = MediaRejected("file_gone")
    world.store.gone.add(f"clips/{job.id}.mp4")

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.UNDELIVERED, "clip_lost")
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == ZERO


async def test_clip_that_cannot_be_made_smaller_comes_as_a_link(world: World) -> None:
    """A failure to re-encode is no lost clip."""
    world.workshop.fit_error = MediaRejected("video_broken")
    job = await world.accept()

    await world.run_until_quiet()

    (message,) = world.messenger.messages
    assert (await world.state(job), message.post.file) == (S.DELIVERED, None)
    assert message.post.link is not None
