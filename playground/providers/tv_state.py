"""What the page's side panel shows of the seedance-tv emulator."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from playground.providers import panel
from playground.providers.tv_tasks import Task

if TYPE_CHECKING:
    from playground.providers.seedance_tv import SeedanceTv


def describe(tv: "SeedanceTv") -> dict[str, Any]:
    """A JSON-able dict; times as the API tells them."""
    return panel.describe(tv, "seedance-tv", (_task(task, tv) for task in reversed(tv.tasks.values())))


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
