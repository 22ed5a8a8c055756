"""What seedance2ai is sent for a request: the address, every option, and references where their mode takes them."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import InvariantBroken, ProviderRejected
from bot.domain.requests import Spec
from bot.ports import UploadedReference
from playground.providers.ai_rules import CHANNELS, GPT_RATIOS, NANO_RATIOS, SEEDANCE, SEEDANCE2
from tests.playground.providers.ai_api import media_host
from tests.providers.ai_adapter import PICTURE, PREMIUM, PROMPT, VIDEO, clip, image, order, rig, sent, unconnected

START, END = image("start_image", "https://b.example/s.png"), image("end_image", "https://b.example/e.png")


def test_a_video_is_asked_for_with_every_option_named() -> None:
    """The duration is a text; the tier is the last part of the model's name."""
    spec = replace(VIDEO, model="seedance2ai/seedance2-pro", duration_s=15, resolution="4k", fixed_lens=True)
    spec = replace(spec, rendering="wild", aspect_ratio="adaptive", audio=True)

    assert sent(unconnected(), spec) == (
        "/video/seedance2",
        {
            "mode": "text-to-video",
            "quality_tier": "pro",
            "channel": "wild",
            "prompt": PROMPT,
            "aspect_ratio": "adaptive",
            "duration": "15",
            "resolution": "4k",
            "generate_audio": True,
            "fixed_lens": True,
            "seed": 1234567,
        },
    )


def test_what_is_off_is_named_as_well() -> None:
    """The provider's own default would make a sound; the older models have their own address."""
    path, fields = sent(unconnected(), replace(VIDEO, model="seedance2ai/seedance-standard"))

    assert path == "/video/seedance"
    assert (fields["generate_audio"], fields["fixed_lens"], fields["channel"]) == (False, False, "standard")


def test_pictures_are_asked_for_with_every_option_named() -> None:
    """Each model has its own names for the same things."""
    references = [image("reference", "https://b.example/1.png"), image("reference", "https://b.example/2.png")]
    ai = unconnected()

    assert sent(ai, replace(PICTURE, rendering="economy"), *references) == (
        "/image/gpt-image-2",
        {
            "type": "image-to-image",
            "channel": "economy",
            "prompt": PROMPT,
            "resolution": "1K",
            "aspectRatio": "3:2",
            "batchCount": 2,
            "imageUrls": ["https://b.example/1.png", "https://b.example/2.png"],
        },
    )
    assert sent(ai, PREMIUM) == (
        "/image/nano-banana-pro",
        {
            "type": "text-to-image",
            "prompt": PROMPT,
            "image_size": "3:2",
            "output_format": "jpeg",
            "resolution": "2K",
        },
    )
    assert sent(ai, replace(PREMIUM, format=None), references[0])[1]["image_urls"] == ["https://b.example/1.png"]
    assert sent(ai, replace(PREMIUM, format=None))[1]["output_format"] == "png"


@pytest.mark.parametrize(
    ("model", "channel", "is_sent"),
    [
        ("seedance2-mini", "standard", False),
        ("seedance2-mini", "wild", False),
        ("seedance2-standard", "real", False),
        ("seedance2-standard", None, True),
        ("seedance2-pro", "wild", True),
        ("seedance-pro", "real", False),
        ("seedance-standard", "standard", True),
    ],
)
def test_a_seed_is_sent_where_it_is_allowed(model: str, channel: str | None, *, is_sent: bool) -> None:
    """Not on the real channel, not for mini; there not even the one that would mark the job."""
    _, fields = sent(unconnected(), replace(VIDEO, model=f"seedance2ai/{model}", rendering=channel))

    assert ("seed" in fields) is is_sent


def test_frames_alone_go_by_their_own_fields() -> None:
    """A start image, and an end image with it, need no words."""
    ai = unconnected()
    _, one = sent(ai, VIDEO, START)
    _, both = sent(ai, VIDEO, END, START)

    assert (one["mode"], one["image_url"], one["prompt"]) == ("image-to-video", START.address, PROMPT)
    assert "end_image_url" not in one
    assert (both["mode"], both["image_url"], both["end_image_url"]) == ("image-to-video", START.address, END.address)
    assert not {"media_urls"} & {*one, *both}


@pytest.mark.parametrize(
    ("uploads", "words"),
    [
        ([END], "Supplied image 1 is the last frame."),
        ([image("reference")], "Supplied image 1 is reference picture 1."),
        (
            [clip("previous_clip")],
            "Supplied video 1 is the previous clip: continue from the supplied previous clip.",
        ),
        (
            [clip("reference"), image("reference"), END, START, image("reference"), clip("reference")],
            "Supplied image 1 is the first frame. Supplied image 2 is the last frame. "
            "Supplied video 1 is motion reference 1. Supplied image 3 is reference picture 1. "
            "Supplied image 4 is reference picture 2. Supplied video 2 is motion reference 2.",
        ),
    ],
)
def test_all_other_references_go_together_and_their_roles_in_words(
    uploads: list[UploadedReference], words: str
) -> None:
    """The frames first, then the rest in the member's order; the words count as the list does."""
    _, fields = sent(unconnected(), VIDEO, *uploads)

    assert fields["mode"] == "media-to-video"
    assert fields["prompt"] == f"{PROMPT}\n\n{words}"
    assert sorted(fields["media_urls"]) == sorted(upload.address for upload in uploads)
    assert not {"image_url", "end_image_url"} & fields.keys()
    if START in uploads:
        assert fields["media_urls"][:2] == [START.address, END.address]


