"""What the page's side panel shows of the seedance2ai emulator."""

from typing import TYPE_CHECKING, Any

from playground.providers import panel
from playground.providers.ai_tasks import Task

if TYPE_CHECKING:
    from playground.providers.seedance2ai import Seedance2Ai


def describe(ai: "Seedance2Ai") -> dict[str, Any]:
    """A JSON-able dict; times as the API tells them."""
    return panel.describe(ai, "seedance2ai", (_task(task, ai) for task in reversed(ai.tasks.values())))


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
