"""What can be done with a clip: again, edited, extended, shared, deleted, animated, reported."""

from typing import Any

from playground.discord.acting import Outcome
from playground.scripts.moderator_console import CHEAP
from playground.scripts.pictures import png
from playground.scripts.reading import Json, button, is_private, labels, text_of
from playground.scripts.visit import Visit

PLACE = "video-lab"


async def buttons(visit: Visit) -> None:
    """Ann presses everything."""
    clip = await _again_and_edited(visit)
    await _extended(visit, clip)
    await _deleted(visit, clip)
    await _tried_again(visit)
    await _animated(visit)
    await _shared(visit)


async def _again_and_edited(visit: Visit) -> Json:
    asked = await visit.use("ann", PLACE, "video", {"prompt": "A red kite", **CHEAP})
    clip = await visit.clip("red kite", PLACE, "Ann's clip arrives")
    await visit.rig.restart()
    await visit.ends(asked, "Done", "the bot is killed and started again, and its card says done")
    await visit.press("ann", clip, "Again")
    await visit.until(lambda: len(visit.clips("red kite", PLACE)) == 2, "Again, on the old message, makes a second one")
    seeds = {task.order.seed for task in visit.tasks("A red kite")}
    visit.check(len(seeds) == 2, "… with another seed", seeds)
    opened = await visit.press("ann", clip, "Edit & rerun")
    await visit.fill("ann", opened, {"prompt": "A blue kite"})
    await visit.clip("blue kite", PLACE, "Edit & rerun makes one of the changed prompt")
    order = visit.tasks("A blue kite")[0].order
    visit.check((order.resolution, order.duration) == ("480p", 4), "… with the options of the first", order)
    return clip


async def _extended(visit: Visit, clip: Json) -> None:
    opened = await visit.press("ann", clip, "Extend")
    await visit.fill("ann", opened, {"prompt": "The kite lands"})
    await visit.clip("kite lands", PLACE, "Extend makes the clip that follows")
    visit.check(_pictures(visit, "The kite lands") == 1, "… from the last picture of the first")


def _pictures(visit: Visit, prompt: str) -> int:
    """How many pictures went to the provider with the newest task for a prompt."""
    return visit.tasks(prompt)[-1].body.count(b'"image_url"') and 1


async def _deleted(visit: Visit, clip: Json) -> None:
    visit.discord.take_role("ben", "helper")
    told = await visit.press("ben", clip, "Delete")
    await visit.tells(told, "Only whoever asked for", "Ben may not delete Ann's clip")
    told = await visit.press("ann", clip, "Delete")
    await visit.tells(told, "is deleted", "Ann may")
    await visit.until(lambda: len(visit.clips("red kite", PLACE)) == 1, "… and it is gone")


async def _tried_again(visit: Visit) -> None:
    visit.movie.next_outcome(error_code="CONTENT_MODERATION_FAILED")
    asked = await visit.use("ann", PLACE, "video", {"prompt": "A wild party", **CHEAP})
    card = await visit.ends(asked, "Failed. .*content check.*held credits are free", "a failed card says why")
    await visit.press("ann", card, "Try again")
    await visit.clip("wild party", PLACE, "Try again makes it after all")


async def _animated(visit: Visit) -> None:
    said = visit.discord.say("ben", PLACE, "look at this", [("teal.png", png())])
    opened = await visit.discord.context_menu("ann", PLACE, "Animate image", int(said["id"]))
    await visit.fill("ann", opened, {"prompt": "The sea begins to move"})
    clip = await visit.clip("sea begins", PLACE, "Animate image makes a clip of Ben's picture")
    visit.check(_pictures(visit, "The sea begins to move"), "… which the provider was given")
    visit.discord.delete_message(int(said["id"]))
    await visit.press("ann", clip, "Again")
    await visit.until(lambda: len(visit.clips("sea begins", PLACE)) == 2, "Again has the picture still, Discord not")
    empty = visit.discord.say("ben", PLACE, "nothing to see")
    told = await visit.discord.context_menu("ann", PLACE, "Animate image", int(empty["id"]))
    await visit.tells(told, "There is no picture", "a message without a picture is refused")