def test_a_video_that_is_to_be_edited_is_called_so() -> None:
    """Who writes of the source video, as the prompt guide says, is not contradicted."""
    prompt = "Strictly edit the supplied source video: make it night"
    _, fields = sent(unconnected(), replace(VIDEO, prompt=prompt), clip("reference"))

    assert fields["prompt"] == f"{prompt}\n\nSupplied video 1 is source video 1."


def test_a_prompt_that_its_roles_make_too_long_is_refused() -> None:
    """At most 10000 characters go out, 20000 for gpt-image-2; nothing is cut."""
    ai = unconnected()
    longest = replace(VIDEO, prompt="x" * 10_000)

    assert len(sent(ai, longest)[1]["prompt"]) == 10_000
    assert len(sent(ai, replace(PICTURE, prompt="x" * 20_000))[1]["prompt"]) == 20_000
    for spec, uploads in ((longest, [END]), (replace(PREMIUM, prompt="x" * 10_001), [])):
        with pytest.raises(ProviderRejected, match="prompt_too_long"):
            ai.compose(spec, uploads, callback_url=None)


def test_the_same_request_makes_the_same_bytes() -> None:
    """What is stored before the first send can be sent again under the same key."""
    ai = unconnected()

    assert order(ai, VIDEO, START) == order(ai, VIDEO, START)
    assert ai.compose(VIDEO, [], callback_url=None).body.splitlines()[0] == b"/video/seedance2"


def test_a_model_of_another_provider_is_a_defect() -> None:
    """It is not sent anywhere."""
    with pytest.raises(InvariantBroken):
        unconnected().compose(replace(VIDEO, model="seedance2-movie/seedance-2.0"), [], callback_url=None)


def _variants() -> list[Spec]:
    """Every value of every option at least once, each model with each channel."""
    specs: list[Spec] = []
    for endpoint in (SEEDANCE2, SEEDANCE):
        for tier in endpoint.tiers:
            base = replace(VIDEO, model=f"seedance2ai/{endpoint.name}-{tier}", fixed_lens=True, audio=True)
            specs += [replace(base, rendering=channel) for channel in CHANNELS]
            specs += [replace(base, aspect_ratio=ratio) for ratio in endpoint.ratios]
            specs += [replace(base, duration_s=seconds) for seconds in (4, 15)]
            for resolution in endpoint.resolutions:
                if tier == "pro" or resolution in ("720p", "1080p"):
                    specs.append(replace(base, resolution=resolution))
    specs += [replace(PICTURE, aspect_ratio=ratio) for ratio in GPT_RATIOS]
    specs += [replace(PICTURE, rendering=channel, resolution="4K", count=4) for channel in ("standard", "economy")]
    specs += [replace(PREMIUM, aspect_ratio=ratio) for ratio in NANO_RATIOS]
    return [*specs, replace(PREMIUM, format="png", resolution="4K")]


async def test_the_strict_provider_takes_everything_that_is_offered() -> None:
    """Fields that a mode or model does not list are refused there, so none is sent."""
    async with rig(credits=100_000) as world:
        for number, spec in enumerate(_variants()):
            task = await world.submitted(spec, key=f"job-{number}")
            told = {"quality_tier": "", **task.order.labels}["quality_tier"]

            assert spec.model_name == (f"{task.order.model}-{told}" if told else task.order.model)


@pytest.mark.parametrize("mode", ["image-to-video", "media-to-video", "image-to-image"])
async def test_the_provider_fetches_the_references(mode: str) -> None:
    """Links are named in the fields that each mode takes them in."""
    async with rig() as world, media_host() as host:
        start, end = image("start_image", host.picture("s.png")), image("end_image", host.picture("e.png"))
        previous, plain = clip("previous_clip", host.video()), image("reference", host.picture("r.png"))
        orders: dict[str, tuple[Spec, list[UploadedReference]]] = {
            "image-to-video": (VIDEO, [start, end]),
            "media-to-video": (VIDEO, [plain, previous, start]),
            "image-to-image": (PREMIUM, [plain]),
        }
        spec, uploads = orders[mode]
        task = await world.submitted(spec, *uploads)
        await task.ended.wait()
        fields: dict[str, Any] = {"asked": sorted(host.asked), "status": task.status}

    assert fields == {
        "asked": sorted(upload.address.rpartition("/")[2] for upload in uploads),
        "status": "completed",
    }
