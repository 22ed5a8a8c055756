"""A server's highest resolution: clips are compared with clips, pictures with pictures."""

import pytest

from bot.domain.catalog import MODELS
from bot.domain.rules import RESOLUTIONS, GuildRules, is_within

CLIPS = ["480p", "720p", "1080p", "1080p-plus", "4k"]
PICTURES = ["1K", "2K", "4K"]


@pytest.mark.parametrize(
    ("highest", "clips", "pictures"),
    [
        ("480p", 1, 1),
        ("720p", 2, 1),
        ("1080p", 3, 2),
        ("1080p-plus", 4, 2),
        ("4k", 5, 3),
        ("1K", 2, 1),
        ("2K", 4, 2),
        ("4K", 5, 3),
    ],
)
def test_what_a_limit_lets_through(highest: str, clips: int, pictures: int) -> None:
    """The first so many of each ladder, and never nothing of a kind."""
    assert [one for one in CLIPS if is_within(one, highest)] == CLIPS[:clips]
    assert [one for one in PICTURES if is_within(one, highest)] == PICTURES[:pictures]


@pytest.mark.parametrize("highest", [*CLIPS, *PICTURES])
def test_an_unknown_resolution_is_above_every_limit(highest: str) -> None:
    """So that a model's new one is never let through by mistake."""
    assert not is_within("16k", highest)
    assert is_within("16k", "16k")


def test_no_limit_lets_all_through() -> None:
    """Even what is not known."""
    assert GuildRules().allows_size(600, "16k")


def test_every_resolution_that_a_model_makes_has_its_place() -> None:
    """Else no limit could ever allow it."""
    assert {one for model in MODELS for one in model.made_resolutions} <= set(RESOLUTIONS)
