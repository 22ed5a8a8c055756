"""Putting the clip before the member: once, on the first rung that takes it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.domain.errors import (
    DeliveryAmbiguous,
    DeliveryError,
    DeliveryForbidden,
    DeliveryRetry,
    DeliveryTooLarge,
    DownloadFailed,
    MediaRejected,
    NotFound,
    ProviderAmbiguous,
    Refused,
)
from bot.domain.jobs import JobState
from bot.domain.money import ZERO
from tests.services.fakes import LOST, FakeTask
from tests.services.world import CHANNEL, GUILD, USER, World, credits

MakeWorld = Callable[..., World]
S = JobState
MIB = 1024 * 1024
DIRECT = 9_000_000 + USER


def _where(world: World) -> list[int]:
    return [m.channel_id for m in world.messenger.messages]


def _close(world: World, *channels: int) -> None:
    world.messenger.closed |= set(channels)
    world.messenger.closed_error = DeliveryForbidden


async def test_the_message_answers_the_card_and_mentions_the_requester(world: World) -> None:
    """In the channel, as a reply to the card, with the mark's nonce."""
    job = await world.accept()

    await world.run_until_quiet()

    (message,) = world.messenger.messages
    assert (message.channel_id, message.post.reply_to, message.post.mention) == (CHANNEL, 77, True)
    assert message.nonce == f"{job.id}-1-0"
    assert message.post.file is not None
    assert world.messenger.cards[-1].job.state is S.DELIVERED


async def test_created_but_the_answer_lost_is_found_by_its_mark(world: World) -> None:
    """Ten minutes later, when the nonce no longer guards, the mark does: not posted twice."""
    world.messenger.script["post"].append(LOST)
    job = await world.accept()
    await world.until_state(job, S.DELIVERING)
    while not world.messenger.posts:
        await world.turn()
        world.clock.advance(8)
    world.clock.advance(600)

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert (len(world.messenger.messages), world.messenger.posts) == (1, 1)
    assert (await world.job(job)).message_id == world.messenger.messages[0].id


async def test_not_created_and_the_answer_lost_is_posted_again(world: World) -> None:
    """History shows that there is nothing: sent again with the same nonce."""
    world.messenger.script["post"].append(DeliveryAmbiguous(0, status=502))
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.messenger.messages) == 1


async def test_unreadable_history_ends_undelivered_and_redelivers_once(world: World) -> None:
    """In doubt nothing is posted a second time by itself; the member may ask for it."""
    world.messenger.script["post"].append(DeliveryAmbiguous(0, status=502))
    world.messenger.script["find"].append("unreadable")
    job = await world.accept()
    await world.run_until_quiet()
    assert (await world.state(job), world.messenger.messages) == (S.UNDELIVERED, [])

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    with pytest.raises(Refused, match="not_undelivered"):
        await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.is_late) == (S.DELIVERED, False)
    assert [m.nonce for m in world.messenger.messages] == [f"{job.id}-2-0"]
    assert (await world.entries(job))["allowance", "settle"] == credits("9")
    with pytest.raises(Refused, match="not_undelivered"):
        await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)


async def test_redelivery_is_for_the_requester(world: World) -> None:
    """Nobody else's, and never across guilds."""
    world.messenger.script["post"].append(DeliveryAmbiguous(0, status=502))
    world.messenger.script["find"].append("unreadable")
    job = await world.accept()
    await world.run_until_quiet()

    for user, guild in ((USER + 1, GUILD), (USER, 2)):
        with pytest.raises(NotFound):
            await world.delivery.redeliver(job.id, user_id=user, guild_id=guild)
    await world.delivery.redeliver(job.id, user_id=USER, guild_id=None)
    await world.run_until_quiet()
    assert await world.state(job) is S.DELIVERED


async def test_a_closed_channel_falls_to_the_follow_up(world: World) -> None:
    """While the interaction's token lives."""
    _close(world, CHANNEL)
    await world.accept()

    await world.run_until_quiet()

    assert _where(world) == [0]


