"""Every way to a member, and everything that Discord can put in the way."""

from playground.rig import Rig
from playground.scripts.delivery_faults import automod, lost_answers, too_large, unreadable
from playground.scripts.delivery_leaving import LongJobs, missing_permissions, removed_bot
from playground.scripts.delivery_rungs import (
    dead_token,
    deleted_card,
    deleted_channel,
    forbidden_channel,
    nowhere,
    open_way,
    threads,
)
from playground.scripts.steps import Steps
from playground.scripts.visit import Visit

DELIVERY_SETTINGS = {
    "DISCORD_GUILD_ID": "",
    "INTERACTION_TOKEN_LIFETIME_S": "8",
    "LEASE_S": "5",
    "MEMBER_ALLOWANCE_CREDITS": "500",
    "POLL_INTERVAL_S": "1",
    "SEEDANCE2_MOVIE_CONCURRENCY": "20",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "6000",
}
"""Interaction tokens live for seconds, so that private replies run out within the visit."""

RENDER_S = 0.3
STORIES = (
    missing_permissions,
    open_way,
    forbidden_channel,
    dead_token,
    nowhere,
    deleted_channel,
    threads,
    deleted_card,
    lost_answers,
    unreadable,
    automod,
    removed_bot,
    too_large,
)
TASKS = 22
ANNS_CREDITS = 61.2
"""Seventeen of them, for 3.6 credits each."""


async def delivery(rig: Rig, steps: Steps) -> None:
    """Run it. Raises StepFailed at the first step that does not hold."""
    visit = Visit(rig, steps)
    rig.movie.render_s = RENDER_S
    long_jobs = LongJobs(visit)
    await long_jobs.begin()
    for story in STORIES:
        await story(visit)
    await long_jobs.end()
    await visit.close(TASKS)
    figures = (await visit.balance("ann"))["allowance"]
    paid = figures["settled"] == ANNS_CREDITS and figures["held"] == 0
    visit.check(paid, f"Ann has paid {ANNS_CREDITS} credits, each of her clips once, and nothing is held", figures)
