"""Every option against every model: taken where documented, refused elsewhere with the models that have it."""

import pytest

from bot.domain.requests import Kind, Shot
from tests.domain.offers import (
    AI_VIDEO,
    ALL,
    GPT,
    KINDS,
    MINI,
    MOVIE,
    NANO,
    OLD,
    OLD_PRO,
    P1_VIDEO,
    PICTURES,
    PRO,
    SEEDANCE2,
    STANDARD,
    TV,
    VIDEO,
    decided,
    file,
    named,
    refused,
)

EVERY = VIDEO | PICTURES
SEEDED = VIDEO - {MINI}
#: The option as refusals name it, how it is asked for, and the models that have it.
OPTIONS = [
    ("duration", {"duration_s": 6}, VIDEO),
    ("storyboard", {"shots": (Shot("a boat", 5),)}, VIDEO),
    ("audio", {"audio": True}, P1_VIDEO | AI_VIDEO),
    ("watermark", {"watermark": True}, P1_VIDEO),
    ("sample", {"sample": "s1"}, P1_VIDEO),
    ("seed", {"seed": 7}, SEEDED),
    ("style", {"style": "anime"}, {TV}),
    ("camera", {"camera": "zoom in"}, {TV}),
    ("motion", {"motion": "low"}, {TV}),
    ("fixed_lens", {"fixed_lens": True}, AI_VIDEO),
    ("rendering", {"rendering": "standard"}, AI_VIDEO | {GPT}),
    ("format", {"format": "png"}, {NANO}),
    ("count", {"count": 2}, {GPT}),
    ("start_image", {"attachments": (file("start_image"),)}, P1_VIDEO | AI_VIDEO),
    ("end_image", {"attachments": (file("end_image"),)}, AI_VIDEO),
    ("previous_clip", {"attachments": (file("previous_clip"),)}, SEEDANCE2),
    ("reference_1", {"attachments": (file("reference_1"),)}, EVERY - {TV}),
]


@pytest.mark.parametrize("model", sorted(EVERY))
@pytest.mark.parametrize(("option", "values", "able"), OPTIONS, ids=[option for option, _, _ in OPTIONS])
def test_an_option_is_taken_where_the_model_has_it(option: str, values: dict, able: set[str], model: str) -> None:
    """Elsewhere it is refused by its name, with all models of the kind that have it, and no others."""
    if model in able:
        assert decided(model, **values).model == model
        return

    refusal = refused(model, **values)

    assert (refusal.code, refusal.params["option"], refusal.params["model"]) == ("not_supported", option, model)
    assert named(refusal) == {one for one in able if KINDS[one] is KINDS[model]}


@pytest.mark.parametrize("model", sorted(EVERY))
def test_what_is_declined_is_no_wish(model: str) -> None:
    """`audio: False` and the like, one picture, and a length of 0 for pictures are fine everywhere."""
    spec = decided(model, audio=False, watermark=False, fixed_lens=False, count=1)

    assert (spec.audio, spec.watermark, spec.fixed_lens, spec.count) == (False, False, False, 1)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (MOVIE, ("720p", "16:9", 5, False, None, None)),
        (MINI, ("720p", "16:9", 5, True, "standard", None)),
        (STANDARD, ("720p", "16:9", 5, True, "standard", None)),
        (PRO, ("720p", "16:9", 5, True, "standard", None)),
        (OLD, ("720p", "16:9", 5, True, "standard", None)),
        (OLD_PRO, ("720p", "16:9", 5, True, "standard", None)),
        (TV, ("1080p", "16:9", 5, False, None, None)),
        (GPT, ("1K", "auto", 0, False, "standard", None)),
        (NANO, ("1K", "auto", 0, False, None, "png")),
    ],
)
def test_the_documented_defaults(model: str, expected: tuple) -> None:
    """What is not chosen is what the provider's own table says."""
    spec = decided(model)

    assert (spec.resolution, spec.aspect_ratio, spec.duration_s, spec.audio, spec.rendering, spec.format) == expected


