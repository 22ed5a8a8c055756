"""Quotes above one threshold, moderators' approval above the other."""

import re

from playground.discord.acting import Outcome
from playground.scripts.reading import Json, button, text_of
from playground.scripts.visit import Visit

QUOTED = {"duration": 8}
"""14.4 credits: above 10, where members confirm, below 16, where moderators approve."""
APPROVED = {"duration": 10}
"""18 credits: above both."""
CARD = "A job waits for approval|A job that needed approval"
QUESTION = "Shall I make it for"


async def approvals(visit: Visit) -> None:
    """Ann confirms, a moderator decides."""
    raised = await visit.use("mo", "general", "quota set", {"credits": "200"})
    await visit.tells(raised, "200.0 credits", "everyone gets 200 credits a week")
    await _quotes(visit)
    await _denied(visit)
    await _approved(visit)
    await _cancelled(visit)
    await _reconsidered(visit)


async def _quote(visit: Visit, who: str, prompt: str, options: dict[str, int]) -> Json:
    asked = await visit.use(who, "video-lab", "video", {"prompt": prompt, **options})
    quote = await visit.tells(asked, QUESTION, f"“{prompt}” gets a private quote first")
    seen = [text for text in visit.texts("video-lab", "owner") if prompt in text]
    visit.check(not seen, "… of which nobody else sees anything", seen)
    return quote


async def _quotes(visit: Visit) -> None:
    quote = await _quote(visit, "ann", "A slow river", QUOTED)
    visit.check("14.4 credits" in text_of(quote), "the quote says 14.4 credits", text_of(quote))
    declined = await visit.press("ann", quote, "Cancel")
    await visit.tells(declined, "Not made. Nothing was charged", "Cancel drops it")
    visit.check(not visit.tasks("A slow river"), "… and the provider never heard of it")
    quote = await _quote(visit, "ann", "A fast river", QUOTED)
    confirmed = await visit.press("ann", quote, "Confirm")
    await visit.ends(confirmed, "A fast river", "Confirm makes it a job with a public card")
    await visit.clip("fast river", "video-lab", "… and its clip arrives")


async def _waiting(visit: Visit, who: str, prompt: str) -> tuple[Outcome, Json]:
    """Ask for a job that needs approval: its card, and the moderators' card in the log channel."""
    quote = await _quote(visit, who, prompt, APPROVED)
    confirmed = await visit.press(who, quote, "Confirm")
    await visit.ends(confirmed, "Waiting for a moderator", "confirmed, it waits for a moderator")
    card = await visit.until(
        lambda: _card_of(visit, prompt), "an approval card with request and cost is in the log channel"
    )
    visit.check("18.0 credits, held" in text_of(card), "… which says that 18.0 credits are held", text_of(card))
    return confirmed, card


def _card_of(visit: Visit, prompt: str) -> Json | None:
    shown = visit.discord.messages("bot-log", "mo")
    return next((m for m in shown if prompt in text_of(m) and re.search(CARD, text_of(m))), None)


async def _denied(visit: Visit) -> None:
    asked, card = await _waiting(visit, "ann", "A golden palace")
    opened = await visit.press("mo", card, "Deny")
    told = await visit.fill("mo", opened, {"reason": "too dear this week"})
    await visit.tells(told, "Denied: job .* 18.0 credits are released", "Mo denies it with a reason")
    await visit.ends(asked, "did not approve.*too dear this week", "Ann's card says so, with the reason")
    await visit.until(
        lambda: not button(_card_of(visit, "A golden palace"), "Approve"), "the approval card lost its buttons"
    )


async def _approved(visit: Visit) -> None:
    _asked, card = await _waiting(visit, "mo", "A silver palace")
    told = await visit.press("mo", card, "Approve")
    await visit.tells(told, "Nobody approves or denies their own", "Mo may not approve his own")
    told = await visit.press("ben", card, "Approve")
    await visit.tells(told, "moderators may do that", "Ben, who has no moderator's role, may not")
    visit.discord.give_role("ben", "helper")
    told = await visit.press("ben", card, "Approve")
    await visit.tells(told, "Approved: job", "with the role that /settings names, he may")
    await visit.clip("silver palace", "video-lab", "the approved clip arrives")


async def _cancelled(visit: Visit) -> None:
    asked, _card = await _waiting(visit, "ann", "A wooden palace")
    await visit.press("ann", asked.message, "Cancel")
    await visit.ends(asked, "Cancelled. The held credits are free", "Ann cancels what waits, at once")
    await visit.until(
        lambda: not button(_card_of(visit, "A wooden palace"), "Approve"), "… and its approval card closes"
    )


async def _reconsidered(visit: Visit) -> None:
    """The rules hold at the moment of the approval, too."""
    asked, card = await _waiting(visit, "ann", "A marble palace")
    told = await visit.use("mo", "general", "quota suspend", {"member": "ann", "reason": "a second thought"})
    await visit.tells(told, "may ask for nothing new", "Ann is suspended while her job waits")
    told = await visit.press("mo", card, "Approve")
    await visit.tells(told, "cannot be approved now.*suspended", "… and it cannot be approved")
    waits = "Waiting for a moderator" in text_of(asked.message)
    visit.check(waits and not visit.tasks("A marble palace"), "… and waits on", text_of(asked.message))
    told = await visit.use("mo", "general", "quota resume", {"member": "ann"})
    await visit.tells(told, "may ask for new clips and pictures again", "Ann is resumed")
    told = await visit.press("mo", card, "Approve")
    await visit.tells(told, "Approved: job", "… and now it can")
    await visit.clip("marble palace", "video-lab", "its clip arrives")
