"""Jobs of pictures: every picture comes home and goes before the member, exactly once."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.db import work
from bot.domain.catalog import MODELS, PRICES, Model, Price
from bot.domain.errors import (
    DeliveryAmbiguous,
    DeliveryForbidden,
    DeliveryRetry,
    DeliveryTooLarge,
    DownloadFailed,
    Refused,
)
from bot.domain.jobs import Job, JobState, TaskState
from bot.domain.money import ZERO
from bot.domain.requests import Kind
from tests.services.fakes import LOST, P1, FakeTask
from tests.services.test_kill import Killed, Strike
from tests.services.world import CHANNEL, GUILD, USER, World, catalog, credits

MakeWorld = Callable[..., World]
S = JobState
MIB = 1024 * 1024
DIRECT = 9_000_000 + USER
MODEL = Model(
    provider=P1,
    name="pictures",
    kind=Kind.IMAGE,
    resolutions=("1K",),
    default_resolution="1K",
    aspect_ratios=("1:1",),
    default_aspect_ratio="1:1",
    min_duration_s=0,
    max_duration_s=0,
    default_duration_s=0,
    has_seed=False,
    has_watermark=False,
    has_start_image=False,
    has_audio=False,
    max_count=4,
)
OFFERED = catalog(models=(*MODELS, MODEL), prices=(*PRICES, Price(MODEL.key, "1K", per_picture=Decimal(2))))


@pytest.fixture
def make_pictures(make_world: MakeWorld) -> MakeWorld:
    """Make a world in which pictures are on offer; each costs 2 credits, and as many come as `made` says."""

    def make(made: int = 4, **values: object) -> World:
        world = make_world(offered=OFFERED, **values)

        def note(task: FakeTask) -> None:
            if task.body["model"] == MODEL.name:
                task.pictures, task.cost = made, Decimal(2 * made)

        world.provider.on_submit = note
        return world

    return make


@pytest.fixture
def world(make_pictures: MakeWorld) -> World:
    """A world in which all four pictures are made."""
    return make_pictures()


async def _ask(world: World, count: int = 4, **options: object) -> Job:
    return await world.accept("a red boat", kind=Kind.IMAGE, model=MODEL.key, count=count, **options)


async def _ask_privately(world: World) -> Job:
    job = await _ask(world, private=True)
    await world.run_until_quiet()
    return await world.job(job)


def _numbers(world: World) -> list[tuple[int, ...]]:
    return [message.post.numbers for message in world.messenger.messages]


def _names(world: World) -> list[str]:
    return [one.filename for message in world.messenger.messages for one in message.post.pictures]


async def test_all_pictures_come_in_one_message(world: World) -> None:
    """It answers the card, mentions the requester and is paid for."""
    job = await _ask(world)

    await world.run_until_quiet()

    (message,) = world.messenger.messages
    done = await world.job(job)
    assert (message.channel_id, message.post.reply_to, message.post.mention) == (CHANNEL, 77, True)
    assert message.nonce == f"{job.id}-1-0"
    assert _names(world) == [f"seedance-{job.id}-{number}.png" for number in (1, 2, 3, 4)]
    assert (done.state, done.message_id, done.clip_key) == (S.DELIVERED, message.id, f"pictures/{job.id}")
    assert done.actual == credits("8")
    assert world.workshop.fetches == [f"https://cdn.example/{done.task_id}-{n}.png" for n in (1, 2, 3, 4)]


async def test_more_than_one_request_takes_go_in_more_messages(world: World) -> None:
    """Two of nine megabytes each fit into one request; the second message pings nobody and answers nothing."""
    world.workshop.picture_bytes = 9 * MIB
    job = await _ask(world)

    await world.run_until_quiet()

    first, second = world.messenger.messages
    assert _numbers(world) == [(1, 2), (3, 4)]
    assert second.nonce == f"{job.id}-1-1"
    assert (first.post.mention, second.post.mention, second.post.part, second.post.reply_to) == (True, False, 1, None)
    assert (await world.job(job)).message_id == first.id


async def test_a_picture_beyond_the_places_limit_is_made_smaller(world: World) -> None:
    """Each file keeps within what the place takes."""
    world.workshop.picture_bytes = 30 * MIB
    await _ask(world, 2)

    await world.run_until_quiet()

    sizes = [one.size_bytes for message in world.messenger.messages for one in message.post.pictures]
    assert sizes == [10 * MIB] * 4
    assert all(name.endswith(".jpg") for name in _names(world))


async def test_a_picture_that_nothing_makes_small_enough_goes_as_a_link(world: World) -> None:
    """Each by itself: to our own listener, else to the provider's file."""
    world.workshop.picture_bytes, world.workshop.smallest_bytes = 30 * MIB, 20 * MIB
    job = await _ask(world)

    await world.run_until_quiet()

    done = await world.job(job)
    assert _numbers(world) == [(1,), (2,), (3,), (4,)]
    assert [message.post.link for message in world.messenger.messages] == list(done.result_urls)
    assert done.state is S.DELIVERED