RESOLUTIONS = {
    MOVIE: {"480p", "720p", "1080p"},
    MINI: {"720p", "1080p"},
    STANDARD: {"720p", "1080p"},
    PRO: {"720p", "1080p", "1080p-plus", "4k"},
    OLD: {"720p", "1080p"},
    OLD_PRO: {"720p", "1080p"},
    TV: {"1080p"},
    GPT: {"1K", "2K", "4K"},
    NANO: {"1K", "2K", "4K"},
}


@pytest.mark.parametrize("model", sorted(RESOLUTIONS))
@pytest.mark.parametrize("resolution", ["480p", "720p", "1080p", "1080p-plus", "4k", "1K", "2K", "4K", "8k"])
def test_resolutions(model: str, resolution: str) -> None:
    """`1080p-plus` and `4k` on pro only; pictures have their own; the models that have it are named."""
    if resolution in RESOLUTIONS[model]:
        assert decided(model, resolution=resolution).resolution == resolution
        return

    refusal = refused(model, resolution=resolution)

    assert (refusal.code, named(refusal, "offered")) == ("resolution", RESOLUTIONS[model])
    same_kind = {one for one in RESOLUTIONS if KINDS[one] is KINDS[model] and resolution in RESOLUTIONS[one]}
    assert named(refusal) & set(RESOLUTIONS) == same_kind


SIX = {"16:9", "9:16", "1:1", "4:3", "3:4", "21:9"}
TEN = SIX | {"3:2", "2:3", "5:4", "4:5"}
RATIOS = {
    MOVIE: SIX,
    MINI: SIX | {"adaptive"},
    STANDARD: SIX | {"adaptive"},
    PRO: SIX | {"adaptive"},
    OLD: SIX,
    OLD_PRO: SIX,
    TV: {"16:9", "9:16", "1:1"},
    GPT: TEN | {"auto", "2:1", "1:2", "3:1", "1:3", "9:21"},
    NANO: TEN | {"auto"},
}


@pytest.mark.parametrize("model", sorted(RATIOS))
@pytest.mark.parametrize("ratio", sorted(set.union(*RATIOS.values()) | {"7:5"}))
def test_aspect_ratios(model: str, ratio: str) -> None:
    """Each model takes those of its table; the others' that have it are named."""
    if ratio in RATIOS[model]:
        assert decided(model, aspect_ratio=ratio).aspect_ratio == ratio
        return

    refusal = refused(model, aspect_ratio=ratio)

    assert (refusal.code, named(refusal, "offered")) == ("aspect_ratio", RATIOS[model])
    same_kind = {one for one in RATIOS if KINDS[one] is KINDS[model] and ratio in RATIOS[one]}
    assert named(refusal) & set(RATIOS) == same_kind


@pytest.mark.parametrize("model", sorted(VIDEO))
@pytest.mark.parametrize(("seconds", "is_taken"), [(0, False), (3, False), (4, True), (15, True), (16, False)])
def test_lengths(model: str, seconds: int, is_taken: bool) -> None:
    """4 to 15 seconds everywhere."""
    if is_taken:
        assert decided(model, duration_s=seconds).duration_s == seconds
        return

    refusal = refused(model, duration_s=seconds)

    assert (refusal.code, refusal.params["least"], refusal.params["most"]) == ("duration_range", 4, 15)


@pytest.mark.parametrize(
    ("model", "most"),
    [(MOVIE, 2**31 - 1), (STANDARD, 2**32 - 1), (PRO, 2**32 - 1), (OLD, 2**32 - 1), (TV, 2**31 - 1)],
)
def test_seeds(model: str, most: int) -> None:
    """Up to each model's own bound; -1 means any."""
    assert [decided(model, seed=seed).seed for seed in (0, most)] == [0, most]
    assert not decided(model, seed=-1).is_seed_chosen
    assert (refused(model, seed=most + 1).code, refused(model, seed=-2).code) == ("seed_range", "seed_range")
    assert refused(model, seed=most + 1).params["most"] == most


