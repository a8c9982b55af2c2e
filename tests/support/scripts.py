"""Scripts that a page shows before and after they are made a study."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MOST_CHANGED_LINES = 10
"""Lines of a script that may differ, old and new ones counted."""


def python(folder: Path, *words: str) -> str:
    """What a script of the folder prints."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=570
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
