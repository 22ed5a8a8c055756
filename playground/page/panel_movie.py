"""The seedance2-movie emulator in the side panel: its account, its tasks, and what can be made to go wrong."""

from decimal import Decimal
from typing import Any

from playground.providers import Seedance2Movie

TASKS_SHOWN = 8
ID_CHARACTERS = 12
SLOW_RENDER_S = 60.0
BIG_CLIP_BYTES = 30 * 1024 * 1024

TASK_ERRORS = (
    "CONTENT_MODERATION_FAILED",
    "COPYRIGHT_VIOLATION",
    "PRIVACY_VIOLATION",
    "VIDEO_DOWNLOAD_FAILED",
    "INTERNAL_ERROR",
)
SUBMIT_ERRORS = (
    "SERVICE_BUSY",
    "RATE_LIMIT_EXCEEDED",
    "CONCURRENCY_LIMIT_REACHED",
    "INSUFFICIENT_CREDIT",
    "TASK_SUBMIT_FAILED",
    "INVALID_API_KEY",
)


class MoviePanel:
    """Shows one emulator and turns its switches."""

    def __init__(self, movie: Seedance2Movie) -> None:
        self._movie = movie
        self._usual_render_s = movie.render_s

    def faults(self) -> list[dict[str, Any]]:
        """The switches, in the order in which the page shows them."""
        return [
            {"name": "fail_task", "label": "Next task fails", "choices": TASK_ERRORS},
            {"name": "refuse_submit", "label": "Next submit is refused", "choices": SUBMIT_ERRORS},
            {"name": "lose_answer", "label": "Lose the answer of the next submit"},
            {"name": "big_clip", "label": "Next clip is 30 MiB"},
            {"name": "hold_callbacks", "label": "Send no callbacks", "toggle": True},
            {"name": "slow", "label": f"Clips take {SLOW_RENDER_S:.0f} s", "toggle": True},
            {"name": "clear", "label": "Forget all faults"},
        ]

    def state(self) -> dict[str, Any]:
        """Credits, newest tasks, and what is going to go wrong."""
        account = self._movie.account
        newest = list(self._movie.tasks.values())[: -TASKS_SHOWN - 1 : -1]
        return {
            "title": "seedance2-movie",
            "credits": {
                "Credits left": _number(account.remain),
                "Used": _number(account.used),
                "Total": _number(account.total),
            },
            "tasks": [
                {
                    "id": task.id[:ID_CHARACTERS],
                    "status": task.status,
                    "prompt": task.order.prompt,
                    "facts": " · ".join(self._facts(task.id)),
                }
                for task in newest
            ],
            "toggles": {
                "hold_callbacks": not self._movie.knobs.callbacks.enabled,
                "slow": self._movie.render_s == SLOW_RENDER_S,
            },
            "waiting": self._waiting(),
        }

    def apply(self, name: str, choice: str | None, on: bool) -> str:
        """Arrange a fault and say what will happen. Raises KeyError for an unknown fault or choice."""
        match name:
            case "fail_task" if choice in TASK_ERRORS:
                self._movie.next_outcome(error_code=choice)
                return f"The next task will end as failed with {choice}."
            case "refuse_submit" if choice in SUBMIT_ERRORS:
                self._movie.faults.add("submit", "error", code=choice)
                return f"The next submit will be answered with {choice}."
            case "lose_answer":
                self._movie.faults.add("submit", "lose_answer")
                return "The next task will be made, but the answer to its submit will be lost."
            case "big_clip":
                self._movie.next_outcome(size_bytes=BIG_CLIP_BYTES, noise=True)
                return "The next clip will be larger than Discord takes."
            case "hold_callbacks":
                self._movie.knobs.callbacks.enabled = not on
                return "Callbacks are held: the bot has to ask." if on else "Callbacks are sent again."
            case "slow":
                self._movie.render_s = SLOW_RENDER_S if on else self._usual_render_s
                return f"New clips take {self._movie.render_s:.0f} s."
            case "clear":
                self._clear()
                return "Nothing will go wrong on purpose."
        raise KeyError(name if choice is None else f"{name} {choice}")

    def _clear(self) -> None:
        self._movie.faults.clear()
        self._movie.outcomes.clear()
        self._movie.knobs.callbacks.enabled = True
        self._movie.render_s = self._usual_render_s

    def _facts(self, task_id: str) -> list[str]:
        task = self._movie.tasks[task_id]
        facts = [task.order.resolution, f"{task.order.duration} s", f"{_number(task.credit_cost)} credits"]
        return [*facts, task.error_code] if task.error_code else facts

    def _waiting(self) -> str:
        ends = [outcome.error_code or "a clip of 30 MiB" for outcome in self._movie.outcomes]
        submits = [f"{fault.route}: {fault.kind.replace('_', ' ')}" for fault in self._movie.faults.pending]
        return f"Waiting to happen: {', '.join([*ends, *submits])}" if ends or submits else ""


def _number(amount: Decimal) -> str:
    """10,000.0: one digit after the point at least."""
    plain = amount.normalize()
    exponent = plain.as_tuple().exponent
    digits = max(1, -exponent) if isinstance(exponent, int) else 1
    return f"{plain:,.{digits}f}"
