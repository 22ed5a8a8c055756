"""`/settings`: every section's form is opened and sent; bad input changes nothing."""

from typing import Any

from playground.discord.acting import Outcome
from playground.scripts.reading import Json, components_of, text_of
from playground.scripts.visit import Visit

FAST = "seedance2-movie/seedance-2.0-fast"
BLOCKED = "spider"


async def settings(visit: Visit) -> None:
    """Mo sets the server up."""
    discord = visit.discord
    offered = {command["name"] for command in discord.commands("ann", "general")}
    visit.check(
        not offered & {"settings", "quota", "queue"}, "a member is not offered /settings, /quota or /queue", offered
    )
    discord.create_channel("lounge")
    discord.create_channel("bot-log")
    discord.create_role("helper")
    opened = await visit.use("mo", "general", "settings")
    panel = await visit.tells(opened, "Settings of this server", "/settings shows its panel, privately")
    await _access(visit, panel)
    await _limits(visit, panel)
    await _approvals(visit, panel)
    await _delivery(visit, panel)
    await _locale(visit, panel)


async def _open(visit: Visit, panel: Json, section: str) -> Outcome:
    select = components_of(panel)[0]["custom_id"]
    return await visit.discord.choose("mo", int(panel["id"]), select, [section])


async def _change(visit: Visit, panel: Json, section: str, values: dict[str, Any], shown: str, step: str) -> None:
    sent = await visit.fill("mo", await _open(visit, panel, section), values)
    await visit.tells(sent, f"Changed: .*{shown}", step)


async def _refused(visit: Visit, panel: Json, section: str, values: dict[str, Any], sentence: str, step: str) -> None:
    before = text_of(_again(visit, panel))
    sent = await visit.fill("mo", await _open(visit, panel, section), values)
    await visit.tells(sent, f"Nothing was changed, because:.*{sentence}", step)
    visit.check(text_of(_again(visit, panel)) == before, "… and the panel is as it was", before)


def _again(visit: Visit, panel: Json) -> Json:
    return next(m for m in visit.discord.messages("general", "mo") if m["id"] == panel["id"])


async def _access(visit: Visit, panel: Json) -> None:
    bad = {"blocked": f"{BLOCKED}\n/(a+)+\\1/", "channels": ["general"]}
    await _refused(visit, panel, "access", bad, "is not a pattern", "a pattern with a back-reference is refused")
    good = {
        "channels": ["video-lab", "general", "after-dark"],
        "restricted_models": [FAST],
        "blocked": f"{BLOCKED}\n/gh[ou]st/",
        "moderator_roles": ["helper"],
    }
    await _change(visit, panel, "access", good, "Only in age-restricted channels", "access is changed")


async def _limits(visit: Visit, panel: Json) -> None:
    bad = {"longest_s": "-5", "running_cap": "999999999999"}
    await _refused(visit, panel, "limits", bad, "whole number", "a negative and a huge number are refused")
    good = {"longest_s": "10", "highest_resolution": ["720p"], "running_cap": "3", "queued_cap": "5"}
    await _change(visit, panel, "limits", good, "at most 10 s .*at most 720p", "limits are changed")


async def _approvals(visit: Visit, panel: Json) -> None:
    bad = {"confirm_over": "a lot"}
    await _refused(visit, panel, "approvals", bad, "no amount", "a threshold that is no number is refused")
    good = {"confirm_over": "10", "approve_over": "16"}
    await _change(visit, panel, "approvals", good, "Above 10.* credits.*Above 16.* credits", "thresholds are changed")


async def _delivery(visit: Visit, panel: Json) -> None:
    closed = {"log_channel_id": ["staff"]}
    await _refused(
        visit, panel, "delivery", closed, "(may not post|cannot see)", "a log channel without the bot is refused"
    )
    good = {"log_channel_id": ["bot-log"], "public_prompts": ["spoiler"], "ping": ["no"]}
    await _change(visit, panel, "delivery", good, "behind a spoiler", "delivery is changed")


async def _locale(visit: Visit, panel: Json) -> None:
    await _refused(
        visit, panel, "locale", {"zone": "Mars/Olympus"}, "no time zone", "a zone that does not exist is refused"
    )
    good = {"zone": "Europe/Amsterdam", "week_start": ["6"]}
    await _change(visit, panel, "locale", good, "From .* on", "the calendar waits for its period's end")