async def test_refused_for_their_size_together_they_go_one_by_one(world: World) -> None:
    """And nothing is learned of the place: each alone is small enough."""
    world.workshop.picture_bytes = 5 * MIB
    world.messenger.limit_bytes, world.messenger.too_large = 6 * MIB, DeliveryTooLarge
    job = await _ask(world)

    await world.run_until_quiet()

    assert _numbers(world) == [(1,), (2,), (3,), (4,)]
    assert await world.state(job) is S.DELIVERED
    assert all(name.endswith(".png") for name in _names(world))


async def test_refused_for_its_size_alone_it_goes_smaller(world: World) -> None:
    """What the place really takes is learned."""
    world.workshop.picture_bytes = 9 * MIB
    world.messenger.limit_bytes, world.messenger.too_large = 8 * MIB, DeliveryTooLarge
    job = await _ask(world, 4)

    await world.run_until_quiet()

    sizes = [one.size_bytes for message in world.messenger.messages for one in message.post.pictures]
    assert sizes == [8 * MIB] * 4
    assert await world.state(job) is S.DELIVERED


# -------------------------------------------------------------------------------------------------------------- doubt


async def _two_messages(world: World) -> Job:
    world.workshop.picture_bytes = 9 * MIB
    return await _ask(world)


async def test_a_lost_answer_of_the_second_message_is_found_by_its_own_mark(world: World) -> None:
    """The first message's mark is not taken for it, and nothing is sent twice."""
    world.messenger.script["post"].extend([None, LOST])
    job = await _two_messages(world)

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert (_numbers(world), world.messenger.posts) == ([(1, 2), (3, 4)], 2)


async def test_a_second_message_that_does_not_exist_is_sent_again_alone(world: World) -> None:
    """The first one is not."""
    world.messenger.script["post"].extend([None, DeliveryAmbiguous(0, status=502)])
    job = await _two_messages(world)

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert (_numbers(world), world.messenger.posts) == ([(1, 2), (3, 4)], 3)


async def test_a_rate_limit_between_messages_only_delays_the_rest(world: World) -> None:
    """What was posted stays posted."""
    world.messenger.script["post"].extend([None, DeliveryRetry(0, status=429, retry_after_s=30.0)])
    job = await _two_messages(world)

    await world.run_until_quiet()

    first, second = world.messenger.messages
    assert await world.state(job) is S.DELIVERED
    assert second.at - first.at >= timedelta(seconds=30)


async def test_unreadable_history_ends_undelivered_and_redelivery_brings_only_the_rest(world: World) -> None:
    """The message in doubt may be shown twice at the member's own wish; the others never."""
    world.messenger.script["post"].extend([None, DeliveryAmbiguous(0, status=502)])
    world.messenger.script["find"].append("unreadable")
    job = await _two_messages(world)
    await world.run_until_quiet()
    assert await world.state(job) is S.UNDELIVERED

    await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert _numbers(world) == [(1, 2), (3, 4)]
    assert world.messenger.messages[-1].nonce == f"{job.id}-2-1"


