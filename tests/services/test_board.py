"""The board: a guild's open jobs, by state and age, page by page."""

import pytest

from bot.domain.errors import NotFound
from bot.domain.jobs import JobState
from bot.services.board import JOBS_A_PAGE, shows_request
from tests.services.world import GUILD, World


async def test_what_needs_a_decision_comes_first_then_by_age(world: World) -> None:
    """Oldest or newest first within a state; other guilds' and finished jobs are not there."""
    jobs = []
    for user in range(101, 105):
        jobs.append(await world.accept(user=user))
        world.clock.advance(1)
    await world.change(jobs[2], state=JobState.AWAITING_APPROVAL.value)
    await world.change(jobs[3], state=JobState.CANCELLED.value)

    oldest = await world.board.page(GUILD, page=0, oldest_first=True)
    newest = await world.board.page(GUILD, page=0, oldest_first=False)

    assert [one.id for one in oldest.jobs] == [jobs[2].id, jobs[0].id, jobs[1].id]
    assert [one.id for one in newest.jobs] == [jobs[2].id, jobs[1].id, jobs[0].id]
    assert (await world.board.page(2, page=0, oldest_first=True)).total == 0
    await world.change(jobs[2], state=JobState.QUEUED.value)
    await world.change(jobs[3], state=JobState.QUEUED.value)


async def test_pages_have_ten_jobs_and_one_beyond_the_last_is_the_last(world: World) -> None:
    """Whatever finished since the panel was drawn."""
    for user in range(JOBS_A_PAGE + 3):
        await world.accept(user=200 + user)

    first = await world.board.page(GUILD, page=0, oldest_first=True)
    beyond = await world.board.page(GUILD, page=9, oldest_first=True)

    assert (len(first.jobs), first.pages, first.total) == (10, 2, 13)
    assert (len(beyond.jobs), beyond.page) == (3, 1)
    assert not {one.id for one in first.jobs} & {one.id for one in beyond.jobs}


async def test_quotes_are_between_the_bot_and_the_member(world: World) -> None:
    """They are not on the board."""
    job = await world.accept()
    await world.cancellation.request(job.id, actor_id=100, guild_id=GUILD, is_moderator=False)
    await world.change(job, state=JobState.QUOTED.value)

    assert (await world.board.page(GUILD, page=0, oldest_first=True)).total == 0

    await world.change(job, state=JobState.CANCELLED.value)


async def test_another_guilds_job_is_not_found(world: World) -> None:
    """By its id either."""
    job = await world.accept()

    assert (await world.board.job(GUILD, job.id)).id == job.id
    with pytest.raises(NotFound):
        await world.board.job(2, job.id)


@pytest.mark.parametrize(
    ("is_private", "state", "is_shown"),
    [
        (False, JobState.QUEUED, True),
        (True, JobState.QUEUED, False),
        (True, JobState.RUNNING, False),
        (True, JobState.AWAITING_APPROVAL, True),
    ],
)
async def test_a_private_request_is_read_only_to_be_decided_on(
    world: World, is_private: bool, state: JobState, is_shown: bool
) -> None:
    """Moderators see that it is there, who asked and what it costs."""
    job = await world.accept(private=is_private)
    await world.change(job, state=state.value)

    assert shows_request(await world.job(job)) is is_shown
