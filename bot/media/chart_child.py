"""A program of its own: draw one bar chart with matplotlib.

Run as `python -I chart_child.py FOLDER` in a bounded child process; nothing of the bot imports it, so that matplotlib
never enters the bot's own memory. It reads FOLDER/drawing.json (`title`, `unit`, `is_upright`, `decimal_mark` and
`bars`, a list of `[label, amount, text of the amount]`) and writes FOLDER/chart.png. Any other end means that there is
no picture.
"""

import json
import re
import sys
import unicodedata
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
#: Families that systems have, by what they are asked for; of each row the first that is installed is used, and the
#: rows stand in for one another character by character.
OTHERS = (
    # Chinese, Japanese and Korean
    ("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "Droid Sans Fallback"),
    # Japanese
    ("Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoPGothic", "VL PGothic", "Hiragino Sans", "Yu Gothic", "Meiryo"),
    # Chinese
    ("Noto Sans SC", "Noto Sans TC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC", "Microsoft YaHei"),
    # Korean
    ("Noto Sans KR", "NanumGothic", "UnDotum", "Apple SD Gothic Neo", "Malgun Gothic"),
)
MISSING = "\u25a1"  # what stands for letters that no font has
_BOXES = re.compile(f"{MISSING}[{MISSING} ]*{MISSING}")


class Fonts:
    """The families to draw with, and the characters that they have."""

    def __init__(self) -> None:
        installed = set(font_manager.fontManager.get_font_names())
        others = (next((name for name in row if name in installed), None) for row in OTHERS)
        self.families = [LATIN, *filter(None, others)]
        paths = [font_manager.findfont(name) for name in self.families]
        self._known = {code for path in paths for code in font_manager.get_font(path).get_charmap()}

    def shown(self, text: str) -> str:
        """Return a text with a box for letters that cannot be drawn, one for words of them, and without such signs."""
        drawn = [self._drawn(char) for char in text]
        return _BOXES.sub(MISSING, " ".join("".join(drawn).split()))

    def _drawn(self, char: str) -> str:
        if ord(char) in self._known:
            return char
        return MISSING if unicodedata.category(char)[0] in "LN" else ""


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
    (_stand if is_upright else _lie)(axes, labels, bars, largest)
    # The message around the picture says both as well, so that neither is drawn with boxes in it.
    title, unit = [text if fonts.shown(text) == text else "" for text in (drawing["title"], drawing["unit"])]
    axes.set_title(title, color=INK)
    axes.set_ylabel(unit, color=INK) if is_upright else axes.set_xlabel(unit, color=INK)
    _paint(axes, "y" if is_upright else "x", drawing["decimal_mark"])
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


def _paint(axes: Axes, measured: Any, decimal_mark: str) -> None:
    axes.set_facecolor(GROUND)
    axes.tick_params(colors=INK, length=0)
    axes.grid(axis=measured, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    (axes.yaxis if measured == "y" else axes.xaxis).set_major_formatter(
        lambda amount, _place: f"{amount:.15g}".replace(".", decimal_mark)
    )
    for side in axes.spines.values():
        side.set_visible(False)


def main(folder: Path) -> None:
    """Draw what the folder asks for."""
    drawing = json.loads((folder / "drawing.json").read_text(encoding="utf-8"))
    draw(drawing).savefig(folder / "chart.png", format="png", metadata={"Software": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
