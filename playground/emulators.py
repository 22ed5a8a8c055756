"""The three simulated providers together, and the settings that point a bot at them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from playground.providers import Seedance2Ai, Seedance2Movie, SeedanceTv

PROVIDERS = ("seedance2-movie", "seedance2ai", "seedance-tv")
"""Their names, in the bot's order of preference: the first one's first model is the default."""


@dataclass(frozen=True, slots=True)
class Emulators:
    """Each on a port of its own. Made by `start`, ended by `stop`."""

    movie: Seedance2Movie
    ai: Seedance2Ai
    tv: SeedanceTv

    @classmethod
    async def start(cls, port: int = 0) -> Self:
        """Listen on `port` and the two after it; 0: on any free ones. Raises OSError when one is in use."""
        ports = (0, 0, 0) if port == 0 else (port, port + 1, port + 2)
        movie = await Seedance2Movie.start(port=ports[0])
        try:
            ai = await Seedance2Ai.start(port=ports[1])
        except OSError:
            await movie.stop()
            raise
        try:
            tv = await SeedanceTv.start(port=ports[2])
        except OSError:
            await asyncio.gather(movie.stop(), ai.stop())
            raise
        return cls(movie, ai, tv)

    async def stop(self) -> None:
        """Close every port."""
        await asyncio.gather(self.movie.stop(), self.ai.stop(), self.tv.stop())

    def settings(self, names: Iterable[str] = PROVIDERS) -> dict[str, str]:
        """Keys and addresses of the named ones. Raises KeyError for a name that is none of theirs."""
        known = {
            "seedance2-movie": ("SEEDANCE2_MOVIE", self.movie.api_key, self.movie.origin),
            "seedance2ai": ("SEEDANCE2AI", self.ai.api_key, self.ai.origin),
            "seedance-tv": ("SEEDANCE_TV", self.tv.api_key, self.tv.base_url),
        }
        found: dict[str, str] = {}
        for prefix, key, address in (known[name] for name in names):
            found |= {f"{prefix}_API_KEY": key, f"{prefix}_BASE_URL": address}
        return found
