"""Storyboards: how fields are read, how seconds are shared, and what is sent."""

import pytest

from bot.domain.errors import Refused
from bot.domain.requests import Shot
from bot.domain.shots import CONSTRAINTS, compile_shots, parse_shots, plan_shots
from tests.domain.offers import MOVIE, STANDARD, TV, decided, named, refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6s a boat", Shot("a boat", 6)),
        ("6s: a boat", Shot("a boat", 6)),
        ("  12S - a boat ", Shot("a boat", 12)),
        ("6 s, a boat", Shot("a boat", 6)),
        ("6s\na boat", Shot("a boat", 6)),
        ("6秒 船が進む", Shot("船が進む", 6)),
        ("6s船が進む", Shot("船が進む", 6)),
        ("a boat", Shot("a boat")),
        ("6 ships sail", Shot("6 ships sail")),
        ("6 soldiers march", Shot("6 soldiers march")),
        ("60s style disco", Shot("style disco", 60)),
        ("1980s disco", Shot("1980s disco")),
        ("after 6s a boat", Shot("after 6s a boat")),
        ("6s", Shot("", 6)),
    ],
)
def test_a_leading_number_of_seconds(text: str, expected: Shot) -> None:
    """Only at the start, only with its `s`."""
    assert parse_shots([text]) == (expected,)


def test_empty_fields_are_no_shots() -> None:
    """The others keep their order."""
    assert parse_shots(["a boat", "", "  \n", "3s a cat"]) == (Shot("a boat"), Shot("a cat", 3))


@pytest.mark.parametrize(
    ("seconds", "wanted", "expected"),
    [
        ([6, 4], None, [6, 4]),
        ([6, 4], 5, [6, 4]),
        ([6, 4], 15, [6, 4]),
        ([None], None, [4]),
        ([None, None], None, [3, 3]),
        ([None] * 5, None, [3] * 5),
        ([6, None], None, [6, 3]),
        ([None, 2, None], None, [3, 2, 3]),
        ([12, None, None], None, [12, 2, 1]),
        ([13, None, None], None, [13, 1, 1]),
        ([None, None, None], 5, [2, 2, 1]),
        ([None, None], 10, [5, 5]),
        ([2, None, None], 10, [2, 4, 4]),
        ([6, None], 5, [6, 1]),
        ([None] * 5, 4, [1] * 5),
        ([None], 60, [15]),
        ([1, None], 1, [1, 3]),
    ],
)
def test_seconds_are_shared(seconds: list, wanted: int | None, expected: list[int]) -> None:
    """Named ones stay; the rest is split into whole seconds within the model's bounds, one each at least."""
    shots = [Shot("a boat", one) for one in seconds]

    planned = plan_shots(shots, model=MOVIE, least_s=4, most_s=15, wanted_s=wanted)

    assert [shot.seconds for shot in planned] == expected


@pytest.mark.parametrize(
    ("shots", "code", "params"),
    [
        ([Shot("a boat", 3)], "storyboard_length", {"total": 3, "least": 4, "most": 15}),
        ([Shot("a boat", 8), Shot("a cat", 8)], "storyboard_length", {"total": 16, "most": 15}),
        ([Shot("a boat", 15), Shot("a cat")], "storyboard_length", {"total": 16}),
        ([Shot("a boat", 0), Shot("a cat", 5)], "shot_seconds", {"number": 1, "seconds": 0, "least": 1}),
        ([Shot("a cat", 5), Shot("a boat", 16)], "shot_seconds", {"number": 2, "most": 15}),
        ([Shot("a cat"), Shot("ab", 5)], "shot_prompt_length", {"number": 2, "length": 2, "least": 3}),
        ([Shot("", 5)], "shot_prompt_length", {"number": 1, "length": 0}),
        ([Shot("x" * 6001)], "shot_prompt_length", {"length": 6001, "most": 6000}),
        ([Shot("a boat", 2)] * 6, "too_many_shots", {"count": 6, "most": 5}),
    ],
)
def test_what_is_no_storyboard(shots: list[Shot], code: str, params: dict) -> None:
    """Each fault names the shot or the total, and what would work."""
    with pytest.raises(Refused) as caught:
        plan_shots(shots, model=MOVIE, least_s=4, most_s=15)

    assert caught.value.code == code
    assert params.items() <= dict(caught.value.params).items()


def test_shots_become_one_prompt_in_order() -> None:
    """Numbered, with their seconds, and with what every shot has to keep to."""
    text = compile_shots([Shot("a boat", 6), Shot("a cat", 4)], 10)

    assert text.splitlines() == [
        "One clip of 10 seconds, in this order:",
        "Shot 1 (6 s): a boat",
        "Shot 2 (4 s): a cat",
        CONSTRAINTS,
    ]


def test_a_model_without_scenes_gets_the_compiled_prompt() -> None:
    """As long as its shots, whatever stands in `prompt`."""
    spec = decided(STANDARD, prompt="", shots=(Shot("a boat", 6), Shot("a cat")))

    assert spec.prompt == compile_shots(spec.shots, 9)
    assert (spec.duration_s, [shot.seconds for shot in spec.shots]) == (9, [6, 3])


def test_a_model_with_scenes_gets_the_shots() -> None:
    """Its prompt only lists them, for the card and for blocked words."""
    spec = decided(TV, prompt="", shots=(Shot("a boat", 6), Shot("a cat")), style="anime")

    assert spec.shots == (Shot("a boat", 6), Shot("a cat", 3))
    assert spec.prompt == "Shot 1 (6 s): a boat\nShot 2 (3 s): a cat"
    assert (spec.duration_s, spec.style) == (9, "anime")


def test_deciding_again_changes_nothing() -> None:
    """A storyboard that was decided and is asked for again is the same."""
    first = decided(MOVIE, prompt="", shots=(Shot("a boat"), Shot("a cat", 7)))

    again = decided(MOVIE, prompt=first.prompt, shots=first.shots, duration_s=first.duration_s)

    assert (again.prompt, again.shots, again.duration_s) == (first.prompt, first.shots, first.duration_s)


@pytest.mark.parametrize(("length", "code"), [(1500, None), (3000, "storyboard_prompt_length")])
def test_a_storyboard_that_is_too_long_in_words(length: int, code: str | None) -> None:
    """Three shots that are too long for one prompt are refused, with the models that take them."""
    shots = (Shot("x" * length, 5),) * 3
    if code is None:
        assert len(decided(MOVIE, shots=shots).prompt) > 3 * length
        return

    refusal = refused(MOVIE, shots=shots)

    assert (refusal.code, refusal.params["model"]) == (code, MOVIE)
    assert TV in named(refusal)
    assert MOVIE not in named(refusal)
    assert decided(TV, shots=shots).duration_s == 15


def test_labels_in_a_shot_are_refused_too() -> None:
    """As in any prompt for that provider."""
    assert refused(STANDARD, shots=(Shot("@图片1 runs", 5),)).code == "asset_label"
