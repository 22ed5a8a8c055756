"""What the page's side panel shows of the seedance-tv emulator."""

import json
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from playground.providers.base import dump_json
from playground.providers.faults import RequestRecord
from playground.providers.tv_tasks import Task

if TYPE_CHECKING:
    from playground.providers.seedance_tv import SeedanceTv

TASKS_SHOWN = 50
REQUESTS_SHOWN = 30


def describe(tv: "SeedanceTv") -> dict[str, Any]:
    """A JSON-able dict: amounts in credits, times as the API tells them, clips as their length in bytes."""
    account = tv.account
    picture = {
        "provider": "seedance-tv",
        "origin": tv.origin,
        "credits": {"total": account.total, "used": account.used, "remain": account.remain},
        "tasks": [_task(task, tv) for task in islice(reversed(tv.tasks.values()), TASKS_SHOWN)],
        "knobs": _plain(asdict(tv.knobs)),
        "outcomes": [_plain(asdict(outcome)) for outcome in tv.outcomes],
        "faults": [asdict(fault) for fault in tv.faults.pending],
        "requests": [_request(record) for record in reversed(tv.requests[-REQUESTS_SHOWN:])],
        "callbacks": [],
    }
    described: dict[str, Any] = json.loads(dump_json(picture))
    return described


def _task(task: Task, tv: "SeedanceTv") -> dict[str, Any]:
    order = task.order
    return {
        **task.answer(tv.knobs),
        "model": order.model,
        "prompt": order.prompt,
        "scenes": [asdict(shot) for shot in order.shots] if order.has_scenes else [],
        "resolution": order.resolution,
        "ratio": order.ratio,
        "duration": order.duration,
        "style": order.style,
        "seed": order.seed,
        "camera": dict(order.camera),
        "motion_level": order.motion_level,
        "credit_cost": task.credit_cost,
        "references": [],
        "size_bytes": len(task.clip.video) if task.clip else None,
        "status_queries": task.status_queries,
    }


def _request(record: RequestRecord) -> dict[str, Any]:
    names = ("at", "route", "method", "path", "status", "fault", "size_bytes")
    return {name: getattr(record, name) for name in names}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Bytes by their length."""
    return {name: len(value) if isinstance(value, bytes) else value for name, value in values.items()}
