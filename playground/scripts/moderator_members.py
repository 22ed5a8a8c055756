"""A member's own data, and a server that the bot has just joined."""

import io
import json
import zipfile

import aiohttp

from playground.scripts.visit import Visit


async def own_data(visit: Visit) -> None:
    """Ann looks at what is stored of her, and has it deleted."""
    direct = visit.discord.direct_channel("ann")
    told = await visit.use("ann", direct, "balance")
    await visit.tells(told, "Your balance in Playground.*of 200", "/balance in direct messages knows the server")
    told = await visit.use("ann", "general", "privacy export")
    message = await visit.tells(told, "everything that the bot stores", "/privacy export sends a file, privately")
    stored = json.dumps(await _exported(message["attachments"][0]["url"]))
    visit.check(
        "A red kite" in stored and "A harbour" not in stored, "… with her prompts and nobody else's", stored[:300]
    )
    told = await visit.use("ann", "general", "privacy delete")
    question = await visit.tells(told, "Delete what the bot stores about you", "/privacy delete asks first")
    await visit.press("ann", question, "Delete everything")
    await visit.until(lambda: "Deleted. " in " ".join(visit.texts("general", "ann")), "… and deletes")
    told = await visit.use("ann", direct, "jobs list")
    await visit.tells(told, "No such jobs", "/jobs list has nothing any more")


async def _exported(url: str) -> dict[str, object]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()
        data = await answer.read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return dict(json.loads(archive.read("data.json")))


async def first_contact(visit: Visit) -> None:
    """Ben invites the bot to a server of his own."""
    visit.discord.add_guild("Neighbours", "ben")

    def welcome() -> list[str]:
        return [text for text in visit.texts("neighbours/general", "ben") if "/video" in text]

    found = await visit.until(welcome, "the bot greets a server that it joins, in its system channel")
    visit.check("/settings" in found[0] and "may not spend anything yet" in found[0], "… and says what to do", found)
    told = await visit.use("ben", "neighbours/clips", "video", {"prompt": "A friendly house"})
    await visit.tells(told, "no credits to spend.*python -m bot pool", "a stranger's server can spend nothing")
    visit.check(len(welcome()) == 1, "it greets once", welcome())