async def test_with_a_dead_token_to_direct_messages(world: World) -> None:
    """Channel closed, token expired: the member's direct messages."""
    _close(world, CHANNEL)
    world.provider.auto_finish = False
    job = await world.accept()
    await world.until_state(job, S.RUNNING)
    world.clock.advance(901)
    world.provider.auto_finish = True

    await world.run_until_quiet()

    assert _where(world) == [DIRECT]


async def test_everything_closed_is_undelivered_and_kept(world: World) -> None:
    """No rung takes it: undelivered, paid, and there for redelivery."""
    _close(world, CHANNEL, DIRECT)
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))
    job = await world.accept()

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.UNDELIVERED, "no_way")
    assert found.clip_key not in world.store.deleted
    world.messenger.closed.clear()
    await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    await world.run_until_quiet()
    assert _where(world) == [CHANNEL]


async def test_direct_messages_that_cannot_be_opened(world: World) -> None:
    """The last rung closed before anything is sent is the end as well."""
    _close(world, CHANNEL)
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))
    world.messenger.script["open"].append(DeliveryForbidden(50007, status=403))
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.UNDELIVERED


async def test_a_follow_up_in_doubt_is_never_repeated(world: World) -> None:
    """It has no nonce and cannot be searched: undelivered, one message at most."""
    _close(world, CHANNEL)
    world.messenger.script["follow_up"].append(LOST)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.UNDELIVERED
    assert _where(world) == [0]


async def test_a_redelivery_follows_up_no_second_time(world: World) -> None:
    """Who asks again while the token lives, after a follow-up that may have been shown, gets it by direct message."""
    _close(world, CHANNEL)
    world.messenger.script["follow_up"].append(LOST)
    job = await world.accept()
    await world.until_state(job, S.UNDELIVERED)

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    await world.until_state(job, S.DELIVERED)

    assert _where(world)[0] == 0
    assert 0 not in _where(world)[1:]
    found = (await world.job(job)).card
    assert found is not None
    assert found.token_expires_at is not None
    assert found.token_expires_at > world.clock.now()


async def test_a_public_follow_up_in_doubt_is_looked_for_in_its_channel(world: World) -> None:
    """A channel that is closed to posts only shows it to whoever reads; then the card does not say otherwise."""
    _close(world, CHANNEL)
    world.messenger.follow_ups_in = CHANNEL
    world.messenger.script["follow_up"].append(LOST)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert _where(world) == [CHANNEL]


async def test_a_private_follow_up_in_doubt_is_in_no_history(world: World) -> None:
    """Nothing is looked for, nothing is repeated."""
    world.messenger.script["follow_up"].append(LOST)
    world.messenger.script["find"].append(AssertionError("nobody else's messages are read"))
    job = await world.accept(private=True)

    await world.run_until_quiet()

    assert await world.state(job) is S.UNDELIVERED


async def test_a_busy_discord_is_tried_again(world: World) -> None:
    """Rate limits and plain errors wait and post once; the time that Discord names is kept."""
    world.messenger.script["post"].extend(
        [DeliveryRetry(0, status=429, retry_after_s=90), DeliveryError(0, status=500)]
    )
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.messenger.messages) == 1
    assert (world.messenger.messages[0].at - job.created_at).total_seconds() >= 90


async def test_too_large_is_learned_and_fitted(world: World) -> None:
    """A 413 lowers the guild's limit: the clip is fitted to that, and the next one at once."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = int(9.5 * MIB), 2 * MIB
    world.messenger.limit_bytes, world.messenger.too_large = 8 * MIB, DeliveryTooLarge
    first = await world.accept()
    await world.run_until_quiet()
    posts = world.messenger.posts

    second = await world.accept()
    await world.run_until_quiet()

    assert [await world.state(j) for j in (first, second)] == [S.DELIVERED, S.DELIVERED]
    assert (posts, world.messenger.posts) == (2, 3)
    assert all(m.post.file.size_bytes <= 8 * MIB for m in world.messenger.messages)


async def test_a_learned_limit_is_forgotten_after_thirty_days(world: World) -> None:
    """Then the guild's own limit holds again."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = int(9.5 * MIB), 2 * MIB
    world.messenger.limit_bytes, world.messenger.too_large = 8 * MIB, DeliveryTooLarge
    await world.accept()
    await world.run_until_quiet()
    world.messenger.limit_bytes = None
    world.clock.advance(timedelta(days=31).total_seconds())

    await world.accept()
    await world.run_until_quiet()

    assert world.messenger.messages[-1].post.file.size_bytes == int(9.5 * MIB)


