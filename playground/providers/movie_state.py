"""What the page's side panel shows of the seedance2-movie emulator."""

import json
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from playground.providers.base import dump_json
from playground.providers.faults import RequestRecord
from playground.providers.movie_tasks import Task

if TYPE_CHECKING:
    from playground.providers.seedance2_movie import Seedance2Movie

TASKS_SHOWN = 50
REQUESTS_SHOWN = 30
CALLBACKS_SHOWN = 30


def describe(movie: "Seedance2Movie") -> dict[str, Any]:
    """A JSON-able dict: amounts in credits, times as the API tells them, clips as their length in bytes."""
    account = movie.account
    picture = {
        "provider": "seedance2-movie",
        "origin": movie.origin,
        "credits": {"total": account.total, "used": account.used, "remain": account.remain},
        "tasks": [_task(task, movie) for task in islice(reversed(movie.tasks.values()), TASKS_SHOWN)],
        "knobs": _plain(asdict(movie.knobs)),
        "outcomes": [_plain(asdict(outcome)) for outcome in movie.outcomes],
        "faults": [asdict(fault) for fault in movie.faults.pending],
        "requests": [_request(record) for record in reversed(movie.requests[-REQUESTS_SHOWN:])],
        "callbacks": [asdict(record) for record in reversed(movie.callbacks[-CALLBACKS_SHOWN:])],
    }
    described: dict[str, Any] = json.loads(dump_json(picture))
    return described


def _task(task: Task, movie: "Seedance2Movie") -> dict[str, Any]:
    return {
        **task.answer(movie.knobs.clock_skew_s),
        "prompt": task.order.prompt,
        "references": [item["type"] for item in task.order.content if item["type"] != "text"],
        "unknown_fields": sorted(task.order.unknown_fields),
        "callback_url": task.callback_url,
        "size_bytes": len(task.clip.video) if task.clip else None,
        "status_queries": task.status_queries,
    }


def _request(record: RequestRecord) -> dict[str, Any]:
    names = ("at", "route", "method", "path", "status", "fault", "size_bytes")
    return {name: getattr(record, name) for name in names}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Bytes by their length, nested dicts alike."""
    return {
        name: len(value) if isinstance(value, bytes) else _plain(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }
