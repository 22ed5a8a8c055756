"""Children cannot exceed their bounds, and nothing of the bot leaks into them."""

# small files on the local disk

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.media.child import MEBIBYTE, OUTPUT_BYTES_MAX, Bounds, Children, Finished
from tests.waiting import PATIENCE_S, until

MEMORY = 256 * MEBIBYTE
ROOMY = Bounds(wall_s=PATIENCE_S, cpu_s=10, memory_bytes=MEMORY, file_bytes=MEBIBYTE)


async def python(children: Children, code: str, bounds: Bounds = ROOMY) -> Finished:
    """Run a line of Python as a child."""
    return await children.run((sys.executable, "-I", "-S", "-c", code), bounds)


async def test_memory_is_bounded(children: Children) -> None:
    """A child that wants more address space than it may have fails."""
    assert (await python(children, f"bytearray({MEMORY // 4})")).is_ok
    assert b"MemoryError" in (await python(children, f"bytearray({MEMORY * 2})")).stderr


async def test_time_is_bounded(children: Children) -> None:
    """A sleeping child is killed by the wall clock."""
    finished = await python(
        children, "import time; time.sleep(60)", Bounds(wall_s=0.3, cpu_s=10, memory_bytes=MEMORY, file_bytes=512)
    )

    assert finished.is_timeout
    assert finished.code < 0


async def test_cpu_is_bounded(children: Children) -> None:
    """A spinning child is killed by the system after its CPU seconds."""
    finished = await python(
        children,
        "while True: pass",
        Bounds(wall_s=PATIENCE_S, cpu_s=1, memory_bytes=MEMORY, file_bytes=512, niceness=0),
    )

    assert not finished.is_timeout
    assert finished.code < 0


async def test_files_are_bounded(children: Children, tmp_path: Path) -> None:
    """A child cannot write a file beyond its limit."""
    target = tmp_path / "large"
    finished = await python(children, f"open({str(target)!r}, 'wb').write(b'x' * {4 * MEBIBYTE})")

    assert not finished.is_ok
    assert target.stat().st_size <= MEBIBYTE


async def test_output_is_bounded(children: Children) -> None:
    """A chatty child is read to its end but only its first words are kept."""
    finished = await python(children, "print('x' * 3_000_000)")

    assert finished.is_ok
    assert len(finished.stdout) == OUTPUT_BYTES_MAX


async def test_secrets_do_not_reach_children(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is empty but for what the shell adds, and there is no input."""
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    finished = await python(children, "import os, sys; print(sorted(os.environ), repr(sys.stdin.read()))")

    assert b"DISCORD_TOKEN" not in finished.stdout
    assert finished.stdout.endswith(b"''\n")


async def test_cancelling_kills_the_whole_group(children: Children, tmp_path: Path) -> None:
    """A cancelled call leaves no process behind, grandchildren included."""
    mark = tmp_path / "pid"
    code = (
        "import os, subprocess; child = subprocess.Popen(['/bin/sleep', '600']); "
        f"open({str(mark)!r} + '.new', 'w').write(str(child.pid)); os.rename({str(mark)!r} + '.new', {str(mark)!r}); "
        "child.wait()"
    )
    running = asyncio.create_task(python(children, code))
    await until(mark.exists)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert await until(lambda: _is_gone(int(mark.read_text())))


def _is_gone(pid: int) -> bool:
    """Whether a process ended (a zombie that its new parent has not collected yet has ended too)."""
    try:
        os.kill(pid, 0)
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return True


async def test_only_so_many_run_at_once(tmp_path: Path) -> None:
    """With one place, the second child starts after the first ended."""
    log = tmp_path / "log"
    code = f"import time; f = open({str(log)!r}, 'a', 1); f.write('in\\n'); time.sleep(.05); f.write('out\\n')"
    children = Children(at_once=1)

    await asyncio.gather(*(python(children, code) for _ in range(3)))
    assert log.read_text().split() == ["in", "out"] * 3
