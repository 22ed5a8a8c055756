"""Discord stumbles: lost answers, server errors, rate limits, AutoMod, sizes."""

from playground.scripts.delivery_rungs import CHEAP, finish, hanging
from playground.scripts.reading import text_of
from playground.scripts.visit import Visit, job_in

POSTS = r"/channels/\d+/messages$"
SMALL_BYTES = 400_000
LARGE_BYTES = 1_500_000


async def lost_answers(visit: Visit) -> None:
    """A message whose answer was lost is looked for, not sent again."""
    for kind, status, prompt in (
        ("lose_answer", 500, "A silent owl"),
        ("status", 502, "A stumbling clown"),
        ("status", 429, "A patient queue"),
    ):
        await hanging(visit, "ann", "road", prompt)
        visit.discord.faults.add(method="POST", path_regex=POSTS, kind=kind, status=status, times=2)
        await finish(visit, prompt)
        what = "the answer is lost" if kind == "lose_answer" else f"Discord answers {status}"
        await visit.clip(prompt, "road", f"{what}: the clip comes")
        visit.discord.faults.clear()
        await _is_done(visit, prompt)


async def _is_done(visit: Visit, prompt: str) -> None:
    def done() -> bool:
        cards = [text for text in visit.texts("road", "ann") if prompt in text]
        return any("Done." in text for text in cards)

    await visit.until(done, "… its card says so")
    found = visit.clips(prompt, "road")
    visit.check(len(found) == 1, "… and it is there once", [text_of(message) for message in found])


async def unreadable(visit: Visit) -> None:
    """Where history cannot be read, doubt ends undelivered: better none than two."""
    visit.discord.create_channel("fog")
    asked = await hanging(visit, "ann", "fog", "A foghorn")
    visit.discord.permit("fog", "read_message_history", False)
    visit.discord.faults.add(method="POST", path_regex=POSTS, kind="lose_answer", times=2)
    await finish(visit, "A foghorn")
    card = await visit.ends(
        asked, "could not be delivered", "answer lost, history unreadable: the card says undelivered"
    )
    visit.discord.faults.clear()
    visit.discord.permit("fog", "read_message_history", None)
    before = len(visit.clips("A foghorn", "fog"))
    told = await visit.use("ann", "fog", "jobs redeliver", {"job": job_in(card)})
    await visit.tells(told, "on its way", "/jobs redeliver takes it")
    await visit.until(lambda: len(visit.clips("A foghorn", "fog")) == before + 1, "… and it comes to the channel")


async def automod(visit: Visit) -> None:
    """A blocked word of the server's own AutoMod takes the prompt away, not the clip."""
    visit.discord.block_words(["kitten"])
    count = len(visit.clips("", "road"))
    await visit.use("ann", "road", "video", {"prompt": "A kitten in a basket", **CHEAP})
    await visit.until(lambda: len(visit.clips("", "road")) > count, "AutoMod blocks the post (200000): the clip comes")
    visit.check("kitten" not in text_of(visit.clips("", "road")[-1]), "… without the words that were blocked")
    visit.discord.block_words([])


async def too_large(visit: Visit) -> None:
    """A 413 is remembered for the server: the next clip fits at once."""
    visit.discord.settings.member_upload_limit_bytes = visit.discord.settings.upload_limit_bytes
    for prompt, refusals, what in (
        ("A very large whale", 1, "too large (413): the clip is made to fit"),
        ("A second large whale", 0, "the next one fits at once: the limit was learned"),
    ):
        visit.movie.next_outcome(hang=True, size_bytes=LARGE_BYTES)
        await visit.use("ann", "road", "video", {"prompt": prompt, **CHEAP})
        await visit.running(prompt, f"“{prompt}” is being made")
        visit.discord.settings.upload_limit_bytes, before = SMALL_BYTES, len(visit.discord.requests)
        await finish(visit, prompt)
        clip = await visit.clip(prompt, "road", what)
        sizes = [attachment["size"] for attachment in clip["attachments"]]
        refused = [one.path for one in visit.discord.requests[before:] if one.status == 413]
        visit.check(max(sizes) <= SMALL_BYTES and len(refused) == refusals, "… as it should", f"{sizes} {refused}")
