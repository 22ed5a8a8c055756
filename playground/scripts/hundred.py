"""A hundred jobs of several members and servers on one provider account: fair order, and no 429 of our making.

Time runs five times as fast as in reality, on both sides alike: the provider takes five times the requests that it
documents in its 60 seconds, makes its results in a fifth of the time, and the bot is told so by its settings.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.rig import Rig
from playground.scripts.reading import components_of
from playground.scripts.steps import Steps
from playground.scripts.visit import Visit

FACTOR = 5
WINDOW_S = 60.0
RENDER_S = 90.0
"""How long a clip takes in reality; the documents speak of one to three minutes."""
POLL_INTERVAL_S = 8
"""The bot's own default."""
PLACES = 30
RUNNING_CAP, QUEUED_CAP = "10", "50"
"""Of each member; the first one is the highest that /settings takes."""
FINISH_TIMEOUT_S = 300.0
ASKED = {"ann": 40, "ben": 10, "owner": 30, "kim": 19, "mo": 1}
"""In this order; Mo's one job comes last of all."""
AT_HOME = ("ann", "ben", "mo")


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of one provider. `per_minute`: the requests that it takes, or 60 where it documents none."""

    prefix: str
    model: str
    per_minute: int
    emulator: str


LOADS: Mapping[str, Load] = {
    "seedance2ai": Load("SEEDANCE2AI", "seedance2ai/seedance2-mini", 30, "ai"),
    "seedance2-movie": Load("SEEDANCE2_MOVIE", "seedance2-movie/seedance-2.0-fast", 60, "movie"),
    "seedance-tv": Load("SEEDANCE_TV", "seedance-tv/seedance-2.0", 60, "tv"),
}


def hundred_settings(provider: str) -> dict[str, str]:
    """The bot's settings, at the pace of the script's time."""
    load = LOADS[provider]
    return {
        "DISCORD_GUILD_ID": "",
        "MEMBER_ALLOWANCE_CREDITS": "unlimited",
        "POLL_INTERVAL_S": str(POLL_INTERVAL_S / FACTOR),
        f"{load.prefix}_CONCURRENCY": str(PLACES),
        f"{load.prefix}_REQUESTS_PER_MINUTE": str(load.per_minute * FACTOR),
    }


async def hundred(rig: Rig, steps: Steps) -> None:
    """Run it with the rig's only provider. Raises StepFailed at the first step that does not hold."""
    [provider] = rig.providers
    await _Crowd(rig, steps, provider).play()


class _Crowd(Visit):
    """Five members of two servers."""

    def __init__(self, rig: Rig, steps: Steps, provider: str) -> None:
        super().__init__(rig, steps)
        self._name = provider
        self._load = LOADS[provider]
        self._provider: Any = getattr(rig, self._load.emulator)
        self._limit = self._load.per_minute * FACTOR

    async def play(self) -> None:
        """Ask a hundred times while the provider is paused, then let go."""
        knobs = self._provider.knobs
        knobs.render_s, knobs.speed, knobs.rate_limit_per_minute = RENDER_S, float(FACTOR), self._limit
        self.steps.ok(
            f"time runs {FACTOR} times as fast: {self._limit} requests in {WINDOW_S:.0f} s instead of"
            f" {self._load.per_minute}, results after {RENDER_S / FACTOR:.0f} s instead of {RENDER_S:.0f} s"
        )
        await self._gather()
        await self.bot("pause", self._name)
        for who, count in ASKED.items():
            for number in range(count):
                where = "general" if who in AT_HOME else "neighbours/general"
                options = {"prompt": f"Frame {number + 1} by {who}", "model": self._load.model, "duration": 4}
                await self.use(who, where, "video", options)
        self.steps.ok(f"a hundred jobs of {len(ASKED)} members in two servers are asked for")
        await self.until(self._all_wait, "all of them wait for the provider", timeout_s=60)
        await self.bot("resume", self._name)
        began = time.monotonic()
        await self.until(self._all_there, "a hundred clips are in their channels", timeout_s=FINISH_TIMEOUT_S)
        took_s = time.monotonic() - began
        self.steps.ok(f"it took {took_s:.0f} s, which is {took_s * FACTOR / 60:.1f} minutes of the provider's time")
        self._check_order()
        self._check_rate()
        code, out = await self.rig.run_command("ledger", "verify")
        self.check(code == 0, "python -m bot ledger verify: every balance is what its entries say", out)

    async def _gather(self) -> None:
        self.discord.add_person("kim", "Kim")
        self.discord.add_guild("Neighbours", "owner", members=["owner", "kim"])
        for who, where in (("mo", "general"), ("owner", "neighbours/general")):
            opened = await self.use(who, where, "settings")
            panel = await self.tells(opened, "Settings of this server", f"{who} opens /settings")
            select = components_of(panel)[0]["custom_id"]
            form = await self.discord.choose(who, int(panel["id"]), select, ["limits"])
            sent = await self.fill(who, form, {"running_cap": RUNNING_CAP, "queued_cap": QUEUED_CAP})
            await self.tells(
                sent, "Changed: ", f"… and lets each member have {RUNNING_CAP} jobs run and {QUEUED_CAP} wait"
            )

    def _all_wait(self) -> bool:
        seen = [*self.texts("general", "mo"), *self.texts("neighbours/general", "owner")]
        return sum("Frame" in text for text in seen) >= sum(ASKED.values())

    def _all_there(self) -> bool:
        there = sum(len(self.clips("Frame", where)) for where in ("general", "neighbours/general"))
        return there >= sum(ASKED.values())

    def _check_order(self) -> None:
        askers = [task.order.prompt.rpartition(" ")[2] for task in self._provider.tasks.values()]
        self.check(Counter(askers) == ASKED, "the provider has one task for each job", Counter(askers))
        first = Counter(askers[:PLACES])
        home = sum(first[who] for who in AT_HOME)
        self.check(home == PLACES / 2, f"each server got half of the first {PLACES} places", first)
        self.check(first["mo"] == 1, "… Mo, who came last, got one of them", first)
        gaps = [abs(first["ann"] - first["ben"]), abs(first["owner"] - first["kim"])]
        self.check(max(gaps) <= 1, "… and the others of a server as many as each other", first)

    def _check_rate(self) -> None:
        statuses = Counter(record.status for record in self._provider.requests)
        self.check(not statuses[429], "no request was answered with 429", statuses)
        asked = [
            record for record in self._provider.requests if record.route in {"submit", "status", "list", "balance"}
        ]
        most = _most_in_window([record.at for record in asked])
        self.check(most <= self._limit, f"{len(asked)} requests, at most {most} of them in any {WINDOW_S:.0f} s", most)


def _most_in_window(moments: Sequence[float]) -> int:
    first = most = 0
    for place, at in enumerate(moments):
        while moments[first] <= at - WINDOW_S:
            first += 1
        most = max(most, place - first + 1)
    return most
