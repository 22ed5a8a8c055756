"""What models can do: prices as documented, refusals that say what would work."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.catalog import MEBIBYTE, MODELS, PRICES, Catalog, Model, Price
from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.requests import Attachment, GenerationRequest, ReferenceRole

P1 = "seedance2-movie"
STANDARD, FAST = f"{P1}/seedance-2.0", f"{P1}/seedance-2.0-fast"
PLAIN = Model(
    provider=P1,
    name="plain",
    resolutions=("480p",),
    aspect_ratios=("16:9",),
    min_duration_s=4,
    max_duration_s=8,
    default_resolution="480p",
    has_audio=False,
    has_watermark=False,
    has_sample=False,
    has_seed=False,
    has_start_image=False,
    max_references=1,
)


def _catalog(*extra: Model) -> Catalog:
    prices = (*PRICES, *(Price(m.key, m.resolutions[0], Decimal("0.1")) for m in extra))
    return Catalog.build(providers=[P1], rates={P1: Decimal(1)}, models=(*MODELS, *extra), prices=prices)


def _image(option: str = "start_image", size: int = 1000) -> Attachment:
    role = ReferenceRole.START_IMAGE if option == "start_image" else ReferenceRole.REFERENCE
    return Attachment(option, role, "a.png", size, "https://cdn/a.png")


def _refusal(offered: Catalog, **options: object) -> Refused:
    with pytest.raises(Refused) as caught:
        offered.decide(GenerationRequest(**({"prompt": "a boat"} | options)))
    return caught.value


@pytest.mark.parametrize(
    ("model", "resolution", "eight_seconds"),
    [
        (STANDARD, "1080p", "36"),
        (STANDARD, "720p", "14.4"),
        (STANDARD, "480p", "7.2"),
        (FAST, "1080p", "26.5"),
        (FAST, "720p", "11.52"),
        (FAST, "480p", "5.76"),
    ],
)
def test_prices_are_those_of_the_document(model: str, resolution: str, eight_seconds: str) -> None:
    """The documented examples for eight seconds; 26.496 becomes 26.50."""
    offered = _catalog()

    spec = offered.decide(GenerationRequest("a boat", model=model, resolution=resolution, duration_s=8))

    assert offered.quote(spec) == Credits.parse(eight_seconds)


def test_a_plain_prompt_costs_nine_credits() -> None:
    """The defaults: standard model, 720p, 16:9, five seconds, no audio."""
    offered = _catalog()

    spec = offered.decide(GenerationRequest("  a boat "))

    assert (spec.model, spec.resolution, spec.aspect_ratio, spec.duration_s) == (STANDARD, "720p", "16:9", 5)
    assert (spec.prompt, spec.audio, spec.watermark, spec.is_seed_chosen) == ("a boat", False, False, False)
    assert offered.quote(spec) == Credits.parse("9")


@pytest.mark.parametrize("prompt", ["ab", "  ab   ", "", "x" * 6001])
def test_prompt_length(prompt: str) -> None:
    """2 and 6001 characters are refused with both bounds; blanks around do not count."""
    refusal = _refusal(_catalog(), prompt=prompt)

    assert (refusal.code, refusal.params["least"], refusal.params["most"]) == ("prompt_length", 3, 6000)


@pytest.mark.parametrize("prompt", ["abc", "x" * 6000])
def test_prompts_at_the_bounds_are_taken(prompt: str) -> None:
    """3 and 6000 characters."""
    assert _catalog().decide(GenerationRequest(prompt)).prompt == prompt


@pytest.mark.parametrize("seconds", [3, 16, 0, -5])
def test_duration(seconds: int) -> None:
    """3 and 16 seconds are refused with the model's own bounds."""
    refusal = _refusal(_catalog(), duration_s=seconds)

    assert refusal.code == "duration_range"
    assert (refusal.params["least"], refusal.params["most"], refusal.params["model"]) == (4, 15, STANDARD)


def test_unknown_model() -> None:
    """The models on offer are named."""
    refusal = _refusal(_catalog(), model="seedance2-movie/nope")

    assert refusal.code == "unknown_model"
    assert STANDARD in refusal.params["models"]
    assert FAST in refusal.params["models"]


def test_resolution_and_ratio() -> None:
    """What the model offers is named, and which other model has it."""
    offered = _catalog(PLAIN)

    resolution = _refusal(offered, model=PLAIN.key, resolution="1080p")
    ratio = _refusal(offered, aspect_ratio="2:1")

    assert (resolution.code, resolution.params["offered"]) == ("resolution", "480p")
    assert STANDARD in resolution.params["others"]
    assert (ratio.code, ratio.params["offered"]) == ("aspect_ratio", "16:9, 9:16, 1:1, 4:3, 3:4, 21:9")


