"""A day's use of all three providers: every option, pictures, storyboards, what follows, what goes wrong."""

from decimal import Decimal

from playground.rig import Rig
from playground.scripts.everyday_clips import ai_clips, movie_clips, renderings, tv_clips
from playground.scripts.everyday_doubts import doubts
from playground.scripts.everyday_following import following
from playground.scripts.everyday_pictures import pictures
from playground.scripts.everyday_refusals import refusals
from playground.scripts.everyday_storyboards import storyboards
from playground.scripts.everyday_visit import CREDIT_RATES, TV_PRICE_PER_S, Day
from playground.scripts.steps import Steps

EVERYDAY_SETTINGS = {
    "MEMBER_ALLOWANCE_CREDITS": "5000",
    "POLL_INTERVAL_S": "1",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "6000",
    "SEEDANCE2AI_REQUESTS_PER_MINUTE": "6000",
    "SEEDANCE_TV_REQUESTS_PER_MINUTE": "6000",
}
"""Nobody waits for the providers' rates here, on either side; `--script hundred` is about those."""
RATE_PER_MINUTE = 6000
RENDER_S = 0.3
STORIES = (
    movie_clips,
    ai_clips,
    renderings,
    tv_clips,
    refusals,
    pictures,
    storyboards,
    following,
    doubts,
)


async def everyday(rig: Rig, steps: Steps) -> None:
    """Run it. Raises StepFailed at the first step that does not hold."""
    day = Day(rig, steps)
    for emulator in (rig.movie, rig.ai, rig.tv):
        emulator.render_s = RENDER_S
    rig.ai.knobs.rate_limit_per_minute = rig.tv.knobs.rate_limit_per_minute = RATE_PER_MINUTE
    await day.setting("approvals", {"confirm_over": "never"}, "", "Mo asks for no confirmations")
    for story in STORIES:
        await story(day)
    await _books(day)


async def _books(day: Day) -> None:
    left = await day.bot("jobs", "--open")
    day.check(not left, "no job is left open", left)
    figures = (await day.balance("ann"))["allowance"]
    paid = Decimal(str(figures["settled"]))
    day.check(paid == _owed(day) and figures["held"] == 0, f"Ann has paid exactly {_owed(day)} credits", figures)
    code, out = await day.rig.run_command("reconcile")
    day.check(code == 0, "python -m bot reconcile: nothing differs from what the providers tell", out)
    code, out = await day.rig.run_command("ledger", "verify")
    day.check(code == 0, "python -m bot ledger verify: every balance is what its entries say", out)


def _owed(day: Day) -> Decimal:
    """What the providers' own records say that Ann's finished clips and pictures cost, in the bot's credits."""
    finished = {"completed", "succeeded"}
    movie = sum(task.credit_cost for task in day.movie.tasks.values() if task.status in finished)
    ai = sum(task.credit_cost for task in day.ai.tasks.values() if task.status in finished)
    seconds = sum(task.order.duration for task in day.tv.tasks.values() if "A lost parcel" not in task.order.prompt)
    return movie * CREDIT_RATES["seedance2-movie"] + ai * CREDIT_RATES["seedance2ai"] + seconds * TV_PRICE_PER_S
