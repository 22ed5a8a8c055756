"""What follows a clip or a picture: Extend in each provider's own way, Animate."""

from playground.scripts.everyday_visit import PLACE, Day
from playground.scripts.reading import Json, button, text_of


async def following(day: Day) -> None:
    """Ann goes on with what she has."""
    clip = day.clips("A sunrise behind the hills", PLACE)[-1]
    await day.fill("ann", await day.press("ann", clip, "Extend"), {"prompt": "The sun climbs"})
    await day.clip("The sun climbs", PLACE, "Extend at seedance2ai makes the clip that follows")
    task = day.asked_of(day.ai, "The sun climbs")[0]
    day.was_asked(task, "… from the previous clip itself", mode="media-to-video", image_url=None)
    day.fetched(task, ["video"])
    words = task.order.prompt
    day.check("continue from the supplied previous clip" in words, "… as its prompt guide says", words)
    clip = day.clips("A red kite over a beach", PLACE)[-1]
    await day.fill("ann", await day.press("ann", clip, "Extend"), {"prompt": "The kite lands"})
    await day.clip("The kite lands", PLACE, "Extend at seedance2-movie makes the clip that follows")
    kinds = [item["type"] for item in day.asked_of(day.movie, "The kite lands")[0].order.content]
    day.check(sorted(kinds) == ["image_url", "text"], "… from the last picture of the first", kinds)
    await _animated(day)


async def _animated(day: Day) -> None:
    message = _with_animate(day, "A teapot")
    day.check(message, "a picture has a button Animate", [text_of(m) for m in day.discord.messages(PLACE, "ann")][-3:])
    opened = await day.press("ann", message, "Animate")
    await day.fill("ann", opened, {"prompt": "Steam rises from the spout"})
    await day.clip("Steam rises", PLACE, "Animate makes a clip of the picture")
    tasks = [task for one in (day.movie, day.ai, day.tv) for task in day.asked_of(one, "Steam rises")]
    given = [b"image_url" in task.body for task in tasks]
    day.check(given == [True], "… which the provider was given", given)


def _with_animate(day: Day, prompt: str) -> Json | None:
    shown = [m for m in day.discord.messages(PLACE, "ann") if prompt in text_of(m)]
    return next((m for m in shown if button(m, "Animate")), None)
