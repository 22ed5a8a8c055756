"""`migrate` and `backup`."""

import argparse
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.app import desk
from bot.cli.output import CommandFailed, put
from bot.cli.start import Commands, add_command, load_settings

MODE = 0o600  # a backup holds the callback secret and people's prompts


def register(commands: "Commands[Any]") -> None:
    """Add the commands."""
    add_command(commands, "migrate", "bring the database to this version's tables (every start does it too)", migrate)
    parser = add_command(commands, "backup", "write a consistent copy of the SQLite database", backup)
    parser.add_argument("file", type=Path, help="where to write it; must not exist yet")


async def migrate(arguments: argparse.Namespace) -> int:
    """Bring the schema to head."""
    is_changed = await desk.upgrade(load_settings())
    put(
        arguments.is_json,
        {"changed": is_changed},
        ["The database has this version's tables now." if is_changed else "The database had this version's tables."],
    )
    return 0


def backup(arguments: argparse.Namespace) -> int:
    """Copy the SQLite database while the bot may run, prove the copy, and only then give it its name.

    Raises:
        CommandFailed: there is no SQLite file, or the copy cannot be written.
    """
    source, target = load_settings().sqlite_file, arguments.file
    if source is None:
        raise CommandFailed(
            "backup copies SQLite files; this installation uses PostgreSQL: use its pg_dump, for example"
            " pg_dump --format=custom --file=bot.dump"
        )
    if not source.is_file():
        raise CommandFailed(f"There is no database to copy: {str(source)!r} does not exist.")
    if target.exists():
        raise CommandFailed(f"{str(target)!r} exists already; name a new file.")
    if not target.parent.is_dir():
        raise CommandFailed(f"The folder {str(target.parent)!r} does not exist.")
    partial = target.with_name(f".{target.name}.part")
    try:
        _copy(source, partial)
        os.link(partial, target)  # unlike a rename, it never replaces a file that appeared meanwhile
    except (sqlite3.Error, OSError) as error:
        raise CommandFailed(f"The copy could not be made: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    size_bytes = target.stat().st_size
    put(arguments.is_json, {"file": str(target), "size_bytes": size_bytes}, [f"Wrote {target} ({size_bytes} bytes)."])
    return 0


def _copy(source: Path, target: Path) -> None:
    """Copy in one read transaction, check the result, and make sure that it is on the disk."""
    target.unlink(missing_ok=True)
    target.touch(mode=MODE)
    with (
        closing(sqlite3.connect(f"file:{source.absolute()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, no -wal beside it
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")
    with target.open("rb") as written:
        os.fsync(written.fileno())