@pytest.mark.parametrize("has_media", [True, False])
async def test_too_large_for_any_file_becomes_a_link(world: World, has_media: bool) -> None:
    """Our own signed link, else the provider's with its end, and a picture either way."""
    world.links.has_media = has_media
    world.workshop.clip_bytes = world.workshop.smallest_bytes = 40 * MIB
    await world.accept()

    await world.run_until_quiet()

    (message,) = world.messenger.messages
    assert message.post.file is None
    assert message.post.preview is not None
    assert message.post.link_expires_at is not None
    start = "https://bot.example/media/" if has_media else "https://cdn.example/"
    assert message.post.link.startswith(start)


async def test_a_boosted_guilds_clip_fits_direct_messages(world: World) -> None:
    """40 MiB fit the guild, not a direct message: it is fitted, and the guild's limit is not lowered for that."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = 20 * MIB, 2 * MIB
    _close(world, CHANNEL)
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))
    world.messenger.limit_bytes, world.messenger.too_large = 10 * MIB, DeliveryTooLarge
    requester = world.requester(size_limit_bytes=100 * MIB)
    from bot.domain.requests import GenerationRequest

    request = GenerationRequest("a red boat")
    job = await world.generation.accept(requester, request, world.generation.check(request))
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert _where(world) == [DIRECT]
    world.messenger.closed.clear()
    world.messenger.limit_bytes = None
    await world.generation.accept(requester, request, world.generation.check(request))
    await world.run_until_quiet()
    assert world.messenger.messages[-1].post.file.size_bytes == 20 * MIB


# --------------------------------------------------------------------------------------------------------- private


async def test_a_private_clip_never_goes_to_the_channel(world: World) -> None:
    """Follow-up, else direct message, else undelivered; never the channel."""
    await world.accept(private=True)
    await world.run_until_quiet()
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))
    await world.accept(private=True)
    await world.run_until_quiet()
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))
    _close(world, DIRECT)
    last = await world.accept(private=True)
    await world.run_until_quiet()

    assert _where(world) == [0, DIRECT]
    assert await world.state(last) is S.UNDELIVERED


async def test_a_private_failure_is_told_by_direct_message(world: World) -> None:
    """After the card's token died; nothing appears in the channel."""
    world.provider.auto_finish = False
    job = await world.accept(private=True)
    await world.until_state(job, S.RUNNING)
    world.clock.advance(901)
    from bot.domain.jobs import TaskState

    world.provider.tasks["task1"].state = TaskState.FAILED
    await world.until_state(job, S.FAILED)
    await world.cards.stop()

    assert [view.job.id for view in world.messenger.told] == [job.id]
    assert await world.queries.untold(USER) == []


async def test_with_direct_messages_closed_the_next_command_tells(world: World) -> None:
    """Until it has been told, and then no more."""
    world.provider.auto_finish = False
    job = await world.accept(private=True)
    await world.until_state(job, S.RUNNING)
    world.clock.advance(901)
    from bot.domain.jobs import TaskState

    world.provider.tasks["task1"].state = TaskState.FAILED
    world.messenger.script["tell"].extend([DeliveryForbidden(50007, status=403)] * 5)
    await world.until_state(job, S.FAILED)
    await world.cards.stop()

    assert [j.id for j in await world.queries.untold(USER)] == [job.id]
    await world.queries.mark_told(job.id)
    assert await world.queries.untold(USER) == []


# -------------------------------------------------------------------------------------------------------- fetching


