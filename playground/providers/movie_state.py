"""What the page's side panel shows of the seedance2-movie emulator."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from playground.providers import panel
from playground.providers.movie_tasks import Task

if TYPE_CHECKING:
    from playground.providers.seedance2_movie import Seedance2Movie

CALLBACKS_SHOWN = 30


def describe(movie: "Seedance2Movie") -> dict[str, Any]:
    """A JSON-able dict; times as the API tells them."""
    callbacks = [asdict(record) for record in reversed(movie.callbacks[-CALLBACKS_SHOWN:])]
    return panel.describe(
        movie, "seedance2-movie", (_task(task, movie) for task in reversed(movie.tasks.values())), callbacks
    )


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
