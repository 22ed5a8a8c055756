"""Who waits in this process for a provider account's requests, and which of its slots are whose."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

from bot.db.slots import Supply
from bot.ports import Urgency

SLOTS_MAX = 300  # rows per key; larger limits are cut into shorter windows, which is stricter, never laxer
MARGIN_MAX_S = 1.0  # a request reaches the provider some time after its slot was taken
MARGIN_SHARE = 0.1  # of the window, where that is less
SHARE_KEPT = 5  # one slot in five is never used by polls, and another never given to new submits
#: For how long somebody waits for a turn under the lease of a job. Who would wait longer comes again later.
URGENT_PATIENCE_S = 20.0
POLL_PATIENCE_S = 2.0


@dataclass(slots=True)
class Waiter:
    """Somebody who waits for a turn. `refused_for_s`: not soon enough; come again after so many seconds."""

    urgency: int
    number: int
    until_s: float
    called: asyncio.Event = field(default_factory=asyncio.Event)
    is_granted: bool = False
    refused_for_s: float | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is decided yet."""
        return not self.is_granted and self.refused_for_s is None

    @property
    def is_poll(self) -> bool:
        """Whether everybody else goes first."""
        return self.urgency >= Urgency.POLL


@dataclass(slots=True)
class Lane:
    """One key's waiters in this process. One of them, the leader, asks the database for all.

    Slots from the top are for submits, cancels and uploads, those from the bottom for polls; between the top fifth
    and the bottom fifth, whoever comes first has them.
    """

    key: str
    count: int
    window_s: float
    waiting: list[Waiter] = field(default_factory=list)
    leader: Waiter | None = None
    arrivals: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    is_prepared: bool = False

    @property
    def kept(self) -> int:
        """How many slots at either end are kept for one kind of request; none where there is one slot only."""
        return max(1, self.count // SHARE_KEPT) if self.count > 1 else 0

    @property
    def open_to_polls(self) -> int:
        """Polls use the slots numbered below this."""
        return self.count - self.kept

    @property
    def late_s(self) -> float:
        """From here on the margin no longer covers what a request comes later than its slot was taken."""
        return min(MARGIN_MAX_S, self.window_s * MARGIN_SHARE) / 2

    @property
    def between_polls(self) -> timedelta:
        """How far apart polls can be, all the time."""
        return timedelta(seconds=self.window_s / self.open_to_polls)

    def room(self, supply: Supply) -> int:
        """Count the new submits that could be sent at once, beside those that were promised their turn already."""
        return max(0, supply.free_from_kept - supply.promised)

    def polls_now(self, supply: Supply) -> int:
        """Count the polls that can go at once and leave the promised submits their turns."""
        return max(0, min(supply.free - self._spoken_for(supply), supply.free_to_polls))

    def poll_wait_s(self, waits_s: Sequence[float], supply: Supply) -> float:
        """Return the seconds until a poll can go, by the seconds until each slot is free."""
        spoken_for = self._spoken_for(supply)
        own = min(waits_s[: self.open_to_polls], default=self.window_s)
        return max(own, sorted(waits_s)[spoken_for] if spoken_for < len(waits_s) else own)

    def _spoken_for(self, supply: Supply) -> int:
        return min(supply.promised, self.count - self.kept)

    def enter(self, urgency: int, now_s: float) -> Waiter:
        """Line up, behind everybody as urgent. `now_s` is a reading of a clock that never runs backwards."""
        self.arrivals += 1
        patience_s = POLL_PATIENCE_S if urgency >= Urgency.POLL else URGENT_PATIENCE_S
        waiter = Waiter(urgency, self.arrivals, now_s + patience_s)
        self.waiting.append(waiter)
        self.waiting.sort(key=lambda w: (w.urgency, w.number))
        self.arrived.set()
        if self.leader is None:
            self._appoint(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Go away; the next one leads."""
        if waiter in self.waiting:
            self.waiting.remove(waiter)
        if self.leader is waiter:
            self.leader = None
            if self.waiting:
                self._appoint(self.waiting[0])

    def grant(self, waiter: Waiter) -> None:
        """Let somebody go."""
        waiter.is_granted = True
        self._call(waiter)

    def refuse(self, waiter: Waiter, seconds: float) -> None:
        """Send somebody away for a while."""
        waiter.refused_for_s = seconds
        self._call(waiter)

    def _call(self, waiter: Waiter) -> None:
        if waiter in self.waiting:
            self.waiting.remove(waiter)
        waiter.called.set()

    def _appoint(self, waiter: Waiter) -> None:
        self.leader = waiter
        waiter.called.set()


def make_lane(key: str, requests: int, window_s: float) -> Lane:
    """Cut a limit that has too many slots into `parts` windows, with the margin shared out over them."""
    parts = ceil(requests / SLOTS_MAX)
    margin_s = min(MARGIN_MAX_S, window_s * MARGIN_SHARE)
    return Lane(key, requests // parts, (window_s + margin_s) / parts)