@pytest.mark.parametrize("seed", [-2, 2**31, 2**63])
def test_seeds_out_of_bounds(seed: int) -> None:
    """The bounds are named."""
    refusal = _refusal(_catalog(), seed=seed)

    assert (refusal.code, refusal.params["most"]) == ("seed_range", 2**31 - 1)


def test_seeds() -> None:
    """A seed in bounds is the member's; -1 means any, as not naming one does."""
    offered = _catalog()

    chosen = [offered.decide(GenerationRequest("a boat", seed=seed)) for seed in (0, 2**31 - 1)]
    random = [offered.decide(GenerationRequest("a boat", seed=seed)) for seed in (None, -1, -1)]

    assert [(s.seed, s.is_seed_chosen) for s in chosen] == [(0, True), (2**31 - 1, True)]
    assert not any(s.is_seed_chosen for s in random)
    assert len({s.seed for s in random}) == 3
    assert all(0 <= s.seed < 2**31 for s in random)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("audio", {"audio": True}),
        ("watermark", {"watermark": True}),
        ("sample", {"sample": "s1"}),
        ("seed", {"seed": 4}),
        ("start_image", {"attachments": (_image(),)}),
    ],
)
def test_what_a_model_cannot_do(option: str, values: dict) -> None:
    """Refused by the option's name, with the models that can."""
    refusal = _refusal(_catalog(PLAIN), model=PLAIN.key, **values)

    assert (refusal.code, refusal.params["option"], refusal.params["model"]) == ("not_supported", option, PLAIN.key)
    assert STANDARD in refusal.params["others"]
    assert PLAIN.key not in refusal.params["others"]


def test_what_a_model_cannot_do_may_be_declined() -> None:
    """`audio: False` is no wish for audio."""
    spec = _catalog(PLAIN).decide(GenerationRequest("a boat", model=PLAIN.key, audio=False, watermark=False))

    assert spec.model == PLAIN.key


def test_attachments_are_counted_and_weighed() -> None:
    """Too many, empty, or larger than the largest kind takes."""
    offered = _catalog(PLAIN)
    two = (_image("reference_1"), _image("reference_2"))

    assert _refusal(offered, model=PLAIN.key, attachments=two).code == "too_many_references"
    assert _refusal(offered, attachments=(_image(size=0),)).code == "file_empty"
    heavy = _refusal(offered, attachments=(_image("reference_1", size=50 * MEBIBYTE + 1),))
    assert (heavy.code, heavy.params["option"], heavy.params["most_mib"]) == ("file_too_large", "reference_1", 50)


def test_no_price_means_not_offered() -> None:
    """A model without any row is not offered; a resolution without one is refused or not the default."""
    rows = [p for p in PRICES if p.model == FAST and p.resolution == "480p"]
    offered = Catalog.build(providers=[P1], rates={P1: Decimal(1)}, prices=rows)

    assert list(offered.models) == [FAST]
    assert offered.decide(GenerationRequest("a boat")).resolution == "480p"
    assert _refusal(offered, resolution="720p").code == "no_price"


def test_a_wrong_default_model_is_refused() -> None:
    """With the names that would do."""
    with pytest.raises(ValueError, match=r"unknown model 'x'; one of: seedance2-movie/seedance-2\.0"):
        Catalog.build(providers=[P1], rates={P1: Decimal(1)}, default_model="x")


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ("100", (FAST, "480p", 10, "7.2")),
        ("7.2", (FAST, "480p", 10, "7.2")),
        ("7.1", (FAST, "480p", 4, "2.88")),
        ("2.88", (FAST, "480p", 4, "2.88")),
        ("2.87", None),
        ("0", None),
    ],
)
def test_the_cheapest_variant_that_fits(available: str, expected: tuple | None) -> None:
    """The same duration first, else the shortest; None where nothing fits."""
    offered = _catalog()
    spec = offered.decide(GenerationRequest("a boat", duration_s=10))

    found = offered.cheaper(spec, Credits.parse(available))

    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.model, found.resolution, found.duration_s, str(found.cost)) == expected


def test_the_cheapest_variant_can_do_what_was_asked() -> None:
    """A model that lacks audio is not offered for a clip with audio."""
    offered = _catalog(replace(PLAIN, has_seed=True))
    silent = offered.decide(GenerationRequest("a boat"))
    loud = offered.decide(GenerationRequest("a boat", audio=True))

    assert offered.cheaper(silent, Credits.parse("9")).model == PLAIN.key
    assert offered.cheaper(loud, Credits.parse("9")).model == FAST
