"""What everything costs: the documented rows, rows that fit more closely, and nothing below what is charged."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from bot.domain.catalog import MODELS, PRICES, Catalog, Model, Price
from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.prices import PriceTable
from bot.domain.requests import GenerationRequest, Kind, MediaKind, Reference, ReferenceRole, Spec
from playground.providers import ai_prices
from playground.providers.ai_rules import Order, PictureOrder, VideoOrder
from tests.domain.offers import (
    ALL,
    FAST,
    GPT,
    MINI,
    MOVIE,
    NANO,
    OLD,
    P1,
    P2,
    P3,
    PRO,
    RATES,
    STANDARD,
    TV,
    decided,
    file,
    price,
    request,
)


def _reference(seconds: float | None, role: ReferenceRole = ReferenceRole.REFERENCE) -> Reference:
    kind = MediaKind.IMAGE if seconds is None else MediaKind.VIDEO
    return Reference(role, kind, "image/png" if seconds is None else "video/mp4", 9, "x", "k", duration_s=seconds)


@pytest.mark.parametrize(
    ("model", "options", "cost"),
    [
        (MOVIE, {}, "9"),
        (STANDARD, {}, "9"),
        (OLD, {}, "9"),
        (STANDARD, {"audio": False}, "9"),
        (STANDARD, {"rendering": "wild"}, "13.5"),
        (STANDARD, {"resolution": "1080p", "duration_s": 15}, "54"),
        (MINI, {}, "4.5"),
        (MINI, {"rendering": "real"}, "7.5"),
        (PRO, {"resolution": "4k", "duration_s": 4}, "48"),
        (GPT, {}, "1.2"),
        (GPT, {"count": 4, "resolution": "2K"}, "7.2"),
        (GPT, {"count": 3, "rendering": "economy"}, "1.8"),
        (NANO, {"resolution": "4K"}, "4.8"),
        (TV, {}, "15"),
        (TV, {"duration_s": 8}, "24"),
    ],
)
def test_quotes(model: str, options: dict, cost: str) -> None:
    """At the shipped rates; 30 of P2's credits for its documented default clip are 9."""
    assert price(model, **options) == Credits.parse(cost)


def test_reference_videos_are_charged_by_the_second() -> None:
    """On P2 each one's length, rounded up, whatever it is for; pictures and P1's videos cost nothing more."""
    spec = decided(STANDARD)
    two = (_reference(2.1), _reference(5.0, ReferenceRole.PREVIOUS_CLIP), _reference(None))

    assert ALL.quote(replace(spec, references=two)) == Credits.parse("23.4")
    assert ALL.quote(replace(spec, references=(_reference(None),))) == Credits.parse("9")
    assert ALL.quote(replace(decided(MOVIE), references=(_reference(9.0),))) == Credits.parse("9")


@pytest.mark.parametrize("model", [model for model in MODELS if model.provider == P2], ids=lambda model: model.name)
def test_what_the_simulated_provider_charges_is_held(model) -> None:
    """No combination of resolution, rendering, length and references is quoted below what the playground takes."""
    lengths = [2.3, 7.0] if model.kind is Kind.VIDEO else []
    every = product(model.resolutions, model.renderings or (None,), (4, 5, 15) if lengths else (None,))
    for resolution, rendering, seconds in every:
        options = {"resolution": resolution, "rendering": rendering, "duration_s": seconds, "aspect_ratio": "16:9"}
        asked = replace(decided(model.key, **options), references=tuple(_reference(one) for one in lengths))

        charged = ai_prices.cost(_order(model, asked), lengths)

        assert ALL.quote(asked) >= Credits.from_provider(charged, RATES[P2])


def _order(model: Model, spec: Spec) -> Order:
    """Make the playground's order of what would be submitted."""
    if model.kind is Kind.IMAGE:
        return PictureOrder(
            model=model.name,
            prompt=spec.prompt,
            type="text-to-image",
            ratio=spec.aspect_ratio,
            resolution=spec.resolution,
            count=spec.count,
            channel=spec.rendering,
        )
    endpoint, _, tier = model.name.partition("-")
    return VideoOrder(
        model=endpoint,
        prompt=spec.prompt,
        mode="text-to-video",
        quality_tier=tier,
        channel=spec.rendering or "",
        ratio=spec.aspect_ratio,
        duration=spec.duration_s,
        resolution=spec.resolution,
        image_url=None,
        end_image_url=None,
        media_urls=(),
        generate_audio=spec.audio,
        fixed_lens=False,
        seed=None,
    )


@pytest.mark.parametrize(
    ("rendering", "audio", "expected"),
    [("standard", False, "1"), ("standard", True, "2"), ("wild", False, "3"), ("wild", True, "4"), ("real", True, "2")],
)
def test_the_closest_row_counts(rendering: str, audio: bool, expected: str) -> None:
    """A row that names more goes before one that names less, wherever they stand in the table."""
    each = {"standard": Decimal(1), "audio": Decimal(2), "wild": Decimal(3), "both": Decimal(4)}
    table = PriceTable(
        [
            Price(STANDARD, "720p", each["both"], rendering="wild", audio=True),
            Price(STANDARD, "720p", each["standard"]),
            Price(STANDARD, "720p", each["wild"], rendering="wild"),
            Price(STANDARD, "720p", each["audio"], audio=True),
        ]
    )

    row = table.row(decided(STANDARD, rendering=rendering, audio=audio))

    assert row is not None
    assert row.per_second == Decimal(expected)


def test_a_later_row_replaces_one_of_the_same_place() -> None:
    """So that an operator's rows win."""
    table = PriceTable([Price(TV, "1080p", Decimal(3)), Price(TV, "1080p", Decimal(7))])

    row = table.row(decided(TV))

    assert row is not None
    assert row.per_second == 7


