"""Scripts that a page shows before and after they become a study."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MOST_CHANGED_LINES = 10
"""Lines of a script that may differ, old and new ones counted."""


def python(folder: Path, *words: str) -> str:
    """The output of a script of the folder."""
    process = subprocess.run(
        [sys.executable, *words], cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=570
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout
