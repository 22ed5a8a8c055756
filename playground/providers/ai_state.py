"""What the page's side panel shows of the seedance2ai emulator."""

import json
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from playground.providers.ai_tasks import Task
from playground.providers.base import dump_json
from playground.providers.faults import RequestRecord

if TYPE_CHECKING:
    from playground.providers.seedance2ai import Seedance2Ai

TASKS_SHOWN = 50
REQUESTS_SHOWN = 30


def describe(ai: "Seedance2Ai") -> dict[str, Any]:
    """A JSON-able dict: amounts in credits, times as the API tells them, clips as their length in bytes."""
    account = ai.account
    picture = {
        "provider": "seedance2ai",
        "origin": ai.origin,
        "credits": {"total": account.total, "used": account.used, "remain": account.remain},
        "tasks": [_task(task, ai) for task in islice(reversed(ai.tasks.values()), TASKS_SHOWN)],
        "knobs": _plain(asdict(ai.knobs)),
        "outcomes": [_plain(asdict(outcome)) for outcome in ai.outcomes],
        "faults": [asdict(fault) for fault in ai.faults.pending],
        "requests": [_request(record) for record in reversed(ai.requests[-REQUESTS_SHOWN:])],
        "callbacks": [],
    }
    described: dict[str, Any] = json.loads(dump_json(picture))
    return described


def _task(task: Task, ai: "Seedance2Ai") -> dict[str, Any]:
    order = task.order
    return {
        **task.answer(ai.knobs),
        "prompt": order.prompt,
        "resolution": order.resolution,
        "ratio": order.ratio,
        "duration": order.duration,
        "credit_cost": task.credit_cost,
        "references": [f"{reference.kind}_url" for reference in task.references],
        "size_bytes": len(task.clip.video) if task.clip else sum(len(picture.data) for picture in task.pictures),
        "status_queries": task.status_queries,
    }


def _request(record: RequestRecord) -> dict[str, Any]:
    names = ("at", "route", "method", "path", "status", "fault", "size_bytes")
    return {name: getattr(record, name) for name in names}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Bytes by their length."""
    return {name: len(value) if isinstance(value, bytes) else value for name, value in values.items()}
