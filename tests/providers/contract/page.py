"""Reading docs/providers.md: the tables of each provider's part, and the code that their rows name."""

import importlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/providers.md"
NOT_USED = "—"

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The first table under a heading, by what its columns are called."""

    heading: str
    rows: tuple[Row, ...]

    def by(self, column: str) -> dict[str, Row]:
        """Return the rows by the first thing in backticks of a column, or by its text where there is none."""
        return {(ticked(row[column]) or [row[column]])[0]: row for row in self.rows}


@dataclass(frozen=True, slots=True)
class Part:
    """What the page says of one provider."""

    name: str
    modules: tuple[Any, ...]
    tables: dict[str, tuple[Table, ...]]

    def table(self, heading: str) -> Table:
        """Return the first table under a heading."""
        return self.tables[heading][0]

    def parameters(self) -> dict[str, dict[str, Row]]:
        """Return the parameters by endpoint and name."""
        found = {heading: tables[0] for heading, tables in self.tables.items() if heading.startswith("Parameters of ")}
        return {ticked(heading)[0]: table.by("parameter") for heading, table in found.items()}

    def knows(self, name: str) -> bool:
        """Whether a dotted name is in one of the files that the part names."""
        return any(_has(module, name) for module in self.modules)


def ticked(text: str) -> list[str]:
    """Return everything in backticks."""
    return re.findall(r"`([^`]+)`", text)


@lru_cache
def parts() -> dict[str, Part]:
    """Return the page's parts by the provider's name."""
    _, *texts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.name: part for part in map(_part, texts)}


def _part(text: str) -> Part:
    name, _, rest = text.partition("\n")
    intro, *sections = re.split(r"^### ", rest, flags=re.MULTILINE)
    paths = [path for path in ticked(intro) if path.endswith(".py")]
    modules = tuple(importlib.import_module(path.removesuffix(".py").replace("/", ".")) for path in paths)
    headed = (section.partition("\n") for section in sections)
    return Part(name, modules, {heading: _tables(heading, body) for heading, _, body in headed})


def _tables(heading: str, text: str) -> tuple[Table, ...]:
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return tuple(Table(heading, _rows(block.splitlines())) for block in blocks)


def _rows(lines: list[str]) -> tuple[Row, ...]:
    columns, _, *rest = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    for cells in rest:
        assert len(cells) == len(columns), cells
    return tuple(dict(zip(columns, cells, strict=True)) for cells in rest)


def _has(module: Any, name: str) -> bool:
    found = module
    for word in name.split("."):
        if word in getattr(found, "__annotations__", ()):
            return True
        if not hasattr(found, word):
            return False
        found = getattr(found, word)
    return True
