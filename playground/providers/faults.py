"""Faults that an emulator commits on purpose, and the record of every request it saw."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultKind = Literal[
    "error",
    "business_error",
    "status",
    "html",
    "garbage",
    "empty",
    "lose_answer",
    "reset_before",
    "reset_after",
    "delay",
    "cut",
]
AFTER_EFFECT: frozenset[FaultKind] = frozenset({"lose_answer", "reset_after", "cut"})
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
REQUESTS_KEPT = 20_000


@dataclass(slots=True)
class Fault:
    """One misbehaviour of one route.

    `error` answers `code` with the HTTP status that the provider's document maps it to; `business_error` answers it
    in HTTP 200; `status`, `html`, `garbage` and `empty` answer `status` with a JSON error, an HTML page, bytes that
    are no JSON, or nothing. `lose_answer` does the work and closes the connection, `reset_after` does the work and
    resets it (RST), `reset_before` resets it without doing anything, `delay` waits and then works normally, `cut`
    sends the real headers and `cut_after_bytes` of the body.
    """

    route: str
    kind: FaultKind
    times: int | None = 1  # None: for ever
    skip: int = 0  # matching requests let through first
    status: int = 500
    code: str = "INTERNAL_ERROR"
    message: str = ""
    delay_s: float = 0.0  # waited before the answer, and before the effect unless after_effect
    retry_after_s: int | None = None
    after_effect: bool = False  # the answering kinds: do the work first, then answer wrongly
    cut_after_bytes: int = 1000
    path_contains: str = ""

    @property
    def works_first(self) -> bool:
        """Whether the request takes its effect before the fault shows."""
        return self.after_effect or self.kind in AFTER_EFFECT


@dataclass(slots=True)
class ProviderFaults:
    """The faults waiting to happen, in the order in which they were added."""

    pending: list[Fault] = field(default_factory=list)

    def add(self, route: str, kind: FaultKind, **options: Any) -> Fault:
        """Queue a fault for `route` ("*": any); `options` are the fields of `Fault`.

        Raises:
            ValueError: for an unknown kind. TypeError: for an unknown option.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault {kind!r}; known are {', '.join(KINDS)}")
        fault = Fault(route=route, kind=kind, **options)
        self.pending.append(fault)
        return fault

    def take(self, route: str, path: str) -> Fault | None:
        """Use up one turn of the first fault that fits the request."""
        for fault in self.pending:
            if fault.route not in (route, "*") or fault.path_contains not in path:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
            return fault
        return None

    def clear(self) -> None:
        """Forget every waiting fault."""
        self.pending.clear()


@dataclass(slots=True)
class RequestRecord:
    """One request as it arrived, and what became of it."""

    at: float  # time.monotonic() of arrival
    route: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""  # the exact bytes of API requests; empty for uploads, whose length is in size_bytes
    size_bytes: int = 0
    status: int | None = None  # None: no answer was sent
    fault: FaultKind | None = None