async def test_a_channel_that_closes_between_messages_sends_the_rest_another_way(world: World) -> None:
    """Through the interaction while its token lives."""

    world.messenger.script["post"].extend([None, DeliveryForbidden(50001, status=403)])
    job = await _two_messages(world)

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert [(m.channel_id, m.post.numbers) for m in world.messenger.messages] == [(CHANNEL, (1, 2)), (0, (3, 4))]


async def test_without_any_other_way_the_rest_comes_by_direct_message(world: World) -> None:
    """Said once, in each message's own place."""
    world.messenger.script["post"].extend([None, DeliveryForbidden(50001, status=403)])
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))
    job = await _two_messages(world)

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert [(m.channel_id, m.post.numbers) for m in world.messenger.messages] == [(CHANNEL, (1, 2)), (DIRECT, (3, 4))]


async def test_a_follow_up_in_doubt_is_never_repeated(world: World) -> None:
    """It has no nonce: the job ends undelivered with what was seen surely."""
    world.messenger.script["follow_up"].extend([None, LOST])
    world.workshop.picture_bytes = 9 * MIB
    job = await _ask_privately(world)

    assert job.state is S.UNDELIVERED
    assert [(m.channel_id, m.post.numbers) for m in world.messenger.messages] == [(0, (1, 2)), (0, (3, 4))]


# ----------------------------------------------------------------------------------------------------------- fetching


async def test_fewer_pictures_than_asked_for_are_delivered_at_their_cost(make_pictures: MakeWorld) -> None:
    """Two of four were made: four credits of the eight that were held."""
    world = make_pictures(made=2)
    job = await _ask(world)

    await world.run_until_quiet()

    balance = await world.queries.balance(guild_id=GUILD, user_id=USER)
    assert _numbers(world) == [(1, 2)]
    assert await world.state(job) is S.DELIVERED
    assert (balance.allowance.settled, balance.held) == (credits("4"), ZERO)


async def test_done_without_any_address_is_looked_at_again(world: World) -> None:
    """Until there is one; the job goes on then."""
    world.provider.auto_finish = False
    job = await _ask(world)
    await world.until_state(job, S.RUNNING)
    (task,) = world.provider.tasks.values()
    task.state, task.has_url = TaskState.SUCCEEDED, False
    await world.run_for(60)
    assert await world.state(job) is S.RUNNING
    task.has_url = True

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED


async def test_one_that_fails_for_now_is_tried_again(world: World) -> None:
    """The others are there already; nothing is posted before all are."""
    job = await _ask(world)
    await world.until_state(job, S.RUNNING)
    address = f"https://cdn.example/{(await world.job(job)).task_id}-2.png"
    world.workshop.picture_script[address] = DownloadFailed("http_503")
    await world.run_for(30)
    assert world.messenger.messages == []
    world.workshop.picture_script.clear()

    await world.run_until_quiet()

    assert _numbers(world) == [(1, 2, 3, 4)]


async def test_an_address_that_expired_is_asked_for_anew(world: World) -> None:
    """Signed addresses do not live long."""
    job = await _ask(world)
    await world.until_state(job, S.RUNNING)
    (task,) = world.provider.tasks.values()
    stale = f"https://cdn.example/{task.task_id}-3.png"
    world.workshop.picture_script[stale] = DownloadFailed("http_403", is_gone=True)
    await world.until_state(job, S.FETCHING)
    task.renewals = 1

    await world.run_until_quiet()

    assert _numbers(world) == [(1, 2, 3, 4)]
    assert f"{stale}?signed=1" in world.workshop.fetches


async def test_a_picture_that_never_comes_keeps_no_other_back(world: World) -> None:
    """The others are delivered, and the credits are given back."""
    job = await _ask(world)
    await world.until_state(job, S.RUNNING)
    address = f"https://cdn.example/{(await world.job(job)).task_id}-2.png"
    world.workshop.picture_script[address] = DownloadFailed("http_404", is_gone=True)

    await world.run_until_quiet()

    done = await world.job(job)
    balance = await world.queries.balance(guild_id=GUILD, user_id=USER)
    assert (done.state, _numbers(world)) == (S.DELIVERED, [(1, 3, 4)])
    assert [bool(url) for url in done.result_urls] == [True, False, True, True]
    assert balance.allowance.settled == ZERO
    assert done.refunded_at is not None


