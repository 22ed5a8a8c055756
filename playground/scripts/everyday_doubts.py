"""Answers that get lost, and refunds that are smaller than the charge."""

from decimal import Decimal
from typing import Any

from playground.scripts.everyday_visit import PLACE, Day
from playground.scripts.visit import job_in

AI: dict[str, Any] = {"model": "seedance2ai/seedance2-mini", "duration": 4}
TV: dict[str, Any] = {"model": "seedance-tv/seedance-2.0", "duration": 4}
AT_ONCE_S = 3.0
REDRAWN_S = 20.0
"""A running bot looks every few seconds for what the command line changed."""
MINI_CREDITS = Decimal(12)
"""Four seconds of it; the provider gives ten back."""


async def doubts(day: Day) -> None:
    """The answer to create is lost at both providers that have no list of tasks."""
    day.ai.faults.add("submit", "lose_answer")
    await day.makes(day.ai, "A lost letter", "seedance2ai, answer to create lost: the clip arrives", **AI)
    keys = [one.headers["Idempotency-Key"] for one in day.ai.requests if b"A lost letter" in one.body]
    day.check(len(keys) > 1 and len(set(keys)) == 1, "… sent again under the same key", keys)
    await _unknown(day)
    day.ai.next_outcome(error_code="internal_error", credits_refunded=Decimal(10))
    asked = await day.video("A broken vase", **AI)
    await day.ends(asked, "Failed", "seedance2ai: a task fails, and only 10 of 12 credits come back")
    task = day.asked_of(day.ai, "A broken vase")[0]
    day.check(task.credit_cost == MINI_CREDITS - 10, "… the provider kept 2", task.credit_cost)


async def _unknown(day: Day) -> None:
    before = (await day.balance("ann"))["allowance"]["held"]
    day.tv.faults.add("submit", "lose_answer")
    asked = await day.video("A lost parcel", **TV)
    card = await day.says(
        asked, "answer was lost", "seedance-tv, answer to create lost: the card says so at once", AT_ONCE_S
    )
    job = job_in(card)
    [found] = await day.bot("jobs", "--state", "unknown")
    day.check(found["id"] == job, "the operator sees it as unknown", found)
    held = (await day.balance("ann"))["allowance"]["held"]
    day.check(held == before + 12, "its 12 credits stay held", held)
    day.check(len(day.asked_of(day.tv, "A lost parcel")) == 1, "nothing is sent again")
    _code, differences = await day.rig.run_command("reconcile", "--json")
    day.check(job in differences, "python -m bot reconcile lists it", differences)
    await day.bot("jobs", "fail", job)
    await day.says(asked, "Failed", "the operator gives it up: the card says so", REDRAWN_S)
    held = (await day.balance("ann"))["allowance"]["held"]
    day.check(held == before, "… and the credits are free", held)
    day.check(not day.clips("A lost parcel", PLACE), "… and no clip came")
