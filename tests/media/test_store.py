"""The store keeps files under our keys alone."""

import os
from pathlib import Path

import pytest

from bot.domain.errors import InvariantBroken, MediaRejected
from bot.media.store import LocalStore


def work(store: LocalStore, data: bytes = b"data") -> Path:
    """A finished file that waits to be stored."""
    path = store.work_file()
    path.write_bytes(data)
    return path


async def test_put_local_delete(store: LocalStore) -> None:
    """A stored file is there until it is deleted; deleting twice is fine."""
    source = work(store)
    await store.put("references/ab/one.png", source)
    path = await store.local("references/ab/one.png")

    assert path.read_bytes() == b"data"
    assert not source.exists()
    await store.delete("references/ab/one.png")
    await store.delete("references/ab/one.png")
    with pytest.raises(MediaRejected) as caught:
        await store.local("references/ab/one.png")
    assert caught.value.code == "file_gone"


async def test_files_of_other_keys_stay(store: LocalStore) -> None:
    """What was derived goes with its file, a neighbour with a longer name does not."""
    for key in ("clips/A.mp4", "clips/A.mp4.preview.jpg", "clips/AB.mp4"):
        await store.put(key, work(store))
    await store.delete("clips/A.mp4")

    assert await store.used_bytes() == len(b"data")
    assert await store.local("clips/AB.mp4")


@pytest.mark.parametrize(
    "key", ["", "../x", "a/../../x", "/etc/passwd", "a//b", ".work/x", "a/.hidden", "a\\b", "a\0b", "a/b\n", "x" * 200]
)
async def test_foreign_keys_never_touch_the_disk(store: LocalStore, key: str) -> None:
    """A key that is not of our making is a defect, not a path."""
    with pytest.raises(InvariantBroken):
        await store.local(key)
    with pytest.raises(InvariantBroken):
        await store.put(key, work(store))
    with pytest.raises(InvariantBroken):
        await store.delete(key)


async def test_counts_the_whole_data_folder(tmp_path: Path) -> None:
    """Downloads in flight and the database count against the data folder's limit."""
    store = LocalStore(tmp_path / "media", counted=tmp_path)
    (tmp_path / "bot.db").write_bytes(bytes(1000))
    work(store, bytes(10))
    await store.put("clips/a.mp4", work(store, bytes(100)))

    assert await store.used_bytes() == 1110


async def test_tidies_forgotten_work_only(store: LocalStore) -> None:
    """Parts that nothing touched for long go; fresh ones and stored files stay."""
    old, fresh = work(store), work(store)
    os.utime(old, (1, 1))
    await store.put("clips/a.mp4", work(store))

    assert await store.tidy(3600) == 1
    assert (old.exists(), fresh.exists()) == (False, True)
