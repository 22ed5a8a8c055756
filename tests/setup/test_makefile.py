"""`make setup` on machines that are not quite as usual."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = '#!/bin/sh\necho "no cache: ${UV_NO_CACHE:-no}" > "$(dirname "$0")/seen"\n'


def set_up(folder: Path, **environment: str) -> str:
    """Run `make setup` with a stand-in for uv. Returns what it was told."""
    tools = folder / "bin"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text(RECORD)
    uv.chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "XDG_", "MAKE"))}
    command = ["make", "--silent", "setup", f"VENV={folder}", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=ROOT, env={**clean, **environment}, check=True, timeout=60)
    return (tools / "seen").read_text().strip()


def test_a_home_that_can_be_written_holds_the_cache(tmp_path: Path) -> None:
    """So the next set-up need not download anything again."""
    assert set_up(tmp_path, HOME=str(tmp_path)) == "no cache: no"
    assert (tmp_path / ".cache" / "uv").is_dir()


def test_set_up_needs_no_home(tmp_path: Path) -> None:
    """Users of services and CI often have none that can be written."""
    file = tmp_path / "file"
    file.touch()

    assert set_up(tmp_path, HOME=str(file / "home")) == "no cache: 1"
