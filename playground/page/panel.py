"""A simulated provider in the side panel: its account, its newest tasks, and what can be made to go wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from playground.providers import Seedance2Ai, Seedance2Movie, SeedanceTv

Emulator = Seedance2Movie | Seedance2Ai | SeedanceTv

TASKS_SHOWN = 8
ID_CHARACTERS = 12
SLOW_RENDER_S = 60.0
BIG_CLIP_BYTES = 30 * 1024 * 1024
HIDDEN_QUERIES = 3


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that can go wrong. `turn` gets the choice and whether it is on, and says what will happen."""

    name: str
    label: str
    turn: Callable[[str, bool], str]
    choices: tuple[str, ...] = ()
    is_on: Callable[[], bool] | None = None
    """Of a check box: how it stands."""

    def shown(self) -> dict[str, Any]:
        """What the page needs to draw it."""
        drawn: dict[str, Any] = {"name": self.name, "label": self.label}
        if self.choices:
            drawn["choices"] = self.choices
        if self.is_on is not None:
            drawn["toggle"] = True
        return drawn


class EmulatorPanel:
    """Shows one emulator and turns its switches."""

    def __init__(
        self,
        title: str,
        emulator: Emulator,
        *,
        task_errors: tuple[str, ...],
        submit_errors: tuple[str, ...],
        own: Sequence[Switch] = (),
    ) -> None:
        """`own` are the switches that only this provider has; check boxes among them are off by default."""
        self._title = title
        self._emulator = emulator
        self._usual_render_s = emulator.render_s
        self._own = own
        switches = [
            Switch("fail_task", "Next task fails", self._fail_task, task_errors),
            Switch("refuse_submit", "Next submit is refused", self._refuse_submit, submit_errors),
            Switch("lose_answer", "Lose the answer of the next submit", self._lose_answer),
            Switch("vanish", f"Next task cannot be found {HIDDEN_QUERIES} times", self._vanish),
            Switch("big_clip", "Next clip is 30 MiB", self._big_clip),
            *own,
            Switch("slow", f"Results take {SLOW_RENDER_S:.0f} s", self._slow, is_on=self._is_slow),
            Switch("clear", "Forget all faults", self._clear),
        ]
        self._switches: Mapping[str, Switch] = {switch.name: switch for switch in switches}

    def faults(self) -> list[dict[str, Any]]:
        """The switches, in the order in which the page shows them."""
        return [switch.shown() for switch in self._switches.values()]

    def state(self) -> dict[str, Any]:
        """Credits, newest tasks, and what is going to go wrong."""
        account = self._emulator.account
        newest: list[Any] = list(self._emulator.tasks.values())[: -TASKS_SHOWN - 1 : -1]
        return {
            "title": self._title,
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
                    "facts": " · ".join(_facts(task)),
                }
                for task in newest
            ],
            "toggles": {name: one.is_on() for name, one in self._switches.items() if one.is_on is not None},
            "waiting": self._waiting(),
        }

    def apply(self, name: str, choice: str | None, on: bool) -> str:
        """Arrange a fault and say what will happen. Raises KeyError for an unknown fault or choice."""
        switch = self._switches[name]
        if switch.choices and choice not in switch.choices:
            raise KeyError(f"{name} {choice}")
        return switch.turn(choice or "", on)

    def _fail_task(self, choice: str, _on: bool) -> str:
        self._emulator.next_outcome(error_code=choice)
        return f"The next task will end as failed with {choice}."

    def _refuse_submit(self, choice: str, _on: bool) -> str:
        self._emulator.faults.add("submit", "error", code=choice)
        return f"The next submit will be answered with {choice}."

    def _lose_answer(self, _choice: str, _on: bool) -> str:
        self._emulator.faults.add("submit", "lose_answer")
        return "The next task will be made, but the answer to its submit will be lost."

    def _vanish(self, _choice: str, _on: bool) -> str:
        self._emulator.next_outcome(vanish_queries=HIDDEN_QUERIES)
        return f"The next task will not be found the first {HIDDEN_QUERIES} times that the bot asks for it."

    def _big_clip(self, _choice: str, _on: bool) -> str:
        self._emulator.next_outcome(size_bytes=BIG_CLIP_BYTES, noise=True)
        return "The next clip will be larger than Discord takes."

    def _is_slow(self) -> bool:
        return self._emulator.render_s == SLOW_RENDER_S

    def _slow(self, _choice: str, on: bool) -> str:
        self._emulator.render_s = SLOW_RENDER_S if on else self._usual_render_s
        return f"New results take {self._emulator.render_s:.0f} s."

    def _clear(self, _choice: str, _on: bool) -> str:
        self._emulator.faults.clear()
        self._emulator.outcomes.clear()
        self._slow("", False)
        for switch in self._own:
            if switch.is_on is not None:
                switch.turn("", False)
        return "Nothing will go wrong on purpose."

    def _waiting(self) -> str:
        ends = [_what_befalls(outcome) for outcome in self._emulator.outcomes]
        submits = [f"{fault.route}: {fault.kind.replace('_', ' ')}" for fault in self._emulator.faults.pending]
        return f"Waiting to happen: {', '.join([*ends, *submits])}" if ends or submits else ""


def _what_befalls(outcome: Any) -> str:
    if outcome.error_code:
        return str(outcome.error_code)
    return "a task that cannot be found" if outcome.vanish_queries else "a clip of 30 MiB"


def _facts(task: Any) -> list[str]:
    """What tells a task from others; a picture has no seconds."""
    order = task.order
    seconds = [f"{order.duration} s"] if order.duration else [f"{order.count} × {order.ratio}"]
    facts = [order.resolution, *seconds, f"{_number(task.credit_cost)} credits"]
    return [order.model, *facts, task.error_code] if task.error_code else [order.model, *facts]


def _number(amount: Decimal) -> str:
    """10,000.0: one digit after the point at least."""
    plain = amount.normalize()
    exponent = plain.as_tuple().exponent
    digits = max(1, -exponent) if isinstance(exponent, int) else 1
    return f"{plain:,.{digits}f}"
