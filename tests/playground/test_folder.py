"""Where a playground keeps its files."""

from pathlib import Path

import pytest

from playground import folder


def test_a_place_that_cannot_be_written_gives_way_to_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that belongs to somebody else can be tried out all the same."""
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be: unlike a folder without rights, it stops root as well")
    monkeypatch.setattr(folder, "DEFAULT", blocked / "playground")

    with folder.data_folder(None) as used:
        (used / "bot.log").write_text("written")

    assert used != blocked / "playground"
    assert not used.exists()


def test_two_playgrounds_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one would empty the folder under the first one's database."""
    monkeypatch.setattr(folder, "DEFAULT", tmp_path / "data" / "playground")

    with folder.data_folder(None) as first, folder.data_folder(None) as second:
        assert first == tmp_path / "data" / "playground"
        assert second != first
