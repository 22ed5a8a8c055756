"""Where a playground keeps the bot's database, its clips and its log."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playground.rig_bot import PROJECT

DEFAULT = PROJECT / "data" / "playground"


@contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder to use: the chosen one as it is, else `data/playground`, emptied.

    The simulated Discord forgets everything at each start, so a database that remembered would speak of messages that
    are gone. The folder stays after the end, for a look at the log. While another playground uses it, or where nothing
    can be written, a temporary one takes its place.
    """
    if chosen is not None:
        yield chosen
        return
    with _right_to(DEFAULT) as is_ours:
        if is_ours:
            yield DEFAULT
            return
    with tempfile.TemporaryDirectory(prefix="playground-") as folder:
        yield Path(folder)


@contextmanager
def _right_to(folder: Path) -> Iterator[bool]:
    """Hold the right to a folder, emptied; yield False where another process has it or it cannot be written."""
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(folder.with_suffix(".lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
        except OSError:  # BlockingIOError is one of them
            yield False
        else:
            yield True
