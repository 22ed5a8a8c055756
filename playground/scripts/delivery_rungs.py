"""The ways to a member, one after the other closed."""

from playground.discord.acting import Outcome
from playground.scripts.reading import is_private, labels, text_of
from playground.scripts.visit import Visit, job_in

CHEAP = {"resolution": "480p", "duration": 4}
GUESSES_S = 900.0


async def hanging(visit: Visit, who: str, where: str, prompt: str, *, private: bool = False) -> Outcome:
    """Ask for a clip that is being made until `finish`."""
    visit.movie.next_outcome(hang=True)
    asked = await visit.use(who, where, "video", {"prompt": prompt, "private": private, **CHEAP})
    await visit.running(prompt, f"“{prompt}” is being made")
    return asked


async def finish(visit: Visit, prompt: str) -> None:
    """Let the provider finish it."""
    await visit.movie.finish(visit.tasks(prompt)[0].id)


async def open_way(visit: Visit) -> None:
    """Nothing in the way: a new message that answers the card and pings its requester alone."""
    visit.discord.create_channel("road")
    asked = await visit.use("ann", "road", "video", {"prompt": "A free road", **CHEAP})
    clip = await visit.clip("free road", "road", "a clip comes to its channel")
    card = asked.message or {}
    visit.check(clip["message_reference"]["message_id"] == card["id"], "… as an answer to its card")
    pinged = [user["id"] for user in clip["mentions"]]
    visit.check(pinged == [str(visit.discord.people["ann"].id)], "… and pings Ann alone", pinged)
    visit.discord.permit("road", "attach_files", False)
    told = await visit.press("ann", clip, "Again")
    await visit.tells(told, "it lacks Attach Files there", "Again is refused where the bot may no longer attach files")
    visit.discord.permit("road", "attach_files", None)


async def forbidden_channel(visit: Visit) -> None:
    """50013 after the job was taken: the interaction's follow-up, while its token lives."""
    visit.discord.create_channel("closing")
    asked = await hanging(visit, "ann", "closing", "A closing door")
    visit.discord.permit("closing", "send_messages", False)
    await finish(visit, "A closing door")
    clip = await visit.clip("closing door", "closing", "closed to the bot (50013): the clip comes as a follow-up")
    own = [message["id"] for message in asked.follow_ups]
    visit.check(own == [clip["id"]] and not is_private(clip), "… of its command, for everybody, once", own)


async def dead_token(visit: Visit) -> None:
    """The token died early, which nobody told the bot: a direct message that says why it comes there."""
    visit.discord.create_channel("dead-end")
    await hanging(visit, "ann", "dead-end", "A dead end")
    visit.discord.permit("dead-end", "send_messages", False)
    visit.discord.settings.token_lifetime_s = 0.0
    await finish(visit, "A dead end")
    found = await visit.until(
        lambda: visit.direct_clips("A dead end", "ann"), "token dead as well (50027): the clip comes by direct message"
    )
    visit.discord.settings.token_lifetime_s = GUESSES_S
    visit.check("can no longer post there" in text_of(found[0]), "… which says why", text_of(found[0]))
    visit.check(not visit.clips("A dead end", "dead-end"), "… and nowhere else")


async def nowhere(visit: Visit) -> None:
    """Direct messages closed too: undelivered, until it is asked for."""
    visit.discord.create_channel("island")
    asked = await hanging(visit, "ann", "island", "A far island")
    visit.discord.permit("island", "send_messages", False)
    visit.discord.settings.token_lifetime_s = 0.0
    visit.discord.close_direct_messages("ann")
    await finish(visit, "A far island")
    card = await visit.ends(asked, "could not be delivered", "every way closed (50007): the card says undelivered")
    visit.discord.settings.token_lifetime_s = GUESSES_S
    visit.check("/jobs redeliver" in text_of(card), "… and how to get it", text_of(card))
    visit.discord.close_direct_messages("ann", False)
    direct, job = visit.discord.direct_channel("ann"), job_in(card)
    offered = await visit.discord.autocomplete("ann", direct, "jobs redeliver", "job", "")
    visit.check([one["value"] for one in offered] == [job], "/jobs redeliver in direct messages offers it", offered)
    told = await visit.use("ann", direct, "jobs redeliver", {"job": job})
    await visit.tells(told, "on its way", "/jobs redeliver takes it")
    await visit.until(lambda: visit.direct_clips("A far island", "ann"), "… and it comes by direct message")
    visit.check("Delete" in labels(visit.direct_clips("A far island", "ann")[0]), "… with its buttons")
    told = await visit.use("ann", direct, "jobs redeliver", {"job": job})
    await visit.tells(told, "only results that could not be delivered", "a second time it is refused")


async def deleted_channel(visit: Visit) -> None:
    """10003: nothing is left there, not even for a follow-up."""
    visit.discord.create_channel("sandcastle")
    await hanging(visit, "ann", "sandcastle", "A sandcastle")
    visit.discord.delete_channel("sandcastle")
    await finish(visit, "A sandcastle")
    await visit.until(
        lambda: visit.direct_clips("A sandcastle", "ann"), "channel deleted (10003): the clip comes by direct message"
    )


async def threads(visit: Visit) -> None:
    """A thread that went to sleep wakes up; a locked one is closed."""
    visit.discord.open_thread("road", "sleepy")
    await hanging(visit, "ann", "sleepy", "A sleeping cat")
    visit.discord.archive_thread("sleepy")
    await finish(visit, "A sleeping cat")
    await visit.clip("sleeping cat", "sleepy", "an archived thread wakes up for the clip")
    visit.discord.open_thread("road", "locked")
    await hanging(visit, "ann", "locked", "A locked gate")
    visit.discord.archive_thread("locked", locked=True)
    await finish(visit, "A locked gate")
    await visit.until(
        lambda: visit.direct_clips("A locked gate", "ann"), "a locked thread is closed (50083): direct message"
    )


async def deleted_card(visit: Visit) -> None:
    """The card is gone: the clip answers nothing, and comes all the same."""
    asked = await hanging(visit, "ann", "road", "A lost card")
    assert asked.message is not None, "the card is there until it is deleted"
    visit.discord.delete_message(int(asked.message["id"]))
    await finish(visit, "A lost card")
    clip = await visit.clip("lost card", "road", "card deleted: the clip comes without it")
    visit.check("message_reference" not in clip or not clip["message_reference"], "… and answers nothing", clip)
    visit.check(asked.message is None, "… and the card stays away")
