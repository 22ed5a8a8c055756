"""The console: the queue, refunds, figures and records."""

import csv
import io
from functools import partial
from typing import Any

import aiohttp

from playground.scripts.reading import Json, components_of, job_of
from playground.scripts.visit import Visit, job_in

PNG = b"\x89PNG\r\n\x1a\n"
CHEAP = {"resolution": "480p", "duration": 4}
"""3.6 credits."""
REFUNDED = 3.6


async def console(visit: Visit) -> None:
    """Mo looks after the server."""
    await _queue(visit)
    await _refund(visit)
    await _usage(visit)
    await _audit(visit)


async def _queue(visit: Visit) -> None:
    visit.movie.next_outcome(hang=True)
    asked = await visit.use("ann", "video-lab", "video", {"prompt": "An endless road", **CHEAP})
    await visit.running("An endless road", "a clip that takes for ever is being made")
    opened = await visit.use("mo", "general", "queue")
    panel = await visit.tells(opened, "Open jobs.*An endless road", "/queue lists it, privately")
    job = job_of(panel)
    select = next(item for item in components_of(panel) if item["type"] == 3)
    picked = await visit.discord.choose("mo", int(panel["id"]), select["custom_id"], [job])
    panel = await visit.tells(picked, "Cancel job", "picked, it can be cancelled")
    told = await visit.press("mo", panel, "Cancel job")
    await visit.tells(told, "provider has been asked to stop|is cancelled", "Mo cancels it")
    await visit.ends(asked, "Cancelled. The held credits are free again", "Ann's card says so")
    await visit.until(lambda: visit.tasks("An endless road")[0].status == "cancelled", "the provider has stopped")


async def _refund(visit: Visit) -> None:
    await visit.use("ann", "video-lab", "video", {"prompt": "A grey stone", **CHEAP})
    clip = await visit.clip("grey stone", "video-lab", "Ann gets a clip that she does not like")
    before = await visit.balance("ann")
    refund = {"job": job_in(clip), "reason": "it was out of focus"}
    suggested = await visit.discord.autocomplete("mo", "general", "refund", "job", refund["job"][:4])
    visit.check(refund["job"] in [one["value"] for one in suggested], "/refund suggests it", suggested)
    told = await visit.use("mo", "general", "refund", refund)
    await visit.tells(told, "got 3.6 credits back", "/refund gives her 3.6 credits back")
    told = await visit.use("mo", "general", "refund", refund)
    await visit.tells(told, "was refunded before", "a second time it is refused")
    after = await visit.balance("ann")
    given = round(_available(after) - _available(before), 3)
    visit.check(given == REFUNDED, "her balance is 3.6 higher, once", f"{given}: {after}")


def _available(figures: Json) -> float:
    return float(figures["allowance"]["available"] + figures["wallet"])


async def _usage(visit: Visit) -> None:
    for by in ("member", "day"):
        asked = await visit.use("mo", "general", "usage", {"by": by})
        shown = await visit.tells(asked, rf"Usage by {by}.*usage-{by}", f"/usage by {by} shows a table and files")
        rows = await _table(visit, shown, f"/usage by {by}")
        paid, spent = round(sum(float(row["credits_members"]) for row in rows), 3), float(visit.movie.account.used)
        visit.check(paid == spent - REFUNDED, f"… that add up to {spent} spent less {REFUNDED} refunded", rows)
    chart = await _file(shown, ".png")
    visit.check(chart.startswith(PNG), f"the chart is a PNG of {len(chart):,} bytes", chart[:20])


async def _audit(visit: Visit) -> None:
    asked = await visit.use("mo", "general", "audit")
    shown = await visit.tells(asked, r"changes? in the last 30", "/audit sends its file")
    rows = await _table(visit, shown, "/audit")
    found = {row["action"] for row in rows}
    wanted = {"settings", "quota.set", "quota.grant", "quota.revoke", "quota.suspend", "quota.resume"}
    wanted |= {"job.approve", "job.deny", "job.cancel", "job.refund"}
    visit.check(wanted <= found, "everything that moderators did is in it", f"missing: {wanted - found}")
    reasons = {row["reason"] for row in rows}
    visit.check({"spamming", "too dear this week", "it was out of focus"} <= reasons, "… with their reasons", reasons)


async def _table(visit: Visit, message: Json, what: str) -> list[dict[str, Any]]:
    text = (await _file(message, ".csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    visit.check(rows, f"{what} has a CSV of {len(rows)} row(s)", text[:200])
    return rows


async def _file(message: Json, ending: str) -> bytes:
    """Read the attached file of this kind. Raises: StopIteration when there is none."""
    found = next(item for item in message["attachments"] if item["filename"].endswith(ending))
    async with aiohttp.ClientSession() as session, session.get(found["url"]) as answer:
        answer.raise_for_status()
        return await answer.read()


async def log_lines(visit: Visit) -> None:
    """What the log channel tells, at most a few seconds later."""

    for piece, step in (
        ("taken in", "jobs that were taken in"),
        ("ended: delivered", "jobs that ended"),
        ("blocked word", "refusals by rule"),
        ("did · refunded a job", "what moderators did"),
        ("· private", "private jobs"),
    ):
        await visit.until(partial(_is_told, visit, piece), f"the log channel tells of {step}")
    is_kept = not _is_told(visit, "secret recipe")
    visit.check(is_kept, "… but not what private prompts say", visit.texts("bot-log", "mo"))


def _is_told(visit: Visit, piece: str) -> bool:
    return any(piece in text for text in visit.texts("bot-log", "mo"))
