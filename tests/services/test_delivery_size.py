"""What is too large: learned for thirty days where it was refused, fitted to that, else a link."""

from collections.abc import Callable

import pytest

from bot.domain.errors import DeliveryForbidden, DeliveryTooLarge
from bot.domain.jobs import JobState
from bot.domain.requests import GenerationRequest
from bot.services.delivery_package import LEAST_LEARNED_BYTES
from tests.services.world import CHANNEL, USER, World

MakeWorld = Callable[..., World]
S = JobState
MIB = 1024 * 1024
DIRECT = 9_000_000 + USER


def _limit(world: World, limit_bytes: int | None) -> None:
    world.messenger.limit_bytes, world.messenger.too_large = limit_bytes, DeliveryTooLarge


def _only_direct(world: World) -> None:
    world.messenger.closed, world.messenger.closed_error = {CHANNEL}, DeliveryForbidden
    world.messenger.script["follow_up"].append(DeliveryForbidden(50027, status=401))


async def _ask(world: World, limit_bytes: int) -> None:
    """Ask in a guild whose boosts allow `limit_bytes`."""
    request = GenerationRequest("a red boat")
    requester = world.requester(size_limit_bytes=limit_bytes)
    await world.generation.accept(requester, request, world.generation.check(request))
    await world.run_until_quiet()


@pytest.mark.parametrize("limit_mib", [20, 9, 5, 3, 1.5])
async def test_limit_is_found_step_by_step_and_kept(world: World, limit_mib: float) -> None:
    """The clip is fitted to ever less until it is taken; the next one is posted at once."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = 24 * MIB, MIB
    _limit(world, int(limit_mib * MIB))
    await _ask(world, 100 * MIB)
    before = world.messenger.posts

    await _ask(world, 100 * MIB)

    assert world.messenger.posts == before + 1
    assert [MIB <= m.post.file.size_bytes <= limit_mib * MIB for m in world.messenger.messages] == [True, True]


async def test_quality_is_not_given_up_for_size(world: World) -> None:
    """Where no decent file fits what is learned, a link comes with a picture."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = 9 * MIB, 6 * MIB
    _limit(world, 4 * MIB)
    await _ask(world, 10 * MIB)

    (message,) = world.messenger.messages
    assert message.post.file is None
    assert message.post.link is not None
    assert message.post.preview is not None


async def test_refused_picture_leaves_the_bare_link(world: World) -> None:
    """A refusal of something that small is not about size: nothing is learned from it."""
    world.workshop.clip_bytes = world.workshop.smallest_bytes = 40 * MIB
    _limit(world, 5_000)
    await _ask(world, 10 * MIB)
    (message,) = world.messenger.messages
    assert (message.post.file, message.post.preview) == (None, None)
    assert message.post.link is not None

    _limit(world, None)
    world.workshop.clip_bytes = 9 * MIB
    await _ask(world, 10 * MIB)

    assert world.messenger.messages[-1].post.file.size_bytes == 9 * MIB


async def test_message_without_a_file_is_never_too_large(world: World) -> None:
    """If Discord says so all the same, the rung is closed; it ends, and does not go round for ever."""
    world.workshop.clip_bytes = world.workshop.smallest_bytes = 40 * MIB
    _limit(world, -1)
    request = GenerationRequest("a red boat")
    job = await world.generation.accept(world.requester(), request, world.generation.check(request))
    world.messenger.script["follow_up"].append(DeliveryTooLarge(40005, status=413))
    world.messenger.script["follow_up"].append(DeliveryTooLarge(40005, status=413))

    await world.run_until_quiet()

    assert (await world.state(job), world.messenger.messages) == (S.UNDELIVERED, [])
    assert world.messenger.posts <= 6


async def test_nothing_below_a_mebibyte_is_learned(world: World) -> None:
    """A place that takes no files at all must not ruin the guild's clips for thirty days."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = 3 * MIB, 100_000
    _limit(world, 0)
    await _ask(world, 10 * MIB)
    assert world.messenger.messages[-1].post.file is None
    _limit(world, None)

    await _ask(world, 10 * MIB)

    assert world.messenger.messages[-1].post.file.size_bytes == LEAST_LEARNED_BYTES


async def test_what_direct_messages_refuse_says_nothing_of_the_guild(world: World) -> None:
    """Each learns for itself."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = 9 * MIB, 2 * MIB
    _limit(world, 8 * MIB)
    _only_direct(world)
    await _ask(world, 10 * MIB)
    assert world.messenger.messages[-1].channel_id == DIRECT
    _limit(world, None)
    world.messenger.closed.clear()

    await _ask(world, 10 * MIB)
    _only_direct(world)
    await _ask(world, 10 * MIB)

    sizes = [(m.channel_id, m.post.file.size_bytes) for m in world.messenger.messages]
    assert sizes == [(DIRECT, 8 * MIB), (CHANNEL, 9 * MIB), (DIRECT, 8 * MIB)]


async def test_what_the_guild_refuses_says_nothing_of_direct_messages(world: World) -> None:
    """A clip that goes by direct message is not made smaller for the guild's sake."""
    world.workshop.clip_bytes, world.workshop.smallest_bytes = 9 * MIB, 2 * MIB
    _limit(world, 8 * MIB)
    await _ask(world, 10 * MIB)
    _limit(world, None)
    _only_direct(world)

    await _ask(world, 10 * MIB)

    sizes = [(m.channel_id, m.post.file.size_bytes) for m in world.messenger.messages]
    assert sizes == [(CHANNEL, 8 * MIB), (DIRECT, 9 * MIB)]
