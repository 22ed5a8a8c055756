"""SIGKILL around what people decide: quotes, approvals, shared clips. Nothing is made twice, lost, or paid twice."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from playground.discord import Outcome
from playground.scripts.reading import Json, button, components_of, text_of
from playground.scripts.steps import Steps
from playground.scripts.visit import Visit
from tests.e2e.story import QUICK, patient_rig, verify_ledger
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("kill-decisions")]

MESSAGES = r"/channels/\d+/messages$"
PLACE, LOG = "video-lab", "general"
QUOTED, APPROVED, CHEAP = {"duration": 8}, {"duration": 10}, {"resolution": "480p", "duration": 4}
HELD_S = 3.0
CARD = "A job waits for approval|A job that needed approval"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visit]:
    """A server with both thresholds and a log channel; every test kills and restarts its bot."""
    folder: Path = tmp_path_factory.mktemp("decisions")
    async with patient_rig(folder, bot_env=QUICK) as rig:
        rig.movie.render_s = 0.3
        made = Visit(rig, Steps())
        opened = await made.use("mo", LOG, "settings")
        panel = await made.tells(opened, "Settings of this server", "the panel")
        for section, values in (
            ("approvals", {"confirm_over": "10", "approve_over": "16"}),
            ("delivery", {"log_channel_id": [LOG]}),
        ):
            menu = components_of(panel)[0]["custom_id"]
            chosen = await made.discord.choose("mo", int(panel["id"]), menu, [section])
            await made.tells(await made.fill("mo", chosen, values), "Changed", section)
        yield made


async def killed(visit: Visit, now: Callable[[], object], acting: asyncio.Task[Outcome] | None = None) -> None:
    """Kill the bot as soon as the moment has come, and start it again without any fault."""
    await until(now, "the moment of the kill")
    await visit.rig.kill_bot()
    if acting is not None:
        await acting
    visit.discord.faults.clear()
    await visit.rig.start_bot()


async def quote(visit: Visit, who: str, prompt: str, options: dict[str, int]) -> Json:
    """Ask for something dear; the private quote."""
    asked = await visit.use(who, PLACE, "video", {"prompt": prompt, **options})
    return await visit.tells(asked, "Shall I make it", "a quote")


def pressed(visit: Visit, who: str, message: Json, label: str) -> asyncio.Task[Outcome]:
    """Press a button while the bot may be dying."""
    custom_id = button(message, label)
    assert custom_id, text_of(message)
    return asyncio.create_task(visit.discord.click(who, int(message["id"]), custom_id))


def answered(visit: Visit, ending: str) -> Callable[[], bool]:
    """Whether, from now on, a request to this path has been answered."""
    since = len(visit.discord.requests)
    return lambda: any(r.path.endswith(ending) and (r.status or r.lost) for r in visit.discord.requests[since:])


def cards(visit: Visit, prompt: str) -> list[Json]:
    """The moderators' cards about a job."""
    return [m for m in visit.discord.messages(LOG, "mo") if prompt in text_of(m) and re.search(CARD, text_of(m))]


class Outcome(NamedTuple):
    """What came of a prompt."""

    clips: int
    tasks: int
    open_jobs: list[Json]


ONCE = Outcome(clips=1, tasks=1, open_jobs=[])


async def outcome(visit: Visit, prompt: str) -> Outcome:
    """Wait for the clip and for its card's last words; the books are exact."""
    await until(lambda: visit.clips(prompt, PLACE), f"the clip of {prompt!r}")
    await until(lambda: "Done." in " ".join(t for t in visit.texts(PLACE, "owner") if prompt in t), "its card")
    await verify_ledger(visit.rig)
    return Outcome(len(visit.clips(prompt, PLACE)), len(visit.tasks(prompt)), await visit.bot("jobs", "--open"))


async def test_killed_while_a_quote_is_open(visit: Visit) -> None:
    """The quote still stands after the restart; nothing was held or made before Confirm."""
    shown = await quote(visit, "ann", "A quote that waits", QUOTED)
    await killed(visit, lambda: True)
    assert not visit.tasks("A quote that waits")

    await visit.press("ann", shown, "Confirm")
    assert await outcome(visit, "A quote that waits") == ONCE


async def test_killed_right_after_a_quote_was_confirmed(visit: Visit) -> None:
    """The job goes on, or the quote still stands and is confirmed again: in the end there is one clip."""
    shown = await quote(visit, "ann", "A quote just confirmed", QUOTED)
    now = answered(visit, "/callback")
    acting = pressed(visit, "ann", shown, "Confirm")
    await killed(visit, now, acting)

    if [job for job in await visit.bot("jobs", "--open") if job["state"] == "quoted"]:
        await visit.press("ann", shown, "Confirm")
    assert await outcome(visit, "A quote just confirmed") == ONCE


