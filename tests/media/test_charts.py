"""The chart is drawn apart from the bot, whatever people are called, or not at all."""

import ast
import importlib.util
import io
import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.domain.money import Credits
from bot.media import charts
from bot.media.charts import BOUNDS, LABEL_CELLS, Charts, fitting
from bot.media.child import MEBIBYTE, Children
from tests.postgres import run_apart

PROJECT = Path(__file__).resolve().parents[2]
BAR = (0x94, 0x9C, 0xF7)
UGLY = (
    "ann",
    "日本語の名前がとても長いひと",
    "$x_{$ \\frac{1}{",
    "😀 \u202e emoji \u200b",
    "Z" + "\u0351\u036b\u0353" * 40,
    "\ud800\x00\x1b[31m",
    "عربى",
    "a" * 500,
    "",
    "_nolegend_",
    "%s {0} \n\n\n two lines",
)


async def draw(drawer: Charts, labels: tuple[str, ...], *, is_upright: bool = False, milli: int = 9_000) -> bytes:
    """Draw bars of one height."""
    bars = [(label, Credits(milli)) for label in labels]
    picture = await drawer.draw(title="Usage", unit="Credits", bars=bars, is_upright=is_upright)
    assert picture is not None
    return picture


def opened(picture: bytes) -> Image.Image:
    """Decode a picture whole."""
    image = Image.open(io.BytesIO(picture))
    image.load()
    assert image.format == "PNG"
    return image.convert("RGB")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """One picture for several looks at it, and the folder in which its child had its own."""
    folder, pictures = tmp_path_factory.mktemp("chart"), []

    async def make() -> None:
        pictures.append(await draw(Charts(), UGLY))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        run_apart(make)
    return pictures[0], folder


def test_names_of_any_kind_are_drawn(drawn: tuple[bytes, Path]) -> None:
    """Mathematics, emoji, control characters, half surrogates, piles of marks: each bar is there."""
    image = opened(drawn[0])

    column = [image.getpixel((image.width // 2, y)) for y in range(image.height)]
    bars = sum(1 for above, here in itertools.pairwise(column) if here == BAR and above != BAR)
    assert bars == len(UGLY)


@pytest.mark.parametrize(("days", "milli"), [(1, 0), (365, 10**15)])
async def test_days_are_drawn_from_one_to_a_year(days: int, milli: int) -> None:
    """Nothing spent at all and a trillion credits too; the picture keeps its size."""
    labels = tuple(f"2026-{day // 31 + 1:02}-{day % 31 + 1:02}" for day in range(days))

    image = opened(await draw(Charts(), labels, is_upright=True, milli=milli))

    assert 900 <= image.width <= 1000
    assert 450 <= image.height <= 550


def test_the_picture_has_a_ground_of_its_own(drawn: tuple[bytes, Path]) -> None:
    """It reads the same on a dark and on a light theme: opaque, with light letters on dark."""
    picture, _ = drawn

    alpha = Image.open(io.BytesIO(picture)).convert("RGBA").getchannel("A")
    colours = {colour for _, colour in opened(picture).getcolors(100_000) or []}
    assert alpha.getextrema() == (255, 255)
    assert {(0x2B, 0x2D, 0x31), (0xF2, 0xF3, 0xF5)} <= colours


async def test_nothing_to_show_is_no_picture() -> None:
    """And no process."""
    assert await Charts().draw(title="Usage", unit="Credits", bars=[], is_upright=True) is None


@pytest.mark.parametrize(
    "bounds",
    [
        replace(BOUNDS, wall_s=0.05),
        replace(BOUNDS, memory_bytes=32 * MEBIBYTE),
        replace(BOUNDS, file_bytes=512),
    ],
)
async def test_a_chart_that_takes_too_much_is_no_picture(bounds: charts.Bounds) -> None:
    """Time, memory or disk: the caller is told that there is none, and nothing is raised."""
    drawer = Charts(bounds=bounds)

    assert await drawer.draw(title="Usage", unit="Credits", bars=[("ann", Credits(1))], is_upright=True) is None


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "pass",
        "import sys, pathlib; pathlib.Path(sys.argv[1], 'chart.png').write_bytes(b'GIF89a')",
    ],
)
async def test_only_a_picture_passes_for_one(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that fails, writes nothing, or writes something else."""
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr(charts, "PROGRAM", tmp_path / "child.py")

    assert await Charts().draw(title="Usage", unit="Credits", bars=[("ann", Credits(1))], is_upright=True) is None


async def test_waiting_for_a_chart_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others are being drawn for too long, there is no picture."""
    monkeypatch.setattr(charts, "WAIT_S", 0.02)

    assert (
        await Charts(Children(at_once=0)).draw(
            title="Usage", unit="Credits", bars=[("ann", Credits(1))], is_upright=True
        )
        is None
    )


def test_nothing_stays_on_the_disk(drawn: tuple[bytes, Path]) -> None:
    """The child's folder, its font list included, is gone with it."""
    picture, folder = drawn

    assert picture
    assert list(folder.iterdir()) == []


def test_labels_are_cut_to_their_cells() -> None:
    """Wide characters count twice; marks beyond two on a character are left out."""
    assert fitting("a" * 30, LABEL_CELLS) == "a" * 23 + "…"
    assert fitting("あ" * 30, LABEL_CELLS) == "あ" * 11 + "…"
    assert fitting("  two \n lines\x00 ", LABEL_CELLS) == "two lines"
    assert fitting("q" + "\u0323" * 9, LABEL_CELLS) == "q\u0323\u0323"


def test_matplotlib_never_enters_the_bots_own_process() -> None:
    """Not by importing the whole bot, and only one file, which nobody imports, names it."""
    code = (
        "import json, sys, cogs, cogs.usage, bot.app.process, bot.cli.main, bot.media.charts; "
        "print(json.dumps([name for name in sys.modules if name.startswith(('matplotlib', 'numpy'))]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=True, timeout=60)
    naming = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("bot", "cogs", "playground")
        for path in (PROJECT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        if "matplotlib" in ast.unparse(node) or "chart_child" in ast.unparse(node)
    }

    assert json.loads(done.stdout) == []
    assert naming == {"bot/media/chart_child.py"}


def test_letters_without_a_font_are_one_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs that cannot be drawn are left out; a second installed font stands in for what the first lacks."""
    spec = importlib.util.spec_from_file_location("chart_child", PROJECT / "bot" / "media" / "chart_child.py")
    assert spec is not None
    assert spec.loader is not None
    child = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(child)
    monkeypatch.setattr(child, "OTHERS", ())

    fonts = child.Fonts()

    assert fonts.shown("1 · 김민준의 긴 이름…") == "1 · □…"
    assert fonts.shown("Ann 🦊 Łódź") == "Ann Łódź"
    monkeypatch.setattr(child, "OTHERS", (("No Such Font", "DejaVu Sans Mono"), ("DejaVu Serif",)))
    assert child.Fonts().families == ["DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"]
