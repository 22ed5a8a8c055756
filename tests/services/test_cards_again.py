"""Cards that Discord did not take, or the database did not tell, are shown later all the same."""

from datetime import timedelta

from sqlalchemy.exc import OperationalError

from bot.db import jobs
from bot.domain.errors import DeliveryForbidden, DeliveryRetry
from tests.services.world import World

AWAY = DeliveryRetry(0, status=503)


async def _settle(world: World) -> None:
    """Let every edit that was begun come to its end."""
    await world.cards.stop()


async def test_a_card_is_shown_again_after_an_outage_of_discords(world: World) -> None:
    """Whatever state the job is in by then, and once."""
    job = await world.accept()
    world.messenger.script["card"].extend([AWAY, AWAY])
    world.cards.touch(job.id)
    await _settle(world)
    await world.change(job, cancel_requested_at=world.clock.now())
    for _ in range(3):
        world.clock.advance(30)
        world.cards.show_again()
        await _settle(world)

    assert [card.note for card in world.messenger.cards] == ["cancelling"]


async def test_it_waits_as_long_as_discord_says(world: World) -> None:
    """A rate limit is not run against."""
    job = await world.accept()
    world.messenger.script["card"].append(DeliveryRetry(0, status=429, retry_after_s=60))
    await world.cards.refresh(job.id)

    world.clock.advance(59)
    world.cards.show_again()
    await _settle(world)
    early = len(world.messenger.cards)
    world.clock.advance(1)
    world.cards.show_again()
    await _settle(world)

    assert (early, len(world.messenger.cards)) == (0, 1)


async def test_a_card_that_is_refused_for_good_is_left_alone(world: World) -> None:
    """The same would be refused again."""
    job = await world.accept()
    world.messenger.script["card"].append(DeliveryForbidden(50001, status=403))
    await world.cards.refresh(job.id)

    world.clock.advance(3600)
    world.cards.show_again()
    await _settle(world)

    assert world.messenger.cards == []


async def test_an_outage_that_does_not_end_is_given_up(world: World) -> None:
    """Nothing is tried for ever, and no more often than it helps."""
    job = await world.accept()
    world.messenger.script["card"].extend([AWAY] * 1000)
    await world.cards.refresh(job.id)
    for _ in range(24 * 60):
        world.clock.advance(60)
        world.cards.show_again()
        await _settle(world)

    assert 5 < 1000 - len(world.messenger.script["card"]) < 30


async def test_an_outage_of_the_database_is_survived(world: World, monkeypatch) -> None:
    """A card is read when its turn comes; a database that is away just then does not leave it as it was."""
    job = await world.accept()
    with monkeypatch.context() as patch:

        async def is_away(*_: object) -> None:
            raise OperationalError("select", None, OSError())

        patch.setattr(jobs, "get", is_away)
        world.cards.touch(job.id)
        await _settle(world)
    world.clock.advance(timedelta(minutes=1).total_seconds())
    world.cards.show_again()
    await _settle(world)

    assert [card.job.id for card in world.messenger.cards] == [job.id]