async def waiting(visit: Visit, prompt: str) -> Json:
    """A job of Ann's that waits for approval: the moderators' card."""
    await visit.press("ann", await quote(visit, "ann", prompt, APPROVED), "Confirm")
    return dict((await until(lambda: cards(visit, prompt), "the approval card"))[0])


async def test_killed_while_a_job_waits_for_approval(visit: Visit) -> None:
    """It still waits after the restart, with one card whose buttons work."""
    card = await waiting(visit, "An approval that waits")
    await killed(visit, lambda: True)
    await asyncio.sleep(1)
    assert len(cards(visit, "An approval that waits")) == 1
    assert not visit.tasks("An approval that waits")

    told = await visit.press("mo", card, "Approve")
    await visit.tells(told, "Approved", "approved")
    assert await outcome(visit, "An approval that waits") == ONCE


async def test_killed_while_the_approval_card_was_on_its_way(visit: Visit) -> None:
    """The moderators get one card, not none and not two."""
    shown = await quote(visit, "ann", "An approval card", APPROVED)
    log = visit.discord.channels[LOG].id
    visit.discord.faults.add(path_regex=rf"/channels/{log}/messages$", method="POST", kind="lose_answer")
    now = answered(visit, f"/channels/{log}/messages")
    acting = pressed(visit, "ann", shown, "Confirm")
    await killed(visit, now, acting)

    card = (await until(lambda: cards(visit, "An approval card"), "the approval card"))[0]
    await asyncio.sleep(1)
    assert len(cards(visit, "An approval card")) == 1
    await visit.press("mo", card, "Approve")
    assert await outcome(visit, "An approval card") == ONCE


async def test_killed_right_after_approve_was_pressed(visit: Visit) -> None:
    """The decision holds, or is asked for again: one clip either way. A card left with buttons says how it stands."""
    card = await waiting(visit, "An approval just pressed")
    now = answered(visit, "/callback")
    acting = pressed(visit, "mo", card, "Approve")
    await killed(visit, now, acting)

    prompt = "An approval just pressed"
    still = [job for job in await visit.bot("jobs", "--open") if job["state"] == "awaiting_approval"]
    if still:
        await visit.press("mo", cards(visit, prompt)[0], "Approve")
    assert await outcome(visit, prompt) == ONCE
    if button(cards(visit, prompt)[0], "Approve"):
        told = await visit.press("mo", cards(visit, prompt)[0], "Approve")
        await visit.tells(told, "nothing to decide about job", "decided already")
    await until(lambda: not button(cards(visit, prompt)[0], "Approve"), "a card without buttons")


SHARES = {
    "acknowledged": lambda _visit: None,
    "message on its way": lambda visit: visit.discord.faults.add(
        path_regex=MESSAGES, method="POST", kind="delay", delay_s=HELD_S
    ),
    "message made, answer lost": lambda visit: visit.discord.faults.add(
        path_regex=MESSAGES, method="POST", kind="lose_answer"
    ),
}


@pytest.mark.parametrize("moment", SHARES)
async def test_killed_right_after_share_was_pressed(visit: Visit, moment: str) -> None:
    """The channel never gets the clip twice, and the next press says how it stands."""
    prompt = f"A secret: {moment}"
    asked = await visit.use("ann", PLACE, "video", {"prompt": prompt, "private": True, **CHEAP})
    await visit.ends(asked, "Done", "the private card")
    clip = visit.clips(prompt, PLACE, "ann")[-1]
    SHARES[moment](visit)
    now = answered(visit, "/callback") if moment == "acknowledged" else told_to_post(visit, moment)
    acting = pressed(visit, "ann", clip, "Share")
    await killed(visit, now, acting)

    told = await visit.press("ann", clip, "Share")
    await visit.tells(told, "is in <#|has been shared already|being posted at this moment", "how it stands")
    assert len(visit.clips(prompt, PLACE)) <= 1
    assert visit.clips(prompt, PLACE) or "is in" not in " ".join(text_of(m) for m in told.follow_ups)
    assert len(visit.tasks(prompt)) == 1
    await verify_ledger(visit.rig)


def told_to_post(visit: Visit, moment: str) -> Callable[[], bool]:
    """Whether, from now on, the bot has posted to a channel; with a lost answer it was done."""
    since = len(visit.discord.requests)
    is_lost = "lost" in moment
    return lambda: any(
        r.method == "POST" and r.path.endswith("/messages") and (not is_lost or r.lost)
        for r in visit.discord.requests[since:]
    )