@pytest.mark.parametrize(
    ("model", "rendering", "takes"),
    [
        (MINI, "standard", False),
        (MINI, "real", False),
        (MINI, "wild", False),
        *((model, "standard", True) for model in (STANDARD, PRO, OLD, OLD_PRO)),
        *((model, "real", False) for model in (STANDARD, PRO, OLD, OLD_PRO)),
        *((model, "wild", True) for model in (STANDARD, PRO, OLD, OLD_PRO)),
    ],
)
@pytest.mark.parametrize("seed", [7, -1])
def test_no_seed_on_mini_nor_on_real(model: str, rendering: str, takes: bool, seed: int) -> None:
    """Not even -1; without a seed the same is taken, and nothing will be sent."""
    assert decided(model, rendering=rendering).rendering == rendering
    assert ALL.models[model].takes_seed(rendering) is takes
    if takes:
        assert decided(model, rendering=rendering, seed=seed).rendering == rendering
        return

    refusal = refused(model, rendering=rendering, seed=seed)

    if model == MINI:
        assert (refusal.code, refusal.params["option"]) == ("not_supported", "seed")
    else:
        assert (refusal.code, named(refusal, "offered")) == ("seed_rendering", {"standard", "wild"})


@pytest.mark.parametrize(
    ("model", "option", "taken", "wrong", "others"),
    [
        (STANDARD, "rendering", ("standard", "real", "wild"), "economy", set()),
        (OLD, "rendering", ("standard", "real", "wild"), "economy", set()),
        (GPT, "rendering", ("standard", "economy"), "wild", set()),
        (NANO, "format", ("png", "jpeg"), "webp", set()),
        (TV, "camera", ("zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down"), "roll left", set()),
        (TV, "motion", ("low", "high"), "medium", set()),
    ],
)
def test_values_of_options(model: str, option: str, taken: tuple[str, ...], wrong: str, others: set[str]) -> None:
    """Those of the table are taken; another one is refused with them."""
    assert [getattr(decided(model, **{option: value}), option) for value in taken] == list(taken)

    refusal = refused(model, **{option: wrong})

    assert (refusal.code, refusal.params["option"], refusal.params["value"]) == ("option_value", option, wrong)
    assert (named(refusal, "offered"), named(refusal)) == (set(taken), others)


@pytest.mark.parametrize(("count", "is_taken"), [(0, False), (1, True), (4, True), (5, False), (-1, False)])
def test_how_many_pictures(count: int, is_taken: bool) -> None:
    """gpt-image-2 makes one to four at a time."""
    if is_taken:
        assert decided(GPT, count=count).count == count
    else:
        refusal = refused(GPT, count=count)
        assert (refusal.code, refusal.params["least"], refusal.params["most"]) == ("count_range", 1, 4)


@pytest.mark.parametrize("rendering", ["standard", "economy"])
@pytest.mark.parametrize("resolution", ["1K", "2K", "4K"])
@pytest.mark.parametrize("ratio", sorted(RATIOS[GPT]))
def test_shapes_and_sizes_of_gpt_image_2(ratio: str, resolution: str, rendering: str) -> None:
    """`auto` supports 1K only; 1:1 cannot be 4K with the standard rendering. What would work is named."""
    options = {"aspect_ratio": ratio, "resolution": resolution, "rendering": rendering}
    if ratio == "auto" and resolution != "1K":
        refusal = refused(GPT, **options)
        assert (refusal.code, named(refusal, "resolutions"), named(refusal)) == ("combination", {"1K"}, {NANO})
        assert "16:9" in named(refusal, "ratios")
    elif (ratio, resolution, rendering) == ("1:1", "4K", "standard"):
        refusal = refused(GPT, **options)
        assert (refusal.code, named(refusal, "renderings")) == ("combination_rendering", {"economy"})
        assert (named(refusal, "resolutions"), named(refusal)) == ({"1K", "2K"}, {NANO})
        assert named(refusal, "ratios") == RATIOS[GPT] - {"auto", "1:1"}
    else:
        spec = decided(GPT, **options)
        assert (spec.aspect_ratio, spec.resolution, spec.rendering) == (ratio, resolution, rendering)


