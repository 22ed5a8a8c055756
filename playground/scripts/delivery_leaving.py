"""People and bots come and go, private replies run out, and places that were never open."""

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial

from playground.scripts.delivery_rungs import CHEAP, finish, hanging
from playground.scripts.reading import text_of
from playground.scripts.visit import Visit

MEMBER_LOOK_S = 61.0
"""Whoever asked less than a minute ago is surely still a member; only then the bot asks Discord."""


class LongJobs:
    """Jobs that outlive what they began with: begun first, finished last."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._began = 0.0

    async def begin(self) -> None:
        """Two private jobs whose replies will run out, and one of a member who leaves."""
        discord = self._visit.discord
        discord.add_person("kim", "Kim")
        discord.add_guild("Elsewhere", "owner", members=["mo", "kim"])
        self._anns = await hanging(self._visit, "ann", "general", "A private garden", private=True)
        self._bens = await hanging(self._visit, "ben", "general", "A private attic", private=True)
        await hanging(self._visit, "mo", "general", "A private mistake", private=True)
        await hanging(self._visit, "kim", "general", "A farewell party")
        discord.leave_guild("kim")
        discord.close_direct_messages("ben")
        self._began = time.monotonic()
        await self._visit.ends(
            self._anns, "Still working", "before its token dies, a private card says “still working”"
        )

    async def end(self) -> None:
        """Their clips find them."""
        visit = self._visit
        await finish(visit, "A private garden")
        found = await visit.until(
            lambda: visit.direct_clips("A private garden", "ann"), "the private clip comes by direct message"
        )
        visit.check("The private reply there has run out" in text_of(found[0]), "… and says why", text_of(found[0]))
        visit.check(not visit.clips("A private garden", "general"), "… and nobody else sees it")
        await visit.movie.finish(visit.tasks("A private mistake")[0].id, "failed", "COPYRIGHT_VIOLATION")
        told = partial(_says, visit.direct_texts, "mo", "Your private job .* failed.*protected works")
        await visit.until(told, "a private job that fails is told by direct message, with the reason")
        await finish(visit, "A private attic")
        await self._told_with_the_next_command()
        await asyncio.sleep(max(0.0, self._began + MEMBER_LOOK_S - time.monotonic()))
        await finish(visit, "A farewell party")
        found = await visit.until(
            lambda: visit.direct_clips("A farewell party", "kim"), "a member who left gets the clip by direct message"
        )
        visit.check("no longer in that server" in text_of(found[0]), "… which says why", text_of(found[0]))

    def _is_over(self, who: str) -> bool:
        """Whether the bot has tried to tell them twice by direct message: the clip, then what became of it."""
        channel = f"/channels/{self._visit.discord.direct_channel(who).id}/messages"
        return len([one for one in self._visit.discord.requests if one.path == channel and one.status == 403]) > 1

    async def _told_with_the_next_command(self) -> None:
        visit = self._visit
        job = visit.tasks("A private attic")[0]
        await visit.until(
            lambda: job.status == "completed", "a private clip is made whose reader is closed to messages"
        )
        await visit.until(partial(self._is_over, "ben"), "… which ends undelivered")
        await visit.use("ben", "general", "balance")
        told = partial(_told, visit, "ben")
        await visit.until(told, "the outcome comes with his next command")
        visit.check(not _told(visit, "owner"), "… for his eyes only")
        visit.discord.close_direct_messages("ben", False)
        direct = visit.discord.direct_channel("ben")
        offered = await visit.discord.autocomplete("ben", direct, "jobs redeliver", "job", "")
        visit.check(len(offered) == 1, "… and /jobs redeliver offers it", offered)
        await visit.use("ben", direct, "jobs redeliver", {"job": offered[0]["value"]})
        await visit.until(lambda: visit.direct_clips("A private attic", "ben"), "… and brings it, by direct message")


def _says(texts: Callable[[str], list[str]], who: str, pattern: str) -> bool:
    return any(re.search(pattern, text) for text in texts(who))


def _told(visit: Visit, who: str) -> bool:
    return any("could not be sent to you" in text for text in visit.texts("general", who))


async def missing_permissions(visit: Visit) -> None:
    """What cannot be delivered is refused before anything is held."""
    tasks = len(visit.movie.tasks)
    told = await visit.use("ann", "no-posting", "video", {"prompt": "A closed shop"})
    where = f"<#{visit.discord.channels['no-posting'].id}>"
    await visit.tells(told, f"not post in {where}: it lacks Send Messages", "refused where the bot may not post")
    visit.discord.create_channel("bare")
    visit.discord.permit("bare", "attach_files", False)
    visit.discord.permit("bare", "embed_links", False)
    told = await visit.use("ann", "bare", "video", {"prompt": "A closed shop"})
    await visit.tells(told, "it lacks Attach Files, Embed Links", "… naming every permission that is missing")
    visit.check(len(visit.movie.tasks) == tasks, "… and the provider never heard of it")
    private = await visit.use("ann", "bare", "video", {"prompt": "A back room", "private": True, **CHEAP})
    await visit.ends(private, "Done", "a private clip needs none of them")


async def removed_bot(visit: Visit) -> None:
    """The bot is thrown out: what waits is cancelled, what runs is finished and comes by direct message."""
    prompts = ("A last dance", "A last song")
    for prompt in prompts:
        await hanging(visit, "mo", "elsewhere/clips", prompt)
    waiting = await visit.use("mo", "elsewhere/clips", "video", {"prompt": "A last wish", **CHEAP})
    await visit.ends(waiting, "Waiting for its turn", "two jobs run in another server, a third waits")
    visit.discord.remove_bot("elsewhere")
    await asyncio.sleep(1)
    for prompt in prompts:
        await finish(visit, prompt)
    for prompt in prompts:
        arrived = partial(visit.direct_clips, prompt, "mo")
        found = await visit.until(arrived, "bot removed: a running job comes by direct message")
        visit.check("no longer in that server" in text_of(found[0]), "… which says why", text_of(found[0]))
    visit.check(not visit.tasks("A last wish"), "… and what waited was never made")
    visit.discord.invite_bot("elsewhere")
