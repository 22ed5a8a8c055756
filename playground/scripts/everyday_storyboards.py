"""`/storyboard` and `/styles`: scenes where the provider has them, else one prompt of ordered shots."""

from typing import Any

from playground.discord.acting import Outcome
from playground.scripts.everyday_visit import PLACE, Day
from playground.scripts.pictures import png

SHOTS = ["4s A wide shot of a harbour", "3s A gull takes off", "A ship leaves"]


async def storyboards(day: Day) -> None:
    """The same three shots at each provider."""
    listed = await day.use("ann", PLACE, "styles")
    await day.tells(listed, "seedance-tv/seedance-2.0.*anime", "/styles lists what the provider has")
    found = await day.discord.autocomplete("ann", PLACE, "storyboard", "style", "cine")
    day.check([one["value"] for one in found] == ["cinematic"], "… and a style is suggested while it is typed", found)
    await _ask(day, SHOTS, model="seedance-tv/seedance-2.0", style="cinematic", seed=5, aspect_ratio="9:16")
    await day.clip("A gull takes off", PLACE, "seedance-tv: the storyboard's clip arrives")
    task = day.asked_of(day.tv, "A gull takes off")[0]
    shots = [(shot.prompt, shot.duration) for shot in task.order.shots]
    wanted = [("A wide shot of a harbour", 4), ("A gull takes off", 3), ("A ship leaves", 3)]
    day.check(task.order.has_scenes and shots == wanted, "… sent as scenes with their seconds", shots)
    day.was_asked(task, "… and its options", style="cinematic", seed=5, ratio="9:16")
    await _compiled(day)
    sent = await _ask(day, ["9s A long road", "9s A longer road"], model="seedance-tv/seedance-2.0")
    await day.refused(sent, "The shots last 18 seconds together", "shots that are too long together are refused")


async def _compiled(day: Day) -> None:
    for provider, model, files in (
        (day.ai, "seedance2ai/seedance2-mini", None),
        (day.movie, "seedance2-movie/seedance-2.0-fast", {"start_image": ("harbour.png", png())}),
    ):
        ship = f"A ship leaves for {model.partition('/')[2]}"
        await _ask(day, [*SHOTS[:2], f"3s {ship}"], files, model=model)
        await day.clip(ship, PLACE, f"{model}: the storyboard's clip arrives")
        task = day.asked_of(provider, ship)[0]
        text = task.order.prompt
        places = [text.find(words) for words in ("Shot 1 (4 s)", "Shot 2 (3 s)", "Shot 3 (3 s)")]
        day.check(-1 < places[0] < places[1] < places[2], "… as one prompt of ordered shots", text)
        day.was_asked(task, "… as long as the shots together", duration=10)


async def _ask(
    day: Day, shots: list[str], files: dict[str, tuple[str, bytes]] | None = None, **options: Any
) -> Outcome:
    opened = await day.use("ann", PLACE, "storyboard", options, files)
    return await day.form(opened, shots)
