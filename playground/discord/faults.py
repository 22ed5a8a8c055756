"""Faults to play with: answers that are lost, late, or errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from playground.discord.errors import KNOWN

KINDS = ("lose_answer", "reset", "status", "delay")


@dataclass
class Fault:
    """One rule; `times` counts down and None means for ever."""

    method: str
    pattern: re.Pattern[str]
    times: int | None
    kind: str
    status: int
    code: int
    message: str
    delay_s: float
    retry_after_s: float

    def body(self) -> dict[str, Any]:
        """The JSON answer of a `status` fault; a 429 in the shape of topics/rate-limits."""
        if self.status == 429:
            limited = {"message": self.message, "retry_after": self.retry_after_s, "global": False}
            return {**limited, "code": self.code} if self.code else limited
        return {"message": self.message, "code": self.code}

    def headers(self) -> dict[str, str]:
        """A 429 without `Via` would look like a ban by the network in front of Discord."""
        if self.status != 429:
            return {}
        after = f"{self.retry_after_s:.3f}"
        return {
            "Via": "1.1 google",
            "Retry-After": after,
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset-After": after,
            "X-RateLimit-Scope": "user",
        }


class DiscordFaults:
    """The faults in force, oldest first; the first that fits a request is used up once."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def add(
        self,
        *,
        path_regex: str,
        kind: str,
        method: str = "*",
        times: int | None = 1,
        status: int = 500,
        code: int = 0,
        message: str = "Internal Server Error",
        delay_s: float = 0.0,
        retry_after_s: float = 0.5,
    ) -> None:
        """Add a fault for REST requests whose path (without `/api/v10`) contains a match of `path_regex`.

        Kinds: `lose_answer` has its effect and then closes the connection; `reset` closes it before any effect;
        `status` answers before any effect; `delay` waits `delay_s` first and then goes on (`delay_s` also delays the
        other kinds).

        Raises: ValueError for an unknown kind.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; one of {', '.join(KINDS)}")
        if status == 429 and not code:
            message = "You are being rate limited."
        pattern = re.compile(path_regex)
        self.active.append(Fault(method, pattern, times, kind, status, code, message, delay_s, retry_after_s))

    def refuse(
        self, code: int, *, path_regex: str, method: str = "*", times: int | None = 1, retry_after_s: float = 0.5
    ) -> None:
        """Refuse with one of Discord's codes, or with a bare HTTP status (429, 500, 502, 503, 504), before any effect.

        discord.py waits for a 429 (and 20028, 30046) and tries again, five times in all: more than four `times` of it
        reach the bot.

        Raises: ValueError for a code that the simulation does not know.
        """
        bare = {429: "You are being rate limited.", 500: "500: Internal Server Error", 502: "502: Bad Gateway"}
        bare |= {503: "503: Service Unavailable", 504: "504: Gateway Timeout"}
        if code not in KNOWN and code not in bare:
            raise ValueError(f"unknown code {code}")
        status, message = KNOWN.get(code) or (code, bare[code])
        self.add(
            path_regex=path_regex,
            kind="status",
            method=method,
            times=times,
            status=status,
            code=code if code in KNOWN else 0,
            message=message,
            retry_after_s=retry_after_s,
        )

    def clear(self) -> None:
        """Take all faults back."""
        self.active.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down, or None."""
        for fault in self.active:
            if fault.method in ("*", method) and fault.pattern.search(path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.active.remove(fault)
                return fault
        return None
