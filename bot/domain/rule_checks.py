"""Whether values may become a server's rules: each problem is a refusal of its own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.domain.blocked import MAX_ENTRIES, compile_blocked
from bot.domain.errors import Refused
from bot.domain.money import ZERO, Credits
from bot.domain.rules import RESOLUTIONS

#: A billion credits: more than any budget, and a million of them still fit a 64-bit column of millicredits.
MOST_CREDITS = Credits(10**12)
LEAST_CAP = 1
MOST_RUNNING = 10
MOST_QUEUED = 100
LONGEST_CLIP_S = 600
#: A modal's select holds 25 values and its text field 4000 characters (components/reference).
MOST_CHOSEN = 25
MOST_BLOCKED_CHARS = 4000


def rule_problems(changes: Mapping[str, Any], *, shortest_clip_s: int = 1) -> list[tuple[str, Refused]]:
    """Return what is wrong with each value, by the name of its field in `GuildRules`; nothing where all may stand.

    `shortest_clip_s` is the shortest clip that any model makes: a limit below it would close them all.
    """
    found = [(name, error) for name, value in changes.items() for error in _CHECKS.get(name, _fine)(value)]
    longest = changes.get("longest_s")
    if longest is not None and not shortest_clip_s <= longest <= LONGEST_CLIP_S:
        found.append(("longest_s", Refused("number_range", least=shortest_clip_s, most=LONGEST_CLIP_S)))
    return found


def check_amount(amount: Credits) -> None:
    """Refuse an amount that is negative or beyond any budget.

    Raises:
        Refused: `amount_too_large`.
    """
    if not ZERO <= amount <= MOST_CREDITS:
        raise Refused("amount_too_large", most=f"{MOST_CREDITS.milli // 1000:,}")


def _fine(_value: Any) -> Iterator[Refused]:
    return iter(())


def _range(least: int, most: int) -> Callable[[int], Iterator[Refused]]:
    def check(value: int) -> Iterator[Refused]:
        if not least <= value <= most:
            yield Refused("number_range", least=least, most=most)

    return check


def _threshold(value: Credits | None) -> Iterator[Refused]:
    try:
        if value is not None:
            check_amount(value)
    except Refused as error:
        yield error


def _resolution(value: str | None) -> Iterator[Refused]:
    if value is not None and value not in RESOLUTIONS:
        yield Refused("resolution_unknown", resolution=value[:20], offered=", ".join(RESOLUTIONS))


def _few(value: frozenset[int]) -> Iterator[Refused]:
    if len(value) > MOST_CHOSEN:
        yield Refused("too_many_chosen", most=MOST_CHOSEN)


def _blocked(value: tuple[str, ...]) -> Iterator[Refused]:
    if len(value) > MAX_ENTRIES or len("\n".join(value)) > MOST_BLOCKED_CHARS:
        yield Refused("too_many_blocked", most=MAX_ENTRIES, most_chars=MOST_BLOCKED_CHARS)
        return
    for entry in value:
        try:
            compile_blocked(entry)
        except Refused as error:
            yield error


_CHECKS: dict[str, Callable[[Any], Iterator[Refused]]] = {
    "channels": _few,
    "moderator_roles": _few,
    "highest_resolution": _resolution,
    "running_cap": _range(LEAST_CAP, MOST_RUNNING),
    "queued_cap": _range(LEAST_CAP, MOST_QUEUED),
    "confirm_over": _threshold,
    "approve_over": _threshold,
    "blocked": _blocked,
}
