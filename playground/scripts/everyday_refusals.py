"""What a model cannot do: refused before anything is held, with the models that can."""

from typing import Any

from playground.scripts.everyday_visit import PLACE, Day, Files
from playground.scripts.pictures import png

MOVIE, TV = "seedance2-movie/seedance-2.0", "seedance-tv/seedance-2.0"
MINI, STANDARD = "seedance2ai/seedance2-mini", "seedance2ai/seedance2-standard"
GPT, NANO = "seedance2ai/gpt-image-2", "seedance2ai/nano-banana-pro"
PICTURE: Files = {"start_image": ("a.png", png())}

VIDEOS: tuple[tuple[str, dict[str, Any], Files | None, str], ...] = (
    ("an end image", {"model": MOVIE}, {"end_image": ("a.png", png())}, r"cannot do `end_image`.*seedance2ai/"),
    ("a style", {"model": MOVIE, "style": "anime"}, None, r"cannot do `style`.*seedance-tv/seedance-2\.0"),
    ("a camera move", {"model": STANDARD, "camera": "zoom in"}, None, r"cannot do `camera`.*seedance-tv/"),
    ("a start image", {"model": TV}, PICTURE, r"cannot do `start_image`.*seedance2-movie/"),
    ("sound", {"model": TV, "audio": True}, None, r"cannot do `audio`.*seedance2-movie/"),
    ("a fixed lens", {"model": TV, "fixed_lens": True}, None, r"cannot do `fixed_lens`.*seedance2ai/"),
    ("a watermark", {"model": STANDARD, "watermark": True}, None, r"cannot do `watermark`.*seedance2-movie/"),
    ("a seed", {"model": MINI, "seed": 1}, None, r"cannot do `seed`.*seedance2ai/seedance2-standard"),
    ("4k", {"model": STANDARD, "resolution": "4k"}, None, r"has no 4k.*seedance2ai/seedance2-pro"),
    ("480p", {"model": STANDARD, "resolution": "480p"}, None, r"has no 480p.*seedance2-movie/"),
    ("three seconds", {"model": TV, "duration": 3}, None, "4"),
    ("a picture model in /video", {"model": GPT}, None, r"makes pictures: use it with `/image`"),
)
PICTURES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("a clip model in /image", {"model": STANDARD}, r"makes clips: use it with `/video`"),
    ("two pictures", {"model": NANO, "count": 2}, r"cannot do `count`.*gpt-image-2"),
    ("auto at 2K", {"model": GPT, "aspect_ratio": "auto", "resolution": "2K"}, r"does not make auto \(.*\) at 2K"),
    ("a format", {"model": GPT, "format": "jpeg"}, r"cannot do `format`.*nano-banana-pro"),
)


async def refusals(day: Day) -> None:
    """One wish after another that the chosen model does not have."""
    before, tasks = await day.balance("ann"), day.provider_tasks()
    for what, options, files, pattern in VIDEOS:
        told = await day.use("ann", PLACE, "video", {"prompt": "A quiet lake", **options}, files)
        await day.refused(told, pattern, f"{options['model']}: {what} is refused")
    for what, options, pattern in PICTURES:
        told = await day.use("ann", PLACE, "image", {"prompt": "A quiet lake", **options})
        await day.refused(told, pattern, f"{options['model']}: {what} is refused")
    told = await day.video("The cat of @图片1 runs", model=STANDARD)
    await day.refused(told, "Attach the file, and say in plain words", "an in-app label in a prompt is refused")
    left = [text for text in day.texts(PLACE, "ben") if "A quiet lake" in text]
    day.check(not left, "no placeholder of them is left in the channel", left)
    day.check(await day.balance("ann") == before, "nothing was held", before)
    day.check(day.provider_tasks() == tasks, "nothing reached a provider", day.provider_tasks())
