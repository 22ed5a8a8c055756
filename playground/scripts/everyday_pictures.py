"""`/image`: one picture and four, from words and from references, in each format."""

from playground.scripts.everyday_visit import Day
from playground.scripts.pictures import png

GPT, NANO = "seedance2ai/gpt-image-2", "seedance2ai/nano-banana-pro"
PNG, JPEG = b"\x89PNG", b"\xff\xd8\xff"


async def pictures(day: Day) -> None:
    """Ann asks for pictures of both models."""
    await day.use("ann", "video-lab", "image", {"prompt": "A teapot on a table"})
    await day.pictures("A teapot", 1, "/image: a picture arrives")
    day.was_asked(day.asked_of(day.ai, "A teapot")[0], "… of the default model", model="gpt-image-2", ratio="auto")
    four = {"model": GPT, "count": 4, "resolution": "2K", "aspect_ratio": "3:1", "rendering": "economy"}
    await day.use("ann", "video-lab", "image", {"prompt": "Four seasons", **four})
    await day.pictures("Four seasons", 4, "four pictures arrive together")
    task = day.asked_of(day.ai, "Four seasons")[0]
    day.was_asked(task, "… of one task", count=4, resolution="2K", ratio="3:1", channel="economy")
    await _from_references(day)
    await _formats(day)


async def _from_references(day: Day) -> None:
    files = {"reference_1": ("tea.png", png()), "reference_2": ("cup.png", png(colour=(90, 20, 20)))}
    await day.use("ann", "video-lab", "image", {"prompt": "The tea in the cup", "model": GPT}, files)
    await day.pictures("The tea in the cup", 1, "a picture from two references arrives")
    task = day.asked_of(day.ai, "The tea in the cup")[0]
    day.was_asked(task, "… which it was given", type="image-to-image")
    day.fetched(task, ["image", "image"])


async def _formats(day: Day) -> None:
    for name, start in (("jpeg", JPEG), ("png", PNG)):
        prompt = f"A poster as {name}"
        options = {"model": NANO, "format": name, "aspect_ratio": "4:5", "resolution": "1K"}
        files = {"reference_1": ("old.png", png())} if name == "jpeg" else None
        await day.use("ann", "video-lab", "image", {"prompt": prompt, **options}, files)
        [shown] = await day.pictures(prompt, 1, f"nano-banana-pro: a picture as {name} arrives")
        data = await day.download(shown["url"])
        day.check(data.startswith(start), f"… and is a {name}", data[:8])
        task = day.asked_of(day.ai, prompt)[0]
        day.was_asked(task, "… as it was asked for", ratio="4:5", resolution="1K", output_format=name)
