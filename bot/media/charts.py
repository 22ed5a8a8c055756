"""Charts as PNG, drawn by matplotlib in a child process that lives for one picture.

`Charts.draw` is what `bot.services.usage.ChartDrawer` asks for:

    async def draw(
        self, *, title: str, unit: str, bars: Sequence[tuple[str, Credits]], is_upright: bool
    ) -> bytes | None
"""

import asyncio
import json
import logging
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from bot.domain.money import Credits
from bot.media.child import MEBIBYTE, Bounds, Children

log = logging.getLogger(__name__)

#: Beside this file, and never imported: it imports matplotlib.
PROGRAM = Path(__file__).with_name("chart_child.py")
#: A chart takes about two seconds; the first look at a system with hundreds of fonts takes longer.
BOUNDS = Bounds(wall_s=30, cpu_s=20, memory_bytes=1024 * MEBIBYTE, file_bytes=16 * MEBIBYTE)
AT_ONCE = 1
WAIT_S = 60.0  # with the wait for other charts: a reply without a picture is better than a late one
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PICTURE_BYTES_MAX = 4 * MEBIBYTE
LABEL_CELLS = 24
TITLE_CELLS = 80
MARKS_MAX = 2


class Charts:
    """Draws bar charts, one at a time, each in a bounded child process of its own."""

    def __init__(self, children: Children | None = None, bounds: Bounds = BOUNDS) -> None:
        self._children = children or Children(AT_ONCE)
        self._bounds = bounds

    async def draw(
        self, *, title: str, unit: str, bars: Sequence[tuple[str, Credits]], is_upright: bool, decimal_mark: str = "."
    ) -> bytes | None:
        """Return a PNG with a bar for each (label, amount), None where it cannot be drawn.

        Labels may hold any character; they are cut, and a box stands for letters that no installed font has. `unit`
        names the axis of amounts.
        """
        if not bars:
            return None
        drawing = {
            "title": fitting(title, TITLE_CELLS),
            "unit": fitting(unit, TITLE_CELLS),
            "is_upright": is_upright,
            "decimal_mark": decimal_mark,
            "bars": [
                [fitting(label, LABEL_CELLS), float(amount.amount), str(amount).replace(".", decimal_mark)]
                for label, amount in bars
            ],
        }
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._run(json.dumps(drawing))
        except (OSError, TimeoutError) as error:
            log.warning("chart.not_drawn", extra={"error": type(error).__name__})
            return None

    async def _run(self, drawing: str) -> bytes | None:
        with tempfile.TemporaryDirectory(prefix="chart-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / "drawing.json").write_text(drawing, encoding="utf-8")
            # Children have an empty environment. Matplotlib needs a folder that it may write to; more threads than
            # one would only ask for more address space.
            finished = await self._children.run(
                (
                    *("/usr/bin/env", f"MPLCONFIGDIR={folder}", "OPENBLAS_NUM_THREADS=1"),
                    *(sys.executable, "-I", "-B", str(PROGRAM), str(folder)),
                ),
                self._bounds,
            )
            if finished.is_ok and (picture := _picture(folder / "chart.png")) is not None:
                return picture
        log.warning("chart.not_drawn", extra={"code": finished.code, "is_timeout": finished.is_timeout})
        return None


def _picture(path: Path) -> bytes | None:
    """Return what the child wrote if it looks like a picture of a bearable size."""
    if not path.is_file() or path.stat().st_size > PICTURE_BYTES_MAX:
        return None
    data = path.read_bytes()
    return data if data.startswith(PNG_SIGNATURE) else None


def fitting(text: str, most: int) -> str:
    """Return a text on one line, composed, without control characters, cut to `most` cells of a plain character.

    Characters of East Asian width take two cells. At most two combining marks stand on one character: piles of them
    would reach into other labels.
    """
    words = " ".join(unicodedata.normalize("NFC", text).split())
    kept, cells, marks = "", 0, 0
    for char in filter(str.isprintable, words):
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if marks > MARKS_MAX:
            continue
        cells += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if cells > most:
            return kept[:-1].rstrip() + "…"
        kept += char
    return kept
