"""Walls that import-linter cannot express, read from the source."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("bot", "cogs")

#: Names that tell the real time, by module.
CLOCK_CALLS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "utils": {"utcnow"},
}
#: Where an error that nobody expected ends: the worker loop and duties, the web middleware, the commands' handler.
CATCH_ALL = {"bot/workers/loop.py", "bot/workers/duties.py", "bot/web/answers.py", "cogs/errors.py"}


def _files(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def _tells_time(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name | ast.Attribute):
        return False
    owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
    return node.attr in CLOCK_CALLS.get(owner, set())


def test_only_the_clock_reads_the_real_time() -> None:
    """Every other file is given the time, so that tests can move it."""
    found = {
        name
        for name, tree in _files(*PRODUCT)
        for node in ast.walk(tree)
        if _tells_time(node)
        or (isinstance(node, ast.ImportFrom) and node.module == "time" and {a.name for a in node.names} - {"sleep"})
    }

    assert found == {"bot/clock.py"}


def test_only_one_function_inserts_ledger_rows_and_only_settlement_calls_it() -> None:
    """One writer of the ledger; nothing deletes its rows, and only pseudonymising changes who is named in them."""
    changes = [
        (name, node.func.attr)
        for name, tree in _files("bot")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"insert", "update", "delete"}
        and any(isinstance(argument, ast.Name) and argument.id == "ledger_entry" for argument in node.args)
    ]
    writer = _function_around("bot/db/money.py", "ledger_entry")
    callers = {
        name
        for name, tree in _files("bot", "cogs")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == f"money.{writer}"
    }

    assert changes == [("bot/db/money.py", "insert"), ("bot/db/privacy.py", "update")]
    assert callers == {"bot/services/settlement.py"}


def _function_around(path: str, table: str) -> str:
    """Return the name of the function that inserts into a table."""
    tree = ast.parse((ROOT / path).read_text())
    return next(
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.AsyncFunctionDef) and f"insert({table})" in ast.unparse(function)
    )


def test_unexpected_errors_end_in_four_places_only() -> None:
    """Elsewhere a handler names what it expects, or passes on what it caught."""
    found = {
        name
        for name, tree in _files(*PRODUCT)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _is_catch_all(node) and not _raises_again(node)
    }

    assert found <= CATCH_ALL


def _is_catch_all(handler: ast.ExceptHandler) -> bool:
    names = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(names & {"Exception", "BaseException", "CancelledError"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_adapters_know_nothing_of_each_other() -> None:
    """An adapter imports only what carries its own provider's name, and what all share."""
    strangers = [
        (name, node.module)
        for name, tree in _files("bot/providers")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bot.providers.")
        if _adapter(node.module or "") not in {"http", "foreign_json", _adapter(f"bot.providers.{Path(name).stem}")}
    ]

    assert strangers == []


def _adapter(module: str) -> str:
    stem = module.removeprefix("bot.providers.")
    return next((p for p in ("seedance2_movie", "seedance2ai", "seedance_tv") if stem.startswith(p)), stem)


def test_every_part_of_the_bot_has_its_place_in_the_layers() -> None:
    """A new file or folder directly under `bot` cannot stand outside the walls."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {part.strip() for layer in layers for part in layer.split("|")}
    parts = {f"bot.{path.stem}" for path in (ROOT / "bot").iterdir() if not path.name.startswith(("__init__", "__py"))}

    assert parts - placed == set()
