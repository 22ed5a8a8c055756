"""Storyboards: up to five shots with their seconds, sent as scenes or compiled into one prompt of ordered shots."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.errors import Refused
from bot.domain.requests import PROMPT_MAX_CHARS, PROMPT_MIN_CHARS, Shot

MAX_SHOTS = 5
MIN_SHOT_S = 1
#: Seconds of a shot that names none, where the length of the whole was not chosen.
USUAL_SHOT_S = 3
#: What every shot has to keep to (P2's prompt guide: "ordered shots plus a style and constraint package").
CONSTRAINTS = (
    "Keep one consistent style and the same subjects across all shots. Stable faces, natural motion, no deformation, "
    "no watermark, no logo, and no subtitles unless intended."
)
#: The 1980s are no length.
_LEADING_SECONDS = re.compile(
    r"\s*(?!(?:1\d|20)\d0s)([+-]?\d+(?:[.,]\d+)?)\s?(?:s(?:ec(?:ond)?s?)?(?![a-z0-9_])|秒)[\s:：.,、–—-]*",
    re.IGNORECASE,
)
_WHOLE_SECONDS = re.compile(r"\d{1,4}")
_LISTED = re.compile(r"^Shot \d+(?: \((\d{1,4}) s\))?:", re.MULTILINE)


def parse_shots(texts: Iterable[str]) -> tuple[Shot, ...]:
    """Read the fields of a storyboard; empty ones are no shots.

    Leading seconds (`6s`, `6 sec`, `6秒`) are the shot's length.

    Raises:
        Refused: `shot_seconds_part`, they are not a whole number.
    """
    written = [text for text in texts if text.strip()]
    return tuple(_parse(number, text) for number, text in enumerate(written, start=1))


def _parse(number: int, text: str) -> Shot:
    found = _LEADING_SECONDS.match(text)
    if found is None:
        return Shot(text.strip())
    if not _WHOLE_SECONDS.fullmatch(found[1]):
        raise Refused("shot_seconds_part", number=number, seconds=found[1])
    return Shot(text[found.end() :].strip(), int(found[1]))


def read_shots(text: str) -> tuple[Shot, ...]:
    """Read what `list_shots` wrote, perhaps edited since. A shot without seconds gets its share; a text without such
    lines is one shot."""
    marks = list(_LISTED.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    shots = [
        Shot(text[mark.end() : end].strip(), None if mark[1] is None else int(mark[1]))
        for mark, end in zip(marks, ends, strict=False)
    ]
    before = text[: marks[0].start()].strip() if marks else text.strip()
    return (Shot(before), *shots) if before or not shots else tuple(shots)


def plan_shots(
    shots: Sequence[Shot], *, model: str, least_s: int, most_s: int, wanted_s: int | None = None
) -> tuple[Shot, ...]:
    """Give every shot its seconds. Those that name none share what is left of `wanted_s`, in whole seconds.

    Without `wanted_s` a shot that names none gets three seconds, as far as the model's bounds (`least_s`, `most_s` for
    the whole) leave room. `model` is named in refusals.

    Raises:
        Refused: `too_many_shots`, `shot_prompt_length`, `shot_seconds`, or `storyboard_length`.
    """
    _check_each(shots, most_s)
    named_s = sum(shot.seconds or 0 for shot in shots)
    open_count = sum(shot.seconds is None for shot in shots)
    total_s = named_s
    if open_count:
        aim_s = named_s + open_count * USUAL_SHOT_S if wanted_s is None else wanted_s
        total_s = max(named_s + open_count * MIN_SHOT_S, min(max(aim_s, least_s), most_s))
    if not least_s <= total_s <= most_s:
        raise Refused("storyboard_length", total=total_s, least=least_s, most=most_s, model=model)
    shares = iter(_shares(total_s - named_s, open_count))
    return tuple(replace(shot, seconds=next(shares)) if shot.seconds is None else shot for shot in shots)


def list_shots(shots: Sequence[Shot]) -> str:
    """Write shots with their seconds in order, one per line."""
    return "\n".join(f"Shot {number} ({shot.seconds} s): {shot.prompt}" for number, shot in enumerate(shots, start=1))


def compile_shots(shots: Sequence[Shot], total_s: int) -> str:
    """Make one prompt of planned shots, for models that have no scenes."""
    return f"One clip of {total_s} seconds, in this order:\n{list_shots(shots)}\n{CONSTRAINTS}"


def _check_each(shots: Sequence[Shot], most_s: int) -> None:
    if len(shots) > MAX_SHOTS:
        raise Refused("too_many_shots", count=len(shots), most=MAX_SHOTS)
    for number, shot in enumerate(shots, start=1):
        length = len(shot.prompt)
        if not PROMPT_MIN_CHARS <= length <= PROMPT_MAX_CHARS:
            raise Refused(
                "shot_prompt_length", number=number, length=length, least=PROMPT_MIN_CHARS, most=PROMPT_MAX_CHARS
            )
        if shot.seconds is not None and not MIN_SHOT_S <= shot.seconds <= most_s:
            raise Refused("shot_seconds", number=number, seconds=shot.seconds, least=MIN_SHOT_S, most=most_s)


def _shares(seconds: int, count: int) -> list[int]:
    """Split seconds as evenly as whole ones go; the first shots get what is over."""
    if not count:
        return []
    each, over = divmod(seconds, count)
    return [each + (place < over) for place in range(count)]
