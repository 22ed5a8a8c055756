"""The seedance2ai emulator takes of a video body what the documents list, and nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.playground.providers.ai_api import SEEDANCE, SEEDANCE2, AiApi, ai_api

URL = "https://example.com/a.png"
START = {"mode": "image-to-video", "image_url": URL}
MEDIA = {"mode": "media-to-video", "media_urls": [URL]}


@pytest.fixture
async def api() -> AsyncIterator[AiApi]:
    async with ai_api(credits=100_000, references_unreachable=True) as api:
        yield api


async def test_the_documents_request_is_answered_as_in_the_documents(api: AiApi) -> None:
    """202 with exactly the six fields of the example, thirty credits among them."""
    status, body = await api.submit(
        mode="text-to-video",
        quality_tier="standard",
        prompt="A cinematic shot of a glass train crossing a snowy mountain bridge",
        aspect_ratio="16:9",
        duration="5",
        resolution="720p",
    )

    assert status == 202
    assert body.pop("id").startswith("sd2_")
    assert body == {
        "status": "processing",
        "model": "seedance2",
        "quality_tier": "standard",
        "channel": "standard",
        "credits_used": 30,
    }


async def test_defaults_are_those_of_the_table(api: AiApi) -> None:
    """A prompt alone means text, standard tier and channel, 16:9, five seconds, 720p, with sound, a free lens."""
    order = (await api.submitted()).order

    assert (order.mode, order.quality_tier, order.channel) == ("text-to-video", "standard", "standard")
    assert (order.ratio, order.duration, order.resolution) == ("16:9", 5, "720p")
    assert (order.generate_audio, order.fixed_lens, order.seed) == (True, False, None)


@pytest.mark.parametrize(
    "fields",
    [
        *({"aspect_ratio": ratio} for ratio in ("1:1", "21:9", "4:3", "3:4", "16:9", "9:16", "adaptive")),
        *({"duration": str(seconds)} for seconds in range(4, 16)),
        *({"quality_tier": tier, "resolution": size} for tier in ("mini", "standard") for size in ("720p", "1080p")),
        *({"quality_tier": "pro", "resolution": size} for size in ("720p", "1080p", "1080p-plus", "4k")),
        *({"channel": channel} for channel in ("standard", "real", "wild")),
        *({"seed": seed} for seed in (-1, 0, 4294967295)),
        {"seed": 5, "channel": "wild", "quality_tier": "pro"},
        {"generate_audio": False, "fixed_lens": True},
        {"prompt": "cat"},
        {"prompt": "語" * 10_000},
        {"prompt": "mail to cat@image1.org"},
        START,
        {**START, "end_image_url": URL},
    ],
)
async def test_everything_that_seedance2_lists_is_taken(api: AiApi, fields: dict[str, Any]) -> None:
    """Every allowed value is answered with 202."""
    api.ai.knobs.render_s = 60

    assert (await api.submit(**fields))[0] == 202


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"prompt": ...}, "prompt"),
        ({"prompt": "ab"}, "prompt"),
        ({"prompt": "  ab  "}, "prompt"),
        ({"prompt": "a" * 10_001}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": None}, "prompt"),
        *(({"duration": wrong}, "duration") for wrong in (5, 5.0, "3", "16", "05", "5.0", " 5", "5s", "", None)),
        *(({"aspect_ratio": wrong}, "aspect_ratio") for wrong in ("2:1", "auto", "16x9", 1, None)),
        *(({"resolution": wrong}, "resolution") for wrong in ("480p", "1080P", "4K", "2k", 720)),
        *(({"quality_tier": wrong}, "quality_tier") for wrong in ("max", "Pro", "", None)),
        *(({"channel": wrong}, "channel") for wrong in ("economy", "Real", None)),
        *(({"mode": wrong}, "mode") for wrong in ("text-to-image", "", None)),
        *(({"generate_audio": wrong}, "generate_audio") for wrong in (1, "true", None)),
        *(({"fixed_lens": wrong}, "fixed_lens") for wrong in (0, "false", None)),
        *(({"seed": wrong}, "seed") for wrong in (-2, 4294967296, 5.0, "5", True, None)),
    ],
)
async def test_a_wrong_value_is_refused_by_name(api: AiApi, fields: dict[str, Any], word: str) -> None:
    """400 invalid_request that names the field; no task, no credits."""
    status, code, message = await api.refusal(**fields)

    assert (status, code) == (400, "invalid_request")
    assert word in message
    assert not api.ai.tasks
    assert api.ai.account.used == 0


@pytest.mark.parametrize("tier", ["mini", "standard"])
@pytest.mark.parametrize("resolution", ["1080p-plus", "4k"])
async def test_the_highest_resolutions_are_for_pro(api: AiApi, tier: str, resolution: str) -> None:
    """1080p-plus and 4k are available on pro only."""
    status, code, message = await api.refusal(quality_tier=tier, resolution=resolution)

    assert (status, code) == (400, "invalid_request")
    assert "pro only" in message


@pytest.mark.parametrize(
    "fields", [{"channel": "real"}, {"quality_tier": "mini"}, {"quality_tier": "pro", "channel": "real"}]
)
@pytest.mark.parametrize("seed", [-1, 7])
async def test_no_seed_on_the_real_channel_or_mini_tier(api: AiApi, fields: dict[str, str], seed: int) -> None:
    """A seed is refused there, whatever it is; without one the same body is taken."""
    assert (await api.refusal(**fields, seed=seed))[:2] == (400, "invalid_request")
    assert (await api.submit(**fields))[0] == 202


@pytest.mark.parametrize(
    "fields",
    [
        {"image_url": URL},
        {"end_image_url": URL},
        {"media_urls": [URL]},
        {"media_urls": []},
        {"mode": "image-to-video"},
        {"mode": "image-to-video", "end_image_url": URL},
        {**START, "media_urls": [URL]},
        {**START, "image_url": None},
        {"mode": "media-to-video"},
        {**MEDIA, "media_urls": []},
        {**MEDIA, "media_urls": [URL] * 13},
        {**MEDIA, "media_urls": URL},
        {**MEDIA, "media_urls": [5]},
        {**MEDIA, "image_url": URL},
        {**MEDIA, "end_image_url": URL},
    ],
)
async def test_each_mode_takes_its_own_references(api: AiApi, fields: dict[str, Any]) -> None:
    """A reference that the mode needs is required, one that it does not name is refused."""
    assert (await api.refusal(**fields))[:2] == (400, "invalid_request")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "https://10.0.0.1/a.png",
        "https://[fd00::1]/a.png",
        "https://user:word@example.com/a.png",
        "https://intranet/a.png",
        "https://example.com:port/a.png",
        "https://example.com/a b.png",
        "https://example.com/" + "a" * 2048,
        "a.png",
        "",
    ],
)
async def test_a_reference_is_a_public_https_address(api: AiApi, url: str) -> None:
    """Anything else is refused before it is fetched."""
    status, code, message = await api.refusal(mode="image-to-video", image_url=url)

    assert (status, code) == (400, "invalid_request")
    assert "public https URL" in message


async def test_loopback_is_public_only_while_the_knob_says_so(api: AiApi) -> None:
    """With the knob off, an address of this machine is refused like any private one."""
    fields = {"mode": "image-to-video", "image_url": "http://127.0.0.1:1/a.png"}
    assert (await api.submit(**fields))[0] == 202

    api.ai.knobs.allows_loopback = False

    assert (await api.refusal(**fields))[:2] == (400, "invalid_request")


@pytest.mark.parametrize(
    "prompt",
    [
        "the cat of @图片1 jumps",
        "@视频2 again",
        "as in @Image 1",
        "asset://cat",
        "look like asset-20260224200602-qn7wr",
    ],
)
async def test_what_the_prompt_guide_forbids_is_refused(api: AiApi, prompt: str) -> None:
    """Asset ids, asset addresses and labels of the app do not belong into a prompt."""
    status, code, message = await api.refusal(prompt=prompt)

    assert (status, code) == (400, "invalid_request")
    assert "prompt" in message


@pytest.mark.parametrize("field", ["watermark", "callback_url", "ratio", "style", "camera", "type"])
@pytest.mark.parametrize("path", [SEEDANCE2, SEEDANCE])
async def test_an_unsupported_field_is_refused(api: AiApi, path: str, field: str) -> None:
    """Bad input or unsupported field: both are invalid_request."""
    status, code, message = await api.refusal(path, **{field: "16:9"})

    assert (status, code) == (400, "invalid_request")
    assert field in message


@pytest.mark.parametrize(
    "fields",
    [
        {"quality_tier": "mini"},
        {"aspect_ratio": "adaptive"},
        {"quality_tier": "pro", "resolution": "1080p-plus"},
        {"quality_tier": "pro", "resolution": "4k"},
        {"channel": "real", "seed": 1},
        {"duration": 5},
    ],
)
async def test_the_older_endpoint_has_less(api: AiApi, fields: dict[str, Any]) -> None:
    """No mini, no adaptive, no more than 1080p; no seed on the real channel."""
    assert (await api.refusal(SEEDANCE, **fields))[:2] == (400, "invalid_request")


async def test_the_older_endpoint_works_like_the_new_one(api: AiApi) -> None:
    """The documents' request costs the same thirty credits; the output is the video's address alone."""
    task = await api.ended(SEEDANCE, quality_tier="standard", duration="5", resolution="720p", seed=9, channel="wild")
    plain = await api.ended(SEEDANCE)

    told = await api.status(plain)
    assert (told["status"], told["model"], told["credits_used"]) == ("completed", "seedance", 30)
    assert told["output"].keys() == {"video_url"}
    assert task.credits_used == 45
