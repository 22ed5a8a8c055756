"""What the page's side panel shows of every emulator; how a task looks is each emulator's own."""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol

from playground.providers.base import dump_json
from playground.providers.faults import ProviderFaults, RequestRecord

TASKS_SHOWN = 50
REQUESTS_SHOWN = 30


class Account(Protocol):
    """Whose credits pay."""

    @property
    def total(self) -> Decimal: ...
    @property
    def used(self) -> Decimal: ...
    @property
    def remain(self) -> Decimal: ...


class Shown(Protocol):
    """What the panel needs of an emulator; knobs and outcomes are dataclasses."""

    origin: str
    faults: ProviderFaults
    requests: list[RequestRecord]

    @property
    def account(self) -> Account: ...
    @property
    def knobs(self) -> Any: ...
    @property
    def outcomes(self) -> deque[Any]: ...


def describe(
    emulator: Shown, provider: str, tasks: Iterable[Mapping[str, Any]], callbacks: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """A JSON-able dict: amounts in credits, times as the API tells them, bytes by their length.

    `tasks` come newest first; only the first 50 are looked at.
    """
    account = emulator.account
    picture = {
        "provider": provider,
        "origin": emulator.origin,
        "credits": {"total": account.total, "used": account.used, "remain": account.remain},
        "tasks": list(islice(tasks, TASKS_SHOWN)),
        "knobs": _plain(asdict(emulator.knobs)),
        "outcomes": [_plain(asdict(outcome)) for outcome in emulator.outcomes],
        "faults": [asdict(fault) for fault in emulator.faults.pending],
        "requests": [_request(record) for record in reversed(emulator.requests[-REQUESTS_SHOWN:])],
        "callbacks": callbacks,
    }
    described: dict[str, Any] = json.loads(dump_json(picture))
    return described


def _request(record: RequestRecord) -> dict[str, Any]:
    names = ("at", "route", "method", "path", "status", "fault", "size_bytes")
    return {name: getattr(record, name) for name in names}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Bytes by their length, nested dicts alike."""
    return {
        name: len(value) if isinstance(value, bytes) else _plain(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }
