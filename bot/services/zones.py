"""Time zones by the names that people write."""

from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from bot.domain.errors import Refused

MOST_SUGGESTIONS = 3
SIMILARITY = 0.75


def find_zone(text: str) -> str:
    """Return the zone's own spelling of a name, whatever its case: `europe/amsterdam` is `Europe/Amsterdam`.

    Raises:
        Refused: `zone_unknown`, with names that come close, or `zone_unknown_at_all` where none does.
    """
    wanted = text.strip().replace(" ", "_").lower()
    known = _zones()
    if wanted in known:
        return known[wanted]
    near = _suggestions(wanted, known)
    if not near:
        raise Refused("zone_unknown_at_all", zone=text.strip()[:50])
    raise Refused("zone_unknown", zone=text.strip()[:50], suggestions=", ".join(near))


def _suggestions(wanted: str, known: dict[str, str]) -> list[str]:
    """A city alone is enough: cities are compared before whole names."""
    cities: dict[str, str] = {}
    for name in known.values():
        cities.setdefault(name.rpartition("/")[2].lower(), name)
    city = wanted.rpartition("/")[2]
    if city in cities:
        return [cities[city]]
    near = [cities[one] for one in get_close_matches(city, cities, MOST_SUGGESTIONS, SIMILARITY)] if city else []
    near += [known[one] for one in get_close_matches(wanted, known, MOST_SUGGESTIONS, SIMILARITY)]
    return list(dict.fromkeys(near))[:MOST_SUGGESTIONS]


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Every name of the zone database that is shipped with us, by its small letters."""
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return {name.lower(): name for name in names}