@pytest.mark.parametrize(
    ("resolution", "rendering", "ratio"),
    [
        ("1K", None, "auto"),
        ("2K", None, "1:1"),
        ("4K", None, "5:4"),
        ("4K", "economy", "1:1"),
        ("2K", "economy", "1:1"),
    ],
)
def test_a_shape_that_was_not_chosen_gives_way(resolution: str, rendering: str | None, ratio: str) -> None:
    """Only what was chosen is held against a member: the shape becomes the first one that goes with the rest."""
    assert decided(GPT, resolution=resolution, rendering=rendering).aspect_ratio == ratio


@pytest.mark.parametrize("resolution", ["1K", "2K", "4K"])
def test_nano_banana_pro_combines_freely(resolution: str) -> None:
    """Its document has no rule between shape and size."""
    assert decided(NANO, aspect_ratio="auto", resolution=resolution).aspect_ratio == "auto"


@pytest.mark.parametrize(("model", "most"), [(MOVIE, 5), (STANDARD, 12), (OLD, 12), (GPT, 10), (NANO, 8)])
def test_how_many_references(model: str, most: int) -> None:
    """As many as the provider's table says."""
    files = tuple(file(f"reference_{number}") for number in range(1, most + 2))

    assert decided(model, attachments=files[:most]).model == model
    refusal = refused(model, attachments=files)
    assert (refusal.code, refusal.params["most"]) == ("too_many_references", most)


def test_start_and_end_and_references_together() -> None:
    """The older tier takes a start image, an end image and four references at once."""
    files = tuple(file(name) for name in ("start_image", "end_image", *(f"reference_{n}" for n in range(1, 5))))

    assert decided(OLD, attachments=files).model == OLD


def test_pictures_are_weighed_as_pictures() -> None:
    """A file that only a video may be as large as is refused where no video is taken."""
    large = file("reference_1", 21 * 1024 * 1024)

    assert decided(STANDARD, attachments=(large,)).model == STANDARD
    refusal = refused(NANO, attachments=(large,))
    assert (refusal.code, refusal.params["most_mib"]) == ("file_too_large", 20)


@pytest.mark.parametrize(
    "text",
    [
        "a boat like @图片1",
        "让@图片1跑起来",
        "@图片 2 and a cat",
        "@视频1",
        "@音频3",
        "use @Image1 here",
        "use @video 2",
        "＠画像1 を動かす",
        "asset://abc/def",
        "see ASSET://x",
        "a cat asset-20260224200602-qn7wr",
    ],
)
@pytest.mark.parametrize("model", sorted(AI_VIDEO | PICTURES))
def test_labels_and_ids_of_files_are_refused(model: str, text: str) -> None:
    """With the label found, by every model of the provider whose prompt guide forbids them, and by no other."""
    refusal = refused(model, prompt=text)

    assert (refusal.code, refusal.params["model"]) == ("asset_label", model)
    assert str(refusal.params["label"]) in text
    assert decided(MOVIE, prompt=text).prompt == text
    assert decided(TV, prompt=text).prompt == text


@pytest.mark.parametrize(
    "text",
    [
        "write to me@image1.com",
        "the first picture, @ noon",
        "asset management in 20260224",
        "图片1 的猫",
        "an @imaginary friend",
        "an asset-rich company",
    ],
)
def test_plain_words_are_no_labels(text: str) -> None:
    """Addresses, words and numbers that only look alike."""
    assert decided(STANDARD, prompt=text).prompt == text


@pytest.mark.parametrize("model", sorted(PICTURES))
def test_a_picture_model_makes_no_clips(model: str) -> None:
    """And says which models do."""
    refusal = refused(model, kind=Kind.VIDEO)

    assert (refusal.code, named(refusal)) == ("not_for_video", VIDEO)


@pytest.mark.parametrize("model", sorted(VIDEO))
def test_a_clip_model_makes_no_pictures(model: str) -> None:
    """And says which models do."""
    refusal = refused(model, kind=Kind.IMAGE)

    assert (refusal.code, named(refusal)) == ("not_for_image", PICTURES)
