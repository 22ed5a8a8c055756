"""`/quota`: who may spend how much, the best role, caps of channels, wallets, suspensions."""

from typing import Any

from playground.scripts.visit import Visit

CLIP = 9.0
"""Five seconds of seedance-2.0 at 720p."""


async def quotas(visit: Visit) -> None:
    """Mo decides what Ben may spend."""
    await _bad_input(visit)
    await _best_role(visit)
    await _own_limit(visit)
    await _channel_cap(visit)
    await _wallet(visit)
    await _suspension(visit)
    listed = await visit.use("mo", "general", "quota list")
    await visit.tells(listed, "Limits and use in this server.*unlimited", "/quota list shows limits and use")


async def _set(visit: Visit, credits: str, shown: str, step: str, **subject: Any) -> None:
    await visit.tells(await visit.use("mo", "general", "quota set", {"credits": credits, **subject}), shown, step)


async def _ask(visit: Visit, prompt: str, where: str = "video-lab", **options: Any) -> Any:
    return await visit.use("ben", where, "video", {"prompt": prompt, **options})


async def _bad_input(visit: Visit) -> None:
    for credits in ("-3", "1e999999", "much"):
        await _set(visit, credits, "is not an amount", f"/quota set {credits} is refused")
    both = {"credits": "5", "member": "ben", "role": "patron"}
    told = await visit.use("mo", "general", "quota set", both)
    await visit.tells(told, "Nothing was changed", "a member and a role at once are refused")
    figures = await visit.balance("ben")
    visit.check(figures["allowance"]["limit"] == 50, "… and nothing has changed", figures)


async def _best_role(visit: Visit) -> None:
    await _set(visit, "4", "Everyone's allowance", "everyone gets 4")
    await _set(visit, "20", "Allowance of members with", "supporters get 20", role="supporter")
    await _set(visit, "30", "Allowance of members with", "patrons get 30", role="patron")
    shown = await visit.use("mo", "general", "quota show", {"member": "ben"})
    await visit.tells(shown, "Everyone's limit: 4", "/quota show says that Ben's 4 are everyone's")
    visit.discord.give_role("ben", "supporter")
    visit.discord.give_role("ben", "patron")
    shown = await visit.use("mo", "general", "quota show", {"member": "ben"})
    await visit.tells(shown, "The role .*: 30.*the best", "with two roles the better one counts: 30")


async def _own_limit(visit: Visit) -> None:
    await _set(visit, "13", "Allowance of", "Ben himself gets 13", member="ben")
    shown = await visit.use("mo", "general", "quota show", {"member": "ben"})
    await visit.tells(shown, "own limit: 13", "the member's own beats the roles'")
    await _ask(visit, "A harbour at dusk")
    await visit.clip("harbour", "video-lab", "Ben's first clip arrives, for 9.0 of 13")
    told = await _ask(visit, "A second harbour")
    await visit.tells(
        told, "9.0 credits; you have 4.0 left.*480p", "the second is refused: 4.0 are left, and what would fit"
    )
    await _set(visit, "unlimited", "unlimited", "Ben gets no limit", member="ben")


async def _channel_cap(visit: Visit) -> None:
    await _set(visit, "5", "all members together", "#general gets a cap of 5", channel="general")
    told = await _ask(visit, "A lighthouse", "general")
    await visit.tells(told, "channel's cap has 5.0 credits left", "9.0 in #general are refused by the cap")
    visit.discord.open_thread("general", "talk")
    told = await _ask(visit, "A lighthouse", "talk")
    await visit.tells(told, "channel's cap has 5.0 credits left", "… and in a thread of it")
    await _set(visit, "inherit", "inherited", "the cap is taken away", channel="general")


async def _wallet(visit: Visit) -> None:
    grant = {"member": "ann", "credits": "20", "reason": "won the contest", "expires": "7d"}
    granted = await visit.use("mo", "general", "quota grant", grant)
    await visit.tells(granted, "got 20.0 credits until", "Ann is granted 20 credits for a week")
    past = await visit.use("mo", "general", "quota grant", grant | {"expires": "2020-01-01"})
    await visit.tells(past, "has passed", "a grant that has lapsed already is refused")
    revoked = await visit.use("mo", "general", "quota revoke", {"member": "ann", "credits": "5", "reason": "a mistake"})
    await visit.tells(revoked, "Took 5.0 credits", "5 of them are taken back")
    figures = await visit.balance("ann")
    visit.check(figures["wallet"] == 15, "15.0 are in Ann's wallet", figures)


async def _suspension(visit: Visit) -> None:
    told = await visit.use("mo", "general", "quota suspend", {"member": "ben", "reason": "spamming", "until": "2d"})
    await visit.tells(told, "may ask for nothing new until", "Ben is suspended for two days")
    told = await _ask(visit, "A third harbour")
    await visit.tells(told, "suspended you.*spamming", "his next clip is refused with the reason")
    await visit.tells(await visit.use("mo", "general", "quota resume", {"member": "ben"}), "again", "Ben is resumed")
