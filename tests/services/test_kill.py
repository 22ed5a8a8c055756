"""Killed between any two steps, and started again: one task, one message, an exact ledger."""

from collections.abc import Callable

import pytest

from bot.domain.jobs import JobState
from tests.services.world import GUILD, USER, World, credits

MakeWorld = Callable[..., World]


class Killed(BaseException):
    """The process ends here; nothing after this line runs."""


class Strike:
    """Counts points, and kills at one of them."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.points: list[str] = []

    def __call__(self, name: str) -> None:
        self.points.append(name)
        if self.at is not None and len(self.points) - 1 == self.at:
            raise Killed(name)


async def _live(world: World, user: int = USER) -> None:
    """One job from request to channel."""
    await world.accept(user=user)
    await world.run_until_quiet()


async def _points(world: World) -> list[str]:
    strike = Strike()
    await world.settle_in()
    world.strike(strike)
    await _live(world)
    world.strike(lambda _name: None)
    return strike.points


async def _die_and_live_again(world: World, at: int, user: int) -> str:
    strike = Strike(at)
    world.strike(strike)
    with pytest.raises(Killed):
        await _live(world, user)
    world.strike(lambda _name: None)
    world.restart()
    await world.run_until_quiet()
    return strike.points[-1]


async def _is_whole(world: World, user: int, where: str) -> None:
    found = await world.queries.jobs(user_id=user)
    balance = await world.queries.balance(guild_id=GUILD, user_id=user)
    if not found:  # killed before the command's transaction was committed: then nothing was held
        assert balance.held.milli == balance.allowance.settled.milli == 0
        return
    (job,) = found
    seeds = [task.body["seed"] for task in world.provider.tasks.values()]
    assert job.state is JobState.DELIVERED, (where, await world.causes(job))
    assert seeds.count(job.spec.seed) == 1, where
    assert len(world.messenger.of(job)) == 1, where
    assert balance.allowance.settled == credits("9"), where
    assert balance.held.milli == 0, where


async def test_killed_at_every_point_of_a_jobs_life(make_world: MakeWorld) -> None:
    """Before and after every commit, and before and after every effect at the provider, the disk and Discord."""
    points = await _points(make_world())
    assert len(points) >= 20
    assert {"submit", "submitted", "status", "fetch", "post", "posted", "commit", "committed"} <= set(points)

    for at in range(len(points)):
        world = make_world()
        user = USER + 1 + at
        world.provider.number_from(1000 * (at + 1))

        where = await _die_and_live_again(world, at, user)

        assert len(await world.queries.jobs(user_id=user)) == (0 if at == 0 else 1)
        await _is_whole(world, user, f"{at}: {where}")


@pytest.mark.parametrize("second", ["submitted", "list", "fetched", "posted", "find_mark"])
async def test_killed_twice(make_world: MakeWorld, second: str) -> None:
    """Killed while the create's answer is under way, and again while recovering."""
    world = make_world()
    strike = Strike()

    def first(name: str) -> None:
        if name == "submitted":
            raise Killed(name)

    def then(name: str) -> None:
        strike.points.append(name)
        if name == second:
            raise Killed(name)

    world.strike(first)
    with pytest.raises(Killed):
        await _live(world)
    world.restart()
    world.strike(then)
    try:
        await world.run_until_quiet()
    except Killed:
        world.restart()
    world.strike(lambda _name: None)
    await world.run_until_quiet()

    await _is_whole(world, USER, second)
