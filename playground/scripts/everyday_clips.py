"""`/video` at each provider, with every option that its models have."""

from typing import Any

from playground.scripts.everyday_visit import ADULTS, PLACE, Day
from playground.scripts.pictures import png
from playground.scripts.reading import clip_url

SEED = 4711


async def movie_clips(day: Day) -> None:
    """The first provider: references by upload, sound, seed, watermark."""
    first = await day.makes(day.movie, "A red kite over a beach", "seedance2-movie: a clip with the defaults arrives")
    day.was_asked(first, "… of its own default model", model="seedance-2.0", resolution="720p", duration=5)
    clip = day.clips("A red kite", PLACE)[-1]
    files = {
        "start_image": ("start.png", png()),
        "reference_1": ("boat.png", png(colour=(120, 0, 60))),
        "reference_2": ("kite.mp4", await day.download(clip_url(clip))),
    }
    task = await day.makes(
        day.movie,
        "A boat follows the kite",
        "… one with all its options too",
        files=files,
        model="seedance2-movie/seedance-2.0-fast",
        duration=4,
        resolution="480p",
        aspect_ratio="9:16",
        audio=True,
        seed=SEED,
        watermark=True,
        sample="sample-1",
    )
    day.was_asked(
        task,
        "… as it was asked for",
        model="seedance-2.0-fast",
        duration=4,
        resolution="480p",
        ratio="9:16",
        generate_audio=True,
        seed=SEED,
        watermark=True,
    )
    kinds = sorted(item["type"] for item in task.order.content)
    wanted = ["image_url", "image_url", "sample_id", "text", "video_url"]
    day.check(kinds == wanted, "… with two pictures, a video and a sample", kinds)


async def ai_clips(day: Day) -> None:
    """The second provider: tiers, start and end image, references by link, fixed lens."""
    files = {"start_image": ("start.png", png()), "end_image": ("end.png", png(colour=(200, 160, 0)))}
    task = await day.makes(
        day.ai,
        "A sunrise behind the hills",
        "seedance2-standard: a clip from a start image to an end image arrives",
        files=files,
        model="seedance2ai/seedance2-standard",
        duration=4,
        aspect_ratio="adaptive",
        seed=SEED,
        audio=False,
        fixed_lens=True,
    )
    day.was_asked(
        task,
        "… as it was asked for",
        mode="image-to-video",
        quality_tier="standard",
        duration=4,
        ratio="adaptive",
        seed=SEED,
        generate_audio=False,
        fixed_lens=True,
    )
    day.fetched(task, ["image", "image"])
    await _references(day)
    mini = await day.makes(
        day.ai, "A snail", "seedance2-mini: a clip arrives", model="seedance2ai/seedance2-mini", duration=4
    )
    day.was_asked(mini, "… and no seed was sent", quality_tier="mini", seed=None)
    pro: dict[str, Any] = {
        "model": "seedance2ai/seedance2-pro",
        "duration": 4,
        "resolution": "1080p-plus",
        "aspect_ratio": "1:1",
    }
    task = await day.makes(day.ai, "A crystal palace", "seedance2-pro: a clip in 1080p-plus arrives", **pro)
    day.was_asked(task, "… as it was asked for", quality_tier="pro", resolution="1080p-plus", ratio="1:1")
    older: dict[str, Any] = {"model": "seedance2ai/seedance-standard", "duration": 4, "aspect_ratio": "21:9"}
    task = await day.makes(day.ai, "An old cinema", "seedance-standard, the older endpoint: a clip arrives", **older)
    day.was_asked(task, "… from there", model="seedance", ratio="21:9")


async def _references(day: Day) -> None:
    clip = day.clips("A red kite", PLACE)[-1]
    files = {
        "start_image": ("start.png", png()),
        "reference_1": ("style.png", png(colour=(0, 60, 0))),
        "reference_2": ("motion.mp4", await day.download(clip_url(clip))),
    }
    options: dict[str, Any] = {"model": "seedance2ai/seedance2-standard", "duration": 4}
    task = await day.makes(day.ai, "A dancer in the rain", "… and one from references", files=files, **options)
    day.was_asked(task, "… all of them as media", mode="media-to-video", image_url=None)
    day.fetched(task, ["image", "image", "video"])
    words = task.order.prompt
    named = "is the first frame" in words and "reference picture 1" in words and "motion reference 1" in words
    day.check(named, "… whose roles are named in words", words)


async def renderings(day: Day) -> None:
    """Renderings that need an opt-in of the moderators and an age-restricted channel."""
    model: dict[str, Any] = {"model": "seedance2ai/seedance2-standard", "duration": 4}
    told = await day.video("A wild night", ADULTS, **model, rendering="wild")
    await day.refused(told, "moderators have not allowed the rendering", "the rendering `wild` needs an opt-in")
    chosen = {"models": ["rendering/wild", "rendering/real"]}
    await day.setting("access", chosen, "", "Mo allows the renderings wild and real")
    told = await day.video("A wild night", **model, rendering="wild")
    await day.refused(told, "age-restricted channel", "… outside an age-restricted channel it is refused still")
    task = await day.makes(
        day.ai, "A wild night", "… inside of one it makes its clip", where=ADULTS, rendering="wild", seed=SEED, **model
    )
    day.was_asked(task, "… with its seed", channel="wild", seed=SEED)
    task = await day.makes(
        day.ai, "A real street", "the rendering `real` does too", where=ADULTS, rendering="real", **model
    )
    day.was_asked(task, "… without a seed", channel="real", seed=None)


async def tv_clips(day: Day) -> None:
    """The third provider: style, camera, motion."""
    task = await day.makes(
        day.tv,
        "A fox in the snow",
        "seedance-tv: a clip with all its options arrives",
        model="seedance-tv/seedance-2.0",
        duration=4,
        aspect_ratio="1:1",
        seed=SEED,
        style="anime",
        camera="zoom in",
        motion="high",
    )
    day.was_asked(
        task,
        "… as it was asked for",
        duration=4,
        ratio="1:1",
        seed=SEED,
        style="anime",
        camera=(("zoom", "in"),),
        motion_level="high",
    )
