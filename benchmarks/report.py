"""Rows of figures and the table that shows them."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("figure", "bot", "bare", "ratio", "goal", "", "memory", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `bare` and `ratio` are None where the goal is a plain number; `memory_mib` is the bot's."""

    figure: str
    bot: str
    goal: str
    is_met: bool
    bare: str = "–"
    ratio: float | None = None
    memory_mib: float | None = None
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as the table shows it."""
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        memory = "–" if self.memory_mib is None else f"{self.memory_mib:.0f} MB"
        return (
            self.figure,
            self.bot,
            self.bare,
            ratio,
            self.goal,
            "met" if self.is_met else "MISSED",
            memory,
            self.note,
        )


def table(rows: Sequence[Row]) -> str:
    """Lay rows out in columns."""
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([shown[0], "  ".join("─" * width for width in widths), *shown[1:]])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value; NaN of none."""
    return statistics.median(values) if values else math.nan


def milliseconds(seconds: float) -> str:
    """A short duration for people."""
    return f"{seconds * 1000:.1f} ms"