async def test_a_clip_that_can_never_be_fetched_is_refunded_once(world: World) -> None:
    """The member gets everything back, the provider stays paid, and nothing is left to redeliver."""
    world.workshop.script.extend([DownloadFailed("http_404", is_gone=True)] * 50)
    job = await world.accept()

    await world.run_until_quiet()

    found, entries = await world.job(job), await world.entries(job)
    assert (found.state, found.error_code) == (S.UNDELIVERED, "clip_lost")
    assert entries["allowance", "refund"] == credits("9")
    assert ("pool", "refund") not in entries
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == ZERO
    with pytest.raises(Refused, match="clip_lost"):
        await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)


async def test_a_silent_provider_says_nothing_of_a_refused_address(world: World) -> None:
    """An address may have run out while the bot was down: it is asked for anew until the provider answers."""
    world.workshop.script.extend([DownloadFailed("http_403", is_gone=True)] * 12)
    job = await world.accept()
    await world.until_state(job, S.FETCHING)
    world.provider.status_script.extend([ProviderAmbiguous("http_503")] * 12)

    await world.run_until_quiet()

    assert (await world.job(job)).state is S.DELIVERED


async def test_an_address_that_works_only_after_a_while_is_waited_for(world: World) -> None:
    """What was paid for is not given up within seconds."""
    world.workshop.script.extend([DownloadFailed("http_404", is_gone=True)] * 4)
    job = await world.accept()

    await world.run_until_quiet()

    assert (await world.job(job)).state is S.DELIVERED


def _sign_at_every_look(world: World, signed: list[datetime]) -> None:
    """Let the provider name another address whenever it is asked."""

    def sign(task: FakeTask) -> None:
        task.renewals += 1
        signed.append(world.clock.now())

    world.provider.on_status = sign


async def test_a_fresh_address_is_used_at_once(world: World) -> None:
    """However often it failed before: what was signed a moment ago has not expired."""
    signed: list[datetime] = []
    _sign_at_every_look(world, signed)
    world.workshop.script.extend([DownloadFailed("http_503")] * 6 + [DownloadFailed("http_403", is_gone=True)] * 2)
    fetched: list[datetime] = []
    world.workshop.point = lambda name: fetched.append(world.clock.now()) if name == "fetch" else None
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert fetched[-1] == signed[-1]
    assert fetched[-1] - fetched[6] < timedelta(minutes=1)


async def test_fresh_addresses_with_nothing_behind_them_end_too(world: World) -> None:
    """The provider signs anew whenever it is asked, and there is never anything: refunded within minutes."""
    signed: list[datetime] = []
    _sign_at_every_look(world, signed)
    world.workshop.script.extend([DownloadFailed("http_404", is_gone=True)] * 50)
    job = await world.accept()

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.UNDELIVERED, "clip_lost")
    assert signed[-1] - signed[0] < timedelta(minutes=10)


async def test_a_broken_download_is_tried_again(world: World) -> None:
    """Failures on the way and a clip that does not play cost nothing but time."""
    world.workshop.script.extend([DownloadFailed("timeout")] * 4 + [MediaRejected("not_a_video")])
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.workshop.fetches) == 6


async def test_a_day_without_the_providers_storage_loses_nothing(world: World) -> None:
    """Storage that is down for hours is not gone: the clip is delivered when it is back."""
    world.workshop.script.extend([DownloadFailed("http_503")] * 30)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED


async def test_deleting_a_result(world: World) -> None:
    """For its requester or a moderator of its guild, whose act the audit has."""
    job = await world.accept()
    with pytest.raises(Refused, match="not_delivered"):
        await world.delivery.delete_result(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False)
    await world.run_until_quiet()
    with pytest.raises(Refused, match="not_yours"):
        await world.delivery.delete_result(job.id, actor_id=USER + 1, guild_id=GUILD, is_moderator=False)
    with pytest.raises(NotFound):
        await world.delivery.delete_result(job.id, actor_id=USER + 1, guild_id=2, is_moderator=True)

    await world.delivery.delete_result(job.id, actor_id=USER + 1, guild_id=GUILD, is_moderator=True)

    assert world.messenger.messages == []
    assert world.store.deleted == [f"clips/{job.id}.mp4"]
    (line,) = await world.usage.audit(GUILD, 1)
    assert (line.actor, line.action, line.subject) == (str(USER + 1), "job.delete", job.id)
