"""Bounded child processes: hostile files are decoded there, never in the bot."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

OUTPUT_BYTES_MAX = 256 * 1024
CHILDREN_AT_ONCE = 2
MEBIBYTE = 1024 * 1024
KIBIBYTE = 1024
BLOCK_BYTES = 512  # the unit of `ulimit -f` (POSIX)

# The shell sets the bounds and then becomes the program: no Python code runs between fork and exec, where another
# thread's lock could hang it. Arguments arrive as positional parameters and are never parsed as shell text. A refused
# bound means that a stricter one is already in force.
_LAUNCH = (
    'ulimit -v "$1" 2>/dev/null; ulimit -t "$2" 2>/dev/null; ulimit -f "$3" 2>/dev/null; ulimit -c 0; '
    'shift 3; exec "$@"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one child may use: wall clock and CPU in seconds, address space and largest written file in bytes."""

    wall_s: float
    cpu_s: int
    memory_bytes: int
    file_bytes: int
    niceness: int = 10


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended. `code` is negative where a signal ended it; outputs are cut at 256 KiB."""

    code: int
    stdout: bytes
    stderr: bytes
    is_timeout: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether the child said that it succeeded."""
        return self.code == 0


class Children:
    """Runs programs with an empty environment, no input, their own session and hard bounds; only so many at once."""

    def __init__(self, at_once: int = CHILDREN_AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)

    async def run(self, arguments: Sequence[str], bounds: Bounds) -> Finished:
        """Run one program to its end or its bounds. `arguments[0]` is its absolute path.

        The whole process group is killed at the wall clock's end and when this call is cancelled.
        """
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", _LAUNCH, "sh"),
                str(bounds.memory_bytes // KIBIBYTE),
                str(bounds.cpu_s),
                str(bounds.file_bytes // BLOCK_BYTES),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={},
                cwd="/",
                start_new_session=True,
            )
            return await _finish(process, bounds)


async def _finish(process: asyncio.subprocess.Process, bounds: Bounds) -> Finished:
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, bounds.niceness)
    outputs = asyncio.gather(_read(process.stdout), _read(process.stderr))
    is_timeout = False
    try:
        async with asyncio.timeout(bounds.wall_s):
            await asyncio.shield(outputs)
            await process.wait()
    except TimeoutError:
        is_timeout = True
    finally:
        _kill_group(process)
        stdout, stderr = await outputs
        code = await process.wait()
    return Finished(code, stdout, stderr, is_timeout)


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(64 * KIBIBYTE)):
        kept += chunk[: OUTPUT_BYTES_MAX - len(kept)]
    return bytes(kept)


def _kill_group(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
