"""The quickstart, run once for all that look at what it made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storage of a whole quickstart, run once by the command a newcomer types."""
    folder = tmp_path_factory.mktemp("quickstart")
    command = [sys.executable, "-m", "saddle.cli", "run", "quickstart", "--storage", "runs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "printed.txt").write_text(done.stdout)
    (folder / "errors.txt").write_text(done.stderr)
    return folder
