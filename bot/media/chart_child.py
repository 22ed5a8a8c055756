"""A program of its own: draw one bar chart with matplotlib.

Run as `python -I chart_child.py FOLDER` in a bounded child process; nothing of the bot imports it, so that matplotlib
never enters the bot's own memory. It reads FOLDER/drawing.json (`title`, `unit`, `is_upright` and `bars`, a list of
`[label, amount, text of the amount]`) and writes FOLDER/chart.png. Any other end means that there is no picture.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# An opaque ground of its own reads the same on Discord's light and dark themes.
GROUND, GRID, INK, BAR = "#2b2d31", "#4e5058", "#f2f3f5", "#949cf7"
DOTS_PER_INCH = 120
WIDTH_IN = 8.0
UPRIGHT_HEIGHT_IN = 4.2
FRAME_IN, BAR_IN = 1.3, 0.36  # height of a lying chart: around the bars, and for each of them
MOST_TICKS = 12
MOST_UPRIGHT_AMOUNTS = 10
TURNED_FROM = 8
ROOM = 1.15  # of the largest bar, so that its amount stays inside

LATIN = "DejaVu Sans"  # matplotlib brings it along
#: Families with Japanese characters that systems have, the first that is installed wins.
JAPANESE = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoPGothic",
    "VL PGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Droid Sans Fallback",
)
MISSING = "\u25a1"  # what stands for a character that no font has


class Fonts:
    """The families to draw with, and the characters that they have."""

    def __init__(self) -> None:
        installed = set(font_manager.fontManager.get_font_names())
        self.families = [LATIN, *[name for name in JAPANESE if name in installed][:1]]
        paths = [font_manager.findfont(name) for name in self.families]
        self._known = {code for path in paths for code in font_manager.get_font(path).get_charmap()}

    def shown(self, text: str) -> str:
        """Return a text with a box for every character that cannot be drawn."""
        return "".join(char if ord(char) in self._known else MISSING for char in text)


def draw(drawing: dict[str, Any]) -> Figure:
    """Draw the bars: upright ones from left to right, lying ones from top to bottom."""
    fonts = Fonts()
    # Names are never read as mathematics: a dollar sign in one would be an error.
    mpl.rcParams.update({"font.family": fonts.families, "text.parse_math": False, "axes.unicode_minus": False})
    bars, is_upright = drawing["bars"], drawing["is_upright"]
    labels = [fonts.shown(label) for label, _, _ in bars]
    height = UPRIGHT_HEIGHT_IN if is_upright else FRAME_IN + BAR_IN * len(bars)
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DOTS_PER_INCH, facecolor=GROUND, layout="constrained")
    axes = figure.subplots()
    largest = max(amount for _, amount, _ in bars) or 1.0
    if is_upright:
        _stand(axes, labels, bars, largest)
        axes.set_ylabel(fonts.shown(drawing["unit"]), color=INK)
    else:
        _lie(axes, labels, bars, largest)
        axes.set_xlabel(fonts.shown(drawing["unit"]), color=INK)
    if (title := fonts.shown(drawing["title"])) == drawing["title"]:
        axes.set_title(title, color=INK)
    _paint(axes, "y" if is_upright else "x")
    return figure


def _stand(axes: Axes, labels: list[str], bars: list[Any], largest: float) -> None:
    drawn = axes.bar(range(len(bars)), [amount for _, amount, _ in bars], color=BAR)
    step = -(-len(bars) // MOST_TICKS)
    is_turned = len(labels[::step]) >= TURNED_FROM
    axes.set_xticks(
        range(0, len(bars), step),
        labels[::step],
        rotation=45 if is_turned else 0,
        ha="right" if is_turned else "center",
        rotation_mode="anchor" if is_turned else "default",
    )
    axes.set_ylim(0, largest * ROOM)
    axes.margins(x=0.01)
    if len(bars) <= MOST_UPRIGHT_AMOUNTS:
        axes.bar_label(drawn, [text for _, _, text in bars], padding=3, color=INK)


def _lie(axes: Axes, labels: list[str], bars: list[Any], largest: float) -> None:
    drawn = axes.barh(range(len(bars)), [amount for _, amount, _ in bars], color=BAR)
    axes.set_yticks(range(len(bars)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, largest * ROOM)
    axes.bar_label(drawn, [text for _, _, text in bars], padding=4, color=INK)


def _paint(axes: Axes, measured: Any) -> None:
    axes.set_facecolor(GROUND)
    axes.tick_params(colors=INK, length=0)
    axes.grid(axis=measured, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def main(folder: Path) -> None:
    """Draw what the folder asks for."""
    drawing = json.loads((folder / "drawing.json").read_text(encoding="utf-8"))
    draw(drawing).savefig(folder / "chart.png", format="png", metadata={"Software": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