async def test_pictures_that_never_come_are_refunded(world: World) -> None:
    """Nothing can be delivered any more."""
    job = await _ask(world, 2)
    await world.until_state(job, S.RUNNING)
    task = (await world.job(job)).task_id
    for number in (1, 2, 3, 4):
        gone = DownloadFailed("http_404", is_gone=True)
        world.workshop.picture_script[f"https://cdn.example/{task}-{number}.png"] = gone

    await world.run_until_quiet()

    done = await world.job(job)
    balance = await world.queries.balance(guild_id=GUILD, user_id=USER)
    assert (done.state, done.error_code) == (S.UNDELIVERED, "clip_lost")
    assert balance.allowance.settled == ZERO


# ---------------------------------------------------------------------------------------------- what becomes of them


async def test_delete_takes_every_message_and_every_file(world: World) -> None:
    """The kept pictures with them."""
    job = await _two_messages(world)
    await world.run_until_quiet()

    await world.delivery.delete_result(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False)

    assert world.messenger.messages == []
    assert world.store.deleted == [f"pictures/{job.id}"]


async def test_what_is_half_posted_can_be_deleted_and_is_not_delivered_again(world: World) -> None:
    """Nor refunded: its requester chose so."""
    world.messenger.script["post"].extend([None, DeliveryAmbiguous(0, status=502)])
    world.messenger.script["find"].append("unreadable")
    job = await _two_messages(world)
    await world.run_until_quiet()

    await world.delivery.delete_result(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False)

    assert world.messenger.messages == []
    with pytest.raises(Refused) as refused:
        await world.delivery.redeliver(job.id, user_id=USER, guild_id=GUILD)
    assert refused.value.code == "clip_lost"


async def test_private_pictures_are_shared_in_as_many_messages_as_they_take(world: World) -> None:
    """Without a ping; a second press finds them shared."""
    world.workshop.picture_bytes = 9 * MIB
    job = await _ask_privately(world)
    assert [m.channel_id for m in world.messenger.messages] == [0, 0]

    posted = await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    shared = world.messenger.messages[2:]
    assert posted.message_id == shared[0].id
    assert [(m.channel_id, m.post.numbers, m.post.mention) for m in shared] == [
        (CHANNEL, (1, 2), False),
        (CHANNEL, (3, 4), False),
    ]
    with pytest.raises(Refused):
        await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)
    await world.sharing.withdraw(job.id)
    assert [m.channel_id for m in world.messenger.messages] == [0, 0]


async def test_sharing_goes_on_where_an_earlier_press_stopped(world: World) -> None:
    """Its first message is not posted again."""
    world.workshop.picture_bytes = 9 * MIB
    job = await _ask_privately(world)
    world.messenger.script["post"].extend([None, LOST])
    with pytest.raises(Refused):
        await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)
    world.clock.advance(600)

    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert [m.post.numbers for m in world.messenger.messages[2:]] == [(1, 2), (3, 4)]


async def test_kept_pictures_go_when_their_time_is_over(world: World) -> None:
    """As clips do."""
    job = await _ask(world)
    await world.run_until_quiet()
    world.clock.advance(8 * 86_400)

    await world.retention.media()

    assert f"pictures/{job.id}" in world.store.deleted
    assert (await world.job(job)).clip_key is None


async def test_the_sweep_leaves_what_a_job_names_and_takes_orphans(world: World) -> None:
    """Copies that were made to fit belong to their picture."""
    job = await _ask(world)
    await world.until_state(job, S.RUNNING)
    mine = [f"pictures/{job.id}.1.png", f"pictures/{job.id}.1.png.fit-1000.jpg"]
    world.store.kept = [*mine, "pictures/ZZZZZZZZZZZZ.1.png"]

    await world.retention.housekeeping()

    assert world.store.deleted == ["pictures/ZZZZZZZZZZZZ.1.png"]


