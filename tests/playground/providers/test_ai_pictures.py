"""gpt-image-2 and nano-banana-pro of the seedance2ai emulator: their parameters, rules, and real pictures."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from tests.playground.providers.ai_api import GPT, NANO, AiApi, ai_api, media_host

URL = "https://example.com/a.png"
EDIT = {"type": "image-to-image"}
GPT_RATIOS = [
    *("auto", "1:1", "5:4", "9:16", "21:9", "16:9", "4:3", "3:2", "4:5", "3:4", "2:3", "2:1", "1:2", "3:1", "1:3"),
    "9:21",
]
NANO_RATIOS = ["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"]


@pytest.fixture
async def api() -> AsyncIterator[AiApi]:
    async with ai_api(credits=100_000) as api:
        yield api


async def drawn(api: AiApi, url: str) -> Image.Image:
    """The picture behind an address, decoded."""
    status, data, headers = await api.get(url)
    assert status == 200
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert headers["Content-Type"] == f"image/{str(picture.format).lower()}"
    return picture


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        *((GPT, {"aspectRatio": ratio}) for ratio in GPT_RATIOS),
        *((GPT, {"batchCount": count}) for count in (1, 2, 3, 4)),
        *((GPT, {"resolution": size, "aspectRatio": "16:9"}) for size in ("1K", "2K", "4K")),
        (GPT, {"resolution": "4K", "channel": "economy"}),
        (GPT, {"resolution": "2K", "channel": "standard"}),
        (GPT, {"prompt": "語" * 20_000}),
        (GPT, {**EDIT, "imageUrls": [URL] * 10}),
        *((NANO, {"image_size": ratio, "resolution": size}) for ratio in NANO_RATIOS for size in ("1K", "2K", "4K")),
        *((NANO, {"output_format": form}) for form in ("png", "jpeg")),
        (NANO, {"prompt": "語" * 10_000}),
        (NANO, {**EDIT, "image_urls": [URL] * 8}),
    ],
)
async def test_everything_listed_is_taken(api: AiApi, path: str, fields: dict[str, Any]) -> None:
    """Every allowed value is answered with 202."""
    api.ai.knobs.references_unreachable = True

    assert (await api.submit(path, **fields))[0] == 202


@pytest.mark.parametrize(
    ("path", "fields", "word"),
    [
        *((GPT, {name: ...}, name) for name in ("type", "prompt", "resolution", "aspectRatio")),
        *((NANO, {name: ...}, name) for name in ("type", "prompt")),
        *((path, {"type": wrong}, "type") for path in (GPT, NANO) for wrong in ("text-to-video", "", None)),
        *((path, {"prompt": wrong}, "prompt") for path in (GPT, NANO) for wrong in ("ab", 5, "see @图片1")),
        (GPT, {"prompt": "a" * 20_001}, "prompt"),
        (NANO, {"prompt": "a" * 10_001}, "prompt"),
        *((path, {"resolution": wrong}, "resolution") for path in (GPT, NANO) for wrong in ("1k", "720p", "8K", 1)),
        *((GPT, {"aspectRatio": wrong}, "aspectRatio") for wrong in ("adaptive", "1:4", None)),
        *((NANO, {"image_size": wrong}, "image_size") for wrong in ("2:1", "9:21", "adaptive", None)),
        *((GPT, {"channel": wrong}, "channel") for wrong in ("real", "Economy", None)),
        *((GPT, {"batchCount": wrong}, "batchCount") for wrong in (0, 5, "2", 1.0, True, None)),
        *((NANO, {"output_format": wrong}, "output_format") for wrong in ("jpg", "webp", "PNG", None)),
        *((GPT, {field: "1:1"}, field) for field in ("aspect_ratio", "image_size", "output_format", "image_urls")),
        *((NANO, {field: "1:1"}, field) for field in ("aspectRatio", "channel", "batchCount", "imageUrls", "seed")),
        (GPT, {"imageUrls": [URL]}, "imageUrls"),
        (NANO, {"image_urls": [URL]}, "image_urls"),
        (GPT, EDIT, "imageUrls"),
        (NANO, EDIT, "image_urls"),
        (GPT, {**EDIT, "imageUrls": []}, "imageUrls"),
        (GPT, {**EDIT, "imageUrls": [URL] * 11}, "imageUrls"),
        (NANO, {**EDIT, "image_urls": [URL] * 9}, "image_urls"),
        (NANO, {**EDIT, "image_urls": ["http://example.com/a.png"]}, "image_urls"),
        (GPT, {"resolution": "2K", "aspectRatio": "auto"}, "auto"),
        (GPT, {"resolution": "4K", "aspectRatio": "auto", "channel": "economy"}, "auto"),
        (GPT, {"resolution": "4K", "aspectRatio": "1:1"}, "1:1"),
        (GPT, {"resolution": "4K", "aspectRatio": "1:1", "channel": "standard"}, "1:1"),
    ],
)
async def test_what_is_not_listed_is_refused(api: AiApi, path: str, fields: dict[str, Any], word: str) -> None:
    """400 invalid_request that names what is wrong, and no task."""
    status, code, message = await api.refusal(path, **fields)

    assert (status, code) == (400, "invalid_request")
    assert word in message
    assert not api.ai.tasks


async def test_defaults_of_both_models(api: AiApi) -> None:
    """gpt-image-2: standard channel, one picture; nano-banana-pro: auto, PNG, 1K."""
    gpt, nano = (await api.submitted(GPT)).order, (await api.submitted(NANO)).order

    assert (gpt.channel, getattr(gpt, "count", 0)) == ("standard", 1)
    assert (nano.channel, nano.ratio, nano.resolution) == (None, "auto", "1K")
    assert getattr(nano, "output_format", "") == "png"


async def test_answers_repeat_the_fields_that_the_model_has(api: AiApi) -> None:
    """A channel for gpt-image-2, neither tier nor channel for nano-banana-pro."""
    gpt, nano = (await api.submit(GPT))[1], (await api.submit(NANO))[1]

    assert gpt.keys() == {"id", "status", "model", "channel", "credits_used"}
    assert nano.keys() == {"id", "status", "model", "credits_used"}
    assert (gpt["model"], nano["model"]) == ("gpt-image-2", "nano-banana-pro")


@pytest.mark.parametrize(
    ("path", "fields", "size", "form"),
    [
        (GPT, {"aspectRatio": "1:1"}, (1024, 1024), "PNG"),
        (GPT, {"aspectRatio": "21:9"}, (1024, 439), "PNG"),
        (GPT, {"aspectRatio": "1:3"}, (341, 1024), "PNG"),
        (GPT, {"aspectRatio": "16:9", "resolution": "2K"}, (2048, 1152), "PNG"),
        (NANO, {}, (1024, 1024), "PNG"),
        (NANO, {"image_size": "4:5", "output_format": "jpeg"}, (819, 1024), "JPEG"),
        (NANO, {"image_size": "16:9", "resolution": "4K", "output_format": "jpeg"}, (4096, 2304), "JPEG"),
    ],
)
async def test_pictures_have_the_asked_size_and_format(
    api: AiApi, path: str, fields: dict[str, Any], size: tuple[int, int], form: str
) -> None:
    """The resolution is the longer side, the ratio gives the other; the file is what it says."""
    told = await api.status(await api.ended(path, **fields))

    picture = await drawn(api, told["output"]["image_urls"][0])
    assert (picture.size, picture.format) == (size, form)
    colours = picture.convert("RGB").resize((64, 64)).getcolors(64 * 64)
    assert colours is not None and len(colours) > 2  # something is written on it


async def test_a_batch_has_as_many_different_pictures(api: AiApi) -> None:
    """Four addresses, four pictures, four times the price."""
    one, four = await api.ended(GPT), await api.ended(GPT, batchCount=4)

    urls = (await api.status(four))["output"]["image_urls"]
    assert len({(await api.get(url))[1] for url in urls}) == 4
    assert four.credits_used == 4 * one.credits_used


async def test_a_missing_picture_is_refunded(api: AiApi) -> None:
    """Completed with fewer, and the share of the missing one came back."""
    api.ai.next_outcome(missing_pictures=1)
    told = await api.status(await api.ended(GPT, batchCount=4))

    assert (told["status"], len(told["output"]["image_urls"])) == ("completed", 3)
    assert (told["credits_used"], told["credits_refunded"]) == (16, 4)
    assert api.ai.account.used == 12


async def test_the_output_may_come_in_other_shapes(api: AiApi) -> None:
    """The documents show none for pictures: one address, a list, or a list of objects, as the knob says."""
    task = await api.ended(GPT, batchCount=2)
    urls = (await api.status(task))["output"]["image_urls"]
    shapes = {}
    for api.ai.knobs.picture_output in ("image_url", "images"):
        told = await api.status(await api.ended(GPT, batchCount=2))
        shapes |= told["output"]

    assert len(urls) == 2
    assert shapes["image_url"].startswith(api.ai.origin)
    assert [image.keys() for image in shapes["images"]] == [{"url"}, {"url"}]


async def test_webp_when_the_knob_says_so(api: AiApi) -> None:
    """A model that lets nobody choose may answer with WEBP."""
    api.ai.knobs.picture_format = "webp"
    told = await api.status(await api.ended(GPT))

    assert (await drawn(api, told["output"]["image_urls"][0])).format == "WEBP"


async def test_the_standard_channel_may_answer_with_the_pictures(api: AiApi) -> None:
    """Completed in the answer to the submission, and again in its replay; economy is polled."""
    api.ai.knobs.pictures_at_once = True

    status, body = await api.submit(GPT, key="one")

    assert (status, body["status"]) == (200, "completed")
    assert (await drawn(api, body["output"]["image_urls"][0])).size == (1024, 1024)
    assert await api.submit(GPT, key="one") == (status, body)
    assert (await api.submit(GPT, channel="economy"))[0] == 202


async def test_auto_follows_the_first_reference(api: AiApi) -> None:
    """A picture made from a picture has its ratio, when that is auto."""
    async with media_host() as host:
        url = host.picture(size=(200, 100))
        told = await api.status(await api.ended(GPT, **EDIT, imageUrls=[url], aspectRatio="auto"))

    assert (await drawn(api, told["output"]["image_urls"][0])).size == (1024, 512)


async def test_noise_makes_pictures_heavy(api: AiApi) -> None:
    """A picture of more than two million bytes, for limits of size."""
    api.ai.next_outcome(noise=True)
    task = await api.ended(NANO)

    assert len(task.pictures[0].data) > 2_000_000
