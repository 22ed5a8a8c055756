"""What people write into a storyboard's fields, and how a storyboard is written out to be edited."""

import pytest

from bot.domain.errors import Refused
from bot.domain.requests import Shot
from bot.domain.shots import list_shots, parse_shots, read_shots


@pytest.mark.parametrize(
    ("text", "shot"),
    [
        ("6s a fox wakes", Shot("a fox wakes", 6)),
        ("6 s: a fox wakes", Shot("a fox wakes", 6)),
        ("6sec a fox wakes", Shot("a fox wakes", 6)),
        (" 12 seconds – a fox wakes ", Shot("a fox wakes", 12)),
        ("6秒 キツネ", Shot("キツネ", 6)),
        ("a fox wakes at 6s", Shot("a fox wakes at 6s")),
        ("6 small foxes", Shot("6 small foxes")),
        ("3 secret doors", Shot("3 secret doors")),
    ],
)
def test_leading_seconds_are_a_shots_length(text: str, shot: Shot) -> None:
    """In the ways in which people write them; other numbers stay words."""
    assert parse_shots(["", text, "  "]) == (shot,)


@pytest.mark.parametrize("seconds", ["6.5", "-3", "2,5", "60000"])
def test_seconds_that_are_no_whole_number_are_refused_with_their_shot(seconds: str) -> None:
    """So that they do not end up in the picture."""
    with pytest.raises(Refused) as refused:
        parse_shots(["a fox wakes", f"{seconds}s it runs"])

    assert (refused.value.code, refused.value.params) == ("shot_seconds_part", {"number": 2, "seconds": seconds})


@pytest.mark.parametrize(
    "shots",
    [(Shot("a fox", 6), Shot("it runs\n\nand jumps: high", 4)), (Shot("a fox", 5),), (Shot("Shot by arrow", 3),) * 5],
)
def test_listed_shots_are_read_back_as_they_were(shots: tuple[Shot, ...]) -> None:
    """Whoever edits a storyboard loses nothing that they did not touch."""
    assert read_shots(list_shots(shots)) == shots


def test_edited_list_may_lack_seconds_and_marks() -> None:
    """A shot without seconds gets its share; words before the first mark are a shot of their own."""
    assert read_shots("It begins.\nShot 2: a fox\nShot 3 (4 s): it runs") == (
        Shot("It begins."),
        Shot("a fox"),
        Shot("it runs", 4),
    )
    assert read_shots("  only words ") == (Shot("only words"),)
