"""The bot as a child process: started, watched, killed and stopped the way an operator's machine would do it."""

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SYSTEMROOT")
"""What the child keeps of our environment; every other variable could be one of the bot's own settings."""

PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal that a process gets when its parent dies."""


def bot_command() -> list[str]:
    """The command line of the bot itself."""
    return [sys.executable, "-m", "bot", "run"]


class BotProcess:
    """One bot, started as often as wanted, always with the same settings."""

    def __init__(self, command: Sequence[str], settings: Mapping[str, str], folder: Path) -> None:
        self._command = list(command)
        self._settings = dict(settings)
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.log_path = folder / "bot.log"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    async def launch(self) -> None:
        """Start the process in a group of its own; its output is appended to the log.

        It runs in the data folder, so that no `.env` of the project reaches it.
        """
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment(),
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )

    def _environment(self) -> dict[str, str]:
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return environment | {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", **self._settings}

    async def run_beside(self, arguments: Sequence[str], timeout_s: float) -> tuple[int, str]:
        """Run another command of the bot's with the same settings, to its end: exit code, and what it printed.

        Warnings and errors are part of that only when it failed.

        Raises: TimeoutError when it has not ended after `timeout_s`; it is killed then.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            env=self._environment(),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, errors = await asyncio.wait_for(process.communicate(), timeout_s)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        code = process.returncode or 0
        return code, (out + errors if code else out).decode(errors="replace")

    async def kill(self) -> None:
        """SIGKILL to the whole group; returns when it is gone. Nothing happens when it does not run."""
        if self._process is None:
            return
        _signal_group(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def terminate(self, timeout_s: float = 20) -> tuple[int, float]:
        """SIGTERM, SIGKILL after `timeout_s`; the exit code (negative: a signal's number) and the seconds it took."""
        if self._process is None:
            return 0, 0.0
        began = time.monotonic()
        if self.running:
            self._process.terminate()
        try:
            code = await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            await self.kill()
            code = -signal.SIGKILL
        return code, time.monotonic() - began

    def log_tail(self, size_bytes: int) -> str:
        """The last whole lines of the log within `size_bytes`; empty when there is none yet."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            start = max(0, log.seek(0, os.SEEK_END) - size_bytes)
            log.seek(start)
            text = log.read().decode(errors="replace")
        return text.partition("\n")[2] if start else text


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _end_with_parent() -> Callable[[], None] | None:
    """What the child runs before the bot: it gets SIGTERM when this process dies, however it dies. Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
