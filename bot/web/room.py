"""How many connections a listener keeps at once, and which of them goes when there are too many."""

import asyncio
import logging
import resource
from typing import Final, Protocol

log = logging.getLogger(__name__)

CONNECTIONS_MAX: Final = 512
BACKLOG: Final = 1024  # connections that the system keeps until they are taken; it may allow fewer
WARN_EVERY_S: Final = 60.0


def places() -> int:
    """Return how many connections a listener may have, so that files are left for everything else to open."""
    most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if most_files < 0 else min(CONNECTIONS_MAX, most_files // 2)


class Guest(Protocol):
    """A connection, as far as its place is concerned."""

    @property
    def is_idle(self) -> bool:
        """Whether no request of its is being answered."""
        ...

    def force_close(self) -> None:
        """Hang up at once."""
        ...


class Room:
    """The places of one listener.

    Where all are taken, whoever has been silent longest goes: strangers who open connections and say nothing never keep
    a provider's callback out. Only where every single connection is being answered is the new one hung up on.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._guests: dict[Guest, None] = {}  # the longest silent first
        self._warned_at: float | None = None

    def enter(self, guest: Guest) -> None:
        """Give a new connection a place; someone's is taken away where there is none left, if need be its own."""
        self._guests[guest] = None
        if len(self._guests) > self._places:
            self._warn()
            unlucky = next((one for one in self._guests if one.is_idle and one is not guest), guest)
            del self._guests[unlucky]
            unlucky.force_close()

    def stir(self, guest: Guest) -> None:
        """Note that a connection has just been answered."""
        if guest in self._guests:
            del self._guests[guest]
            self._guests[guest] = None

    def leave(self, guest: Guest) -> None:
        """Free the place of a connection that is closed."""
        self._guests.pop(guest, None)

    def _warn(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._warned_at is None or now - self._warned_at >= WARN_EVERY_S:
            self._warned_at = now
            log.warning("web.crowded", extra={"connections": self._places})
