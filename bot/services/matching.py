"""Whether a task in a provider's record is a job's own: by its seed mark and everything else that both have."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.jobs import Job, TaskStatus

CREATED_TOLERANCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Search:
    """What the provider's record says: the one task that is surely ours, or that there surely is none."""

    task: TaskStatus | None
    is_absent: bool


def could_be(held: Job, task: TaskStatus) -> bool:
    """Whether a task may be this job's: every field that its record has agrees, and it was made about then."""
    sent_at = held.submitted_at or held.created_at
    in_time = task.created_at is None or abs(task.created_at - sent_at) <= CREATED_TOLERANCE
    return in_time and all(theirs is None or theirs == ours for theirs, ours in _pairs(held, task))


def is_surely(held: Job, task: TaskStatus) -> bool:
    """Whether every field of the record is there and agrees."""
    return task.created_at is not None and all(theirs == ours for theirs, ours in _pairs(held, task))


def _pairs(held: Job, task: TaskStatus) -> tuple[tuple[object, object], ...]:
    spec = held.spec
    return (
        (task.seed, spec.seed),
        (task.model_name, spec.model_name),
        (task.resolution, spec.resolution),
        (task.aspect_ratio, spec.aspect_ratio),
        (task.duration_s, spec.duration_s),
    )