def test_a_row_without_the_amount_that_is_needed_is_no_price() -> None:
    """A clip is never free because a row names pictures only, nor the other way round."""
    rows = [
        Price(STANDARD, "720p", per_picture=Decimal(1)),
        Price(NANO, "1K", Decimal(1)),
        Price(GPT, "1K", per_picture=Decimal(1)),
    ]

    offered = Catalog.build(providers=[P2], rates=RATES, prices=rows)

    assert list(offered.models) == [GPT]


def test_a_rendering_without_a_price_is_refused() -> None:
    """The rest of the model is on offer."""
    rows = [Price(STANDARD, "720p", Decimal(6), rendering="standard")]
    offered = Catalog.build(providers=[P2], rates=RATES, prices=rows)

    assert offered.quote(offered.decide(request(STANDARD))) == Credits.parse("9")
    with pytest.raises(Refused) as caught:
        offered.decide(request(STANDARD, rendering="wild"))
    assert caught.value.code == "no_price"


def test_every_model_and_resolution_has_a_price() -> None:
    """Nothing shipped lacks a row, and no row is of something unknown."""
    made = {(model.key, resolution) for model in MODELS for resolution in model.made_resolutions}

    assert {(row.model, row.resolution) for row in PRICES} == made
    assert list(ALL.models) == [model.key for model in MODELS]


def test_models_by_kind() -> None:
    """Clips and pictures have their own models and defaults."""
    assert set(ALL.models_of(Kind.IMAGE)) == {GPT, NANO}
    assert (ALL.default_of(Kind.VIDEO), ALL.default_of(Kind.IMAGE)) == (MOVIE, GPT)
    assert ALL.decide(GenerationRequest("a boat", kind=Kind.IMAGE)).model == GPT


def test_a_default_of_the_other_kind_leaves_the_first_one() -> None:
    """DEFAULT_MODEL may be a picture model; clips then come from the first model that makes them."""
    offered = Catalog.build(providers=[P3, P2], rates=RATES, default_model=NANO)

    assert (offered.default_of(Kind.VIDEO), offered.default_of(Kind.IMAGE)) == (TV, NANO)


@pytest.mark.parametrize(("providers", "expected"), [([P1, P2], MOVIE), ([P2, P1], STANDARD), ([P3], TV)])
def test_the_first_model_of_the_first_provider_is_the_default(providers: list[str], expected: str) -> None:
    """On P2 that is the tier which its document takes by default."""
    assert Catalog.build(providers=providers, rates=RATES).default_model == expected


def test_without_a_picture_model_pictures_are_refused() -> None:
    """A provider that makes clips only."""
    offered = Catalog.build(providers=[P1], rates=RATES)

    with pytest.raises(Refused) as caught:
        offered.decide(GenerationRequest("a boat", kind=Kind.IMAGE))

    assert caught.value.code == "no_model_image"


@pytest.mark.parametrize(
    ("model", "options", "available", "expected"),
    [
        (STANDARD, {}, "9", (FAST, "480p", 5, "3.6")),
        (STANDARD, {"audio": True, "fixed_lens": True}, "9", (MINI, "720p", 5, "4.5")),
        (STANDARD, {"fixed_lens": True, "seed": 3}, "8.9", (OLD, "720p", 4, "7.2")),
        (STANDARD, {"rendering": "wild"}, "8", (MINI, "720p", 5, "7.5")),
        (STANDARD, {"aspect_ratio": "adaptive"}, "5", (MINI, "720p", 5, "4.5")),
        (PRO, {"attachments": (file("end_image"),)}, "5", (MINI, "720p", 5, "4.5")),
        (TV, {"style": "anime"}, "14", (TV, "1080p", 4, "12.0")),
        (TV, {"style": "anime"}, "11", None),
        (TV, {}, "5", (FAST, "480p", 5, "3.6")),
        (NANO, {"resolution": "4K"}, "2", (GPT, "1K", 0, "1.2")),
        (NANO, {"resolution": "4K", "format": "jpeg"}, "2.4", (NANO, "1K", 0, "2.4")),
        (GPT, {"resolution": "2K", "count": 4}, "5", (GPT, "1K", 0, "4.8")),
        (GPT, {"resolution": "2K", "count": 4}, "4", None),
    ],
)
def test_the_cheapest_variant_across_models(model: str, options: dict, available: str, expected: tuple | None) -> None:
    """Among those that can do what was asked; defaults of the first model are no wish of the member."""
    spec = decided(model, **{"audio": False if ALL.models[model].has_audio else None, **options})
    references = tuple(_reference(None, one.role) for one in options.get("attachments", ()))

    found = ALL.cheaper(replace(spec, references=references), Credits.parse(available))

    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.model, found.resolution, found.duration_s, str(found.cost)) == expected


def test_the_cheapest_variant_is_one_that_the_server_allows() -> None:
    """Models, lengths and resolutions that its rules are against are not offered."""
    spec = decided(STANDARD, audio=False)

    found = ALL.cheaper(spec, Credits.parse("9"), allowed=lambda model, _seconds, _resolution: model == STANDARD)

    assert found is not None
    assert (found.model, found.duration_s, str(found.cost)) == (STANDARD, 5, "9.0")


def test_references_are_in_the_price_of_a_variant() -> None:
    """A motion reference of ten seconds costs on P2 and not on P1."""
    spec = replace(decided(STANDARD, audio=False, fixed_lens=True), references=(_reference(10.0),))

    assert ALL.cheaper(spec, Credits.parse("13.4")).cost == Credits.parse("12.6")
    assert ALL.cheaper(replace(spec, fixed_lens=False), Credits.parse("13.4")).model == FAST
