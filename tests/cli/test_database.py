"""`migrate` and `backup`."""

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.postgres import PostgresServer


@pytest.fixture
def sqlite_bot(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An installation on SQLite; returns its file."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert shell("migrate").code == 0
    return tmp_path / "data" / "bot.db"


def test_migrate_makes_the_tables_and_may_be_repeated(shell: Shell, url: str) -> None:
    """The first time says that it changed something, the second that there was nothing to do."""
    said = [json.loads(shell("migrate", "--json").out) for _ in range(2)]

    assert said == [{"changed": True}, {"changed": False}]


def test_commands_before_the_first_start_say_what_to_run(shell: Shell, url: str) -> None:
    """No file is made and no traceback shown."""
    said = shell("jobs")

    assert said.code == 2
    assert said.err.startswith("DATABASE_URL: ")
    assert said.err.endswith("python -m bot migrate\n")


def test_a_database_that_does_not_answer_is_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does its password show."""
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://bot:hush-hush@127.0.0.1:1/bot")
    said = shell("jobs")

    assert said.code == 1
    assert said.err.count("\n") == 1
    assert said.err.startswith("DATABASE_URL: the database cannot be used (ConnectionRefusedError)")
    assert "Example: DATABASE_URL=" in said.err
    assert "hush" not in said.err


def test_a_database_that_refuses_is_one_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, postgres_server: PostgresServer
) -> None:
    """As where its name is wrong."""
    monkeypatch.setenv("DATABASE_URL", postgres_server.url("no_such_database"))
    said = shell("migrate")

    assert said.code == 1
    assert said.err.startswith("DATABASE_URL: the database cannot be used (InvalidCatalogNameError)")
    assert said.err.count("\n") == 1


def test_what_goes_wrong_is_json_too_where_json_was_asked_for(shell: Shell, sqlite_bot: Path) -> None:
    """A program that reads the answer need not guess; the option may stand before the command as well."""
    after, before = shell("jobs", "show", "NOSUCHJOB", "--json"), shell("--json", "jobs", "show", "NOSUCHJOB")

    assert (after.code, json.loads(after.out)) == (1, {"error": "There is no job NOSUCHJOB."})
    assert after.err == "There is no job NOSUCHJOB.\n"
    assert before == after


def test_a_backup_is_a_whole_copy_that_only_its_owner_reads(shell: Shell, sqlite_bot: Path, tmp_path: Path) -> None:
    """Rows that are only in the write-ahead log are in it, and it needs no other file."""
    with closing(sqlite3.connect(sqlite_bot)) as live:
        live.execute("INSERT INTO instance_value (key, value) VALUES ('a', 'b')")
        live.commit()
        said = shell("backup", "copy.db", "--json")

    copy = tmp_path / "copy.db"
    assert json.loads(said.out) == {"file": "copy.db", "size_bytes": copy.stat().st_size}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"]
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT value FROM instance_value WHERE key = 'a'").fetchall() == [("b",)]


def test_a_backup_never_replaces_a_file(shell: Shell, sqlite_bot: Path, tmp_path: Path) -> None:
    """An older backup, or anything else, stays as it is."""
    (tmp_path / "copy.db").write_text("precious")
    said = shell("backup", "copy.db")

    assert (said.code, said.err) == (1, "'copy.db' exists already; name a new file.\n")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_into_a_missing_folder_or_of_nothing_is_refused(shell: Shell, sqlite_bot: Path) -> None:
    """Each with a sentence."""
    folder = shell("backup", "no/copy.db")
    sqlite_bot.unlink()
    nothing = shell("backup", "copy.db")

    assert folder.err == "The folder 'no' does not exist.\n"
    assert nothing.err == "There is no database to copy: 'data/bot.db' does not exist.\n"


def test_a_backup_of_postgresql_names_its_own_tool(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has a better one."""
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://bot@localhost/bot")
    said = shell("backup", "copy.db")

    assert said.code == 1
    assert "pg_dump" in said.err
