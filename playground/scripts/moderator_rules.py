"""What the settings refuse: places, words, models, lengths and sizes; and who may press what."""

from typing import Any

from playground.scripts.moderator_settings import BLOCKED, FAST
from playground.scripts.visit import Visit


async def rules(visit: Visit) -> None:
    """Ann runs into each rule; nothing of it reaches the provider."""
    tasks = len(visit.movie.tasks)
    await _refused(visit, f"A {BLOCKED.upper()} in its web", f"do not allow “{BLOCKED}”", "a blocked word is refused")
    await _refused(visit, "A ghost at night", "do not allow", "a blocked pattern is refused")
    await _refused(
        visit, "A quiet lake", "in this channel. Allowed", "a channel that is not allowed is refused", "lounge"
    )
    visit.discord.open_thread("lounge", "corner")
    visit.discord.open_thread("video-lab", "workshop")
    await _refused(visit, "A quiet lake", "in this channel", "… and so is a thread of it", "corner")
    await _refused(visit, "A quiet lake", "at most 10 seconds", "a clip that is too long is refused", duration=11)
    await _refused(
        visit, "A quiet lake", "at most 720p", "a resolution that is too high is refused", resolution="1080p"
    )
    await _refused(visit, "A quiet lake", "age-restricted channel", "the marked model is refused outside", model=FAST)
    visit.check(len(visit.movie.tasks) == tasks, "nothing of all that reached the provider")
    fast = {"model": FAST, "resolution": "480p", "duration": 4}
    await visit.use("ann", "after-dark", "video", {"prompt": "A late train", **fast})
    inside = await visit.clip(
        "late train", "after-dark", "in the age-restricted channel the marked model makes its clip"
    )
    visit.check(not inside["mentions"], "nobody is pinged where that is switched off", inside["mentions"])
    visit.check("||" in inside["content"], "the public prompt is behind a spoiler", inside["content"])
    await visit.use("ann", "workshop", "video", {"prompt": "A wooden bench", "resolution": "480p", "duration": 4})
    await visit.clip("wooden bench", "workshop", "a thread of an allowed channel is allowed")


async def _refused(
    visit: Visit, prompt: str, sentence: str, step: str, where: str = "video-lab", **options: Any
) -> None:
    told = await visit.use("ann", where, "video", {"prompt": prompt, **options})
    await visit.tells(told, sentence, step)
