"""`/settings`: every section's form is opened and sent; bad input changes nothing."""

from dataclasses import dataclass
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
    sections = {"access": _access, "limits": _limits, "approvals": _approvals, "delivery": _delivery, "locale": _locale}
    for section, story in sections.items():
        await story(_Form(visit, int(panel["id"]), section))


@dataclass(frozen=True)
class _Form:
    """One section of the panel, as Mo uses it."""

    visit: Visit
    message_id: int
    section: str

    def panel(self) -> Json:
        """The panel as it stands there now."""
        return next(m for m in self.visit.discord.messages("general", "mo") if int(m["id"]) == self.message_id)

    async def open(self) -> Outcome:
        """Choose the section; its form opens."""
        select = components_of(self.panel())[0]["custom_id"]
        return await self.visit.discord.choose("mo", self.message_id, select, [self.section])


async def _change(form: _Form, values: dict[str, Any], shown: str, step: str) -> None:
    sent = await form.visit.fill("mo", await form.open(), values)
    await form.visit.tells(sent, f"Changed: .*{shown}", step)


async def _refused(form: _Form, values: dict[str, Any], sentence: str, step: str) -> None:
    before = text_of(form.panel())
    sent = await form.visit.fill("mo", await form.open(), values)
    await form.visit.tells(sent, f"Nothing was changed, because:.*{sentence}", step)
    form.visit.check(text_of(form.panel()) == before, "… and the panel is as it was", before)


async def _access(form: _Form) -> None:
    bad = {"blocked": f"{BLOCKED}\n/(a+)+\\1/", "channels": ["general"]}
    await _refused(form, bad, "is not a pattern", "a pattern with a back-reference is refused")
    good = {
        "channels": ["video-lab", "general", "after-dark"],
        "restricted_models": [FAST],
        "blocked": f"{BLOCKED}\n/gh[ou]st/",
        "moderator_roles": ["helper"],
    }
    await _change(form, good, "Only in age-restricted channels", "access is changed")


async def _limits(form: _Form) -> None:
    bad = {"longest_s": "-5", "running_cap": "999999999999"}
    await _refused(form, bad, "whole number", "a negative and a huge number are refused")
    good = {"longest_s": "10", "highest_resolution": ["720p"], "running_cap": "3", "queued_cap": "5"}
    await _change(form, good, "at most 10 s .*at most 720p", "limits are changed")


async def _approvals(form: _Form) -> None:
    bad = {"confirm_over": "a lot"}
    await _refused(form, bad, "not an amount", "a threshold that is no number is refused")
    good = {"confirm_over": "10", "approve_over": "16"}
    await _change(form, good, "Above 10.* credits.*Above 16.* credits", "thresholds are changed")


async def _delivery(form: _Form) -> None:
    closed = {"log_channel_id": ["staff"]}
    await _refused(form, closed, "(may not post|cannot see)", "a log channel without the bot is refused")
    good = {"log_channel_id": ["bot-log"], "public_prompts": ["spoiler"], "ping": ["no"]}
    await _change(form, good, "behind a spoiler", "delivery is changed")


async def _locale(form: _Form) -> None:
    await _refused(form, {"zone": "Mars/Olympus"}, "no time zone", "a zone that does not exist is refused")
    good = {"zone": "Europe/Amsterdam", "week_start": ["6"]}
    await _change(form, good, "From .* on", "the calendar waits for its period's end")
