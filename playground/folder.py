"""Where a playground keeps the bot's database, its clips and its log."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playground.rig_bot import PROJECT

DEFAULT = PROJECT / "data" / "playground"


@contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder to use: the chosen one as it is, else `data/playground`, emptied.

    The simulated Discord forgets everything at each start, so a database that remembered would speak of messages that
    are gone. The folder stays after the end, for a look at the log. While another playground uses it, a temporary one
    takes its place.
    """
    if chosen is not None:
        yield chosen
        return
    DEFAULT.parent.mkdir(parents=True, exist_ok=True)
    with DEFAULT.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with tempfile.TemporaryDirectory(prefix="playground-") as folder:
                yield Path(folder)
            return
        shutil.rmtree(DEFAULT, ignore_errors=True)
        yield DEFAULT