async def _shared(visit: Visit) -> None:
    asked = await visit.use("ann", PLACE, "video", {"prompt": "A secret recipe", "private": True, **CHEAP})
    clip = await visit.clip("secret recipe", PLACE, "a private clip comes privately", viewer="ann")
    visit.check(is_private(clip) and not visit.clips("secret recipe", PLACE), "… and nobody else sees it")
    await visit.ends(asked, "Done", "its private card says so")
    told = await visit.press("ann", clip, "Share")
    await visit.tells(told, "The result is in", "Share posts it")
    await visit.until(lambda: len(visit.clips("secret recipe", PLACE)) == 1, "… for everybody")
    told = await visit.press("ann", clip, "Share")
    await visit.tells(told, "has been shared already", "a second Share is refused")
    visit.check("Share" not in labels(visit.clips("secret recipe", PLACE)[0]), "the public one has no Share")


async def reports(visit: Visit) -> None:
    """Clips are reported; Mo dismisses one report, deletes one clip, and suspends one member."""
    first = await _made(visit, "A rude gesture")
    await _report(visit, "ben", first, "it is rude")
    again = await visit.discord.context_menu("ben", PLACE, "Report clip", int(first["id"]))
    if again.modal is not None:
        again = await visit.fill("ben", again, {"reason": "still rude"})
    await visit.tells(again, "reported this already", "the same clip a second time is refused")
    report = await _reported(visit, "it is rude")
    told = await visit.press("ben", report, "Dismiss")
    await visit.tells(told, "moderators may do that", "a member may not dismiss")
    await visit.press("mo", report, "Dismiss")
    await _handled(visit, "it is rude", "dismissed the report")
    await _report(visit, "owner", first, "mind the children")
    await visit.press("mo", await _reported(visit, "mind the children"), "Delete clip")
    await _handled(visit, "mind the children", "deleted the clip")
    await visit.until(lambda: not visit.clips("rude gesture", PLACE), "… and it is gone")
    second = await _made(visit, "A second rude gesture")
    await _report(visit, "ben", second, "and again")
    opened = await visit.press("mo", await _reported(visit, "and again"), "Suspend member")
    await visit.fill("mo", opened, {"reason": "two reports", "until": "1d"})
    await _handled(visit, "and again", "suspended the member")
    told = await visit.press("ann", second, "Again")
    await visit.tells(told, "suspended you.*two reports", "Ann's next press is refused with the reason")
    told = await visit.use("mo", "general", "quota resume", {"member": "ann"})
    await visit.tells(told, "may ask for new clips and pictures again", "Mo resumes her")


async def _made(visit: Visit, prompt: str) -> Json:
    asked = await visit.use("ann", PLACE, "video", {"prompt": prompt, **CHEAP})
    await visit.ends(asked, "Done", f"“{prompt}” is made")
    return await visit.clip(prompt, PLACE, "… and arrives")


async def _report(visit: Visit, who: str, clip: Json, reason: str) -> None:
    opened = await visit.discord.context_menu(who, PLACE, "Report clip", int(clip["id"]))
    sent: Outcome = await visit.fill(who, opened, {"reason": reason})
    await visit.tells(sent, "moderators have your report", f"a clip is reported: {reason}")


async def _reported(visit: Visit, reason: str) -> Json:
    found: Any = await visit.until(lambda: _find(visit, reason), "… and the log channel has the report")
    return dict(found)


def _find(visit: Visit, reason: str) -> Json | None:
    shown = visit.discord.messages("bot-log", "mo")
    return next((m for m in shown if reason in text_of(m) and "A clip was reported" in text_of(m)), None)


async def _handled(visit: Visit, reason: str, said: str) -> None:
    def done() -> bool:
        report = _find(visit, reason)
        return said in text_of(report) and not button(report, "Dismiss")

    await visit.until(done, f"the report says: {said}")
