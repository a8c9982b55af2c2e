"""Where datasets are on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The data root: the argument, else `SADDLE_DATA`, else `saddle/data` in the user's cache folder."""
    if root is not None:
        return Path(root).expanduser()
    named = os.environ.get("SADDLE_DATA")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("saddle", appauthor=False) / "data"