async def test_deleting_ones_own_data_deletes_the_pictures(world: World) -> None:
    """And where they were."""
    job = await _ask(world)
    await world.run_until_quiet()

    await world.privacy.delete(USER)

    assert f"pictures/{job.id}" in world.store.deleted
    assert (await world.job(job)).result_urls == ()


# -------------------------------------------------------------------------------------------------------------- kills


async def _points(world: World) -> list[str]:
    strike = Strike()
    await world.settle_in()
    world.strike(strike)
    await _two_messages(world)
    await world.run_until_quiet()
    world.strike(lambda _name: None)
    return strike.points


async def test_killed_at_every_point_every_picture_comes_once(make_pictures: MakeWorld) -> None:
    """Before and after every commit and every effect; four pictures in two messages."""
    points = await _points(make_pictures())
    assert points.count("fetch") == 4
    assert points.count("post") == 2

    for at in range(1, len(points)):
        world = make_pictures()
        user = USER + 1 + at
        world.provider.number_from(1000 * (at + 1))
        world.workshop.picture_bytes = 9 * MIB
        strike = Strike(at)
        world.strike(strike)
        with pytest.raises(Killed):
            await _ask(world, user=user)
            await world.run_until_quiet()
        world.strike(lambda _name: None)
        world.restart()
        await world.run_until_quiet()

        where = f"{at}: {strike.points[-1]}"
        (job,) = await world.queries.jobs(user_id=user)
        balance = await world.queries.balance(guild_id=GUILD, user_id=user)
        assert job.state is S.DELIVERED, (where, await world.causes(job))
        assert [message.post.numbers for message in world.messenger.of(job)] == [(1, 2), (3, 4)], where
        assert (balance.allowance.settled, balance.held) == (credits("8"), ZERO), where
        async with world.database.read() as connection:
            rows = await work.parts(connection, job.id, 1)
        assert [row.message_id for row in rows] == [message.id for message in world.messenger.of(job)], where


# ------------------------------------------------------------------------------------------------------------ animate


async def test_a_picture_becomes_the_start_of_a_clip(world: World) -> None:
    """By the default model; the new job names the one that it came from."""
    job = await _ask(world)
    await world.run_until_quiet()

    new = await world.rerun.animate(world.requester(user=200), job.id, 3, "it sails away", private=False)

    (start,) = new.spec.references
    assert (new.spec.kind, new.spec.model, new.source_job_id) == (Kind.VIDEO, "seedance2-movie/seedance-2.0", job.id)
    assert (start.option, start.content_type) == ("start_image", "image/png")
    assert start.source_url == (await world.job(job)).result_urls[2]
    await world.run_until_quiet()
    assert await world.state(new) is S.DELIVERED


async def test_a_picture_no_longer_kept_is_taken_from_the_provider(world: World) -> None:
    """As long as it has it."""
    job = await _ask(world)
    await world.run_until_quiet()
    await world.change(job, clip_key=None)

    new = await world.rerun.animate(world.requester(), job.id, None, "it sails away", private=False)

    assert [one.option for one in new.spec.references] == ["start_image"]
    assert len(world.intake.stored) == 1


@pytest.mark.parametrize("number", [0, 5])
async def test_a_picture_that_there_is_not_is_refused(world: World, number: int) -> None:
    """Whatever a form says."""
    job = await _ask(world)
    await world.run_until_quiet()

    with pytest.raises(Refused) as refused:
        await world.rerun.animate(world.requester(), job.id, number, "it sails away", private=False)

    assert refused.value.code == "no_picture"


async def test_a_refused_animation_leaves_no_file_behind(world: World) -> None:
    """What was stored for it goes."""
    job = await _ask(world)
    await world.run_until_quiet()
    await world.set_rules(models=frozenset({MODEL.key}))

    with pytest.raises(Refused):
        await world.rerun.animate(world.requester(), job.id, 1, "it sails away", private=False)

    (gone,) = world.store.deleted
    assert gone.startswith("references/")
