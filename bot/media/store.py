"""References and kept clips on the local disk."""

import asyncio
import os
import re
import secrets
import shutil
from pathlib import Path

from bot.domain.errors import InvariantBroken, MediaRejected

# Keys are ours. No segment begins with a dot, so no key leaves the root or reaches the workplace.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}){0,4}")
WORKPLACE = ".work"


class LocalStore:
    """A media store under one folder. Files appear whole or not at all, and survive a power cut once `put` returned."""

    def __init__(self, root: Path, *, counted: Path | None = None) -> None:
        """`counted` is the folder that `used_bytes` measures (the data folder); None measures the store alone."""
        self._root = root.resolve()
        self._counted = counted.resolve() if counted else self._root
        self._workplace = self._root / WORKPLACE
        self._workplace.mkdir(parents=True, exist_ok=True)

    def work_file(self, name: str | None = None) -> Path:
        """Name a file for unfinished work, on the same disk as the store. None makes up a fresh name.

        Raises:
            OSError: its folder is gone and cannot be made again.
        """
        self._workplace.mkdir(parents=True, exist_ok=True)
        return self._workplace / (name or secrets.token_hex(16))

    async def put(self, key: str, source: Path) -> None:
        """Move a finished local file under `key`, durably."""
        await asyncio.to_thread(self._put, self._path(key), source)

    async def local(self, key: str) -> Path:
        """Return the local path of `key`.

        Raises:
            MediaRejected: `file_gone`.
        """
        path = self._path(key)
        if not await asyncio.to_thread(path.is_file):
            raise MediaRejected("file_gone")
        return path

    async def delete(self, key: str) -> None:
        """Remove `key` and what was derived from it (keys that begin with `key` and a dot)."""
        await asyncio.to_thread(self._delete, self._path(key))

    async def used_bytes(self) -> int:
        """Return how many bytes lie in the counted folder now."""
        return await asyncio.to_thread(_folder_bytes, self._counted)

    async def keys(self, older_than_s: float) -> list[str]:
        """Return the keys of everything stored for longer than `older_than_s`; work in progress is left out."""
        return await asyncio.to_thread(self._keys, older_than_s)

    async def tidy(self, older_than_s: float) -> int:
        """Remove unfinished work that nothing touched for that long. Returns how many files went."""
        return await asyncio.to_thread(self._tidy, older_than_s)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise InvariantBroken("not a media key of ours")
        return self._root / key

    def _put(self, target: Path, source: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.stat().st_dev != self._root.stat().st_dev:
            near = self.work_file()
            shutil.move(source, near)
            source = near
        _flush(source)
        source.replace(target)
        _flush(target.parent)

    def _keys(self, older_than_s: float) -> list[str]:
        limit = self._now_on_disk() - older_than_s
        return [key for key, file in self._files() if _modified_at(file, otherwise=limit) < limit]

    def _files(self) -> list[tuple[str, Path]]:
        kept = [one for one in self._root.rglob("*") if self._workplace not in one.parents and one.is_file()]
        return [(one.relative_to(self._root).as_posix(), one) for one in kept]

    def _now_on_disk(self) -> float:
        """Return the disk's own time, by a file written now: our clock has no say in a file's age."""
        mark = self.work_file()
        mark.touch()
        now = mark.stat().st_mtime
        mark.unlink()
        return now

    def _delete(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        for derived in target.parent.glob(f"{target.name}.*"):
            derived.unlink(missing_ok=True)

    def _tidy(self, older_than_s: float) -> int:
        limit = self._now_on_disk() - older_than_s
        old = [file for file in self._workplace.iterdir() if _modified_at(file, otherwise=limit) < limit]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)


def _modified_at(file: Path, *, otherwise: float) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return otherwise  # removed while we looked


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folder_bytes(folder: Path) -> int:
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue  # removed while we looked
    return total
