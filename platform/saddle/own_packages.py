"""Our other packages, `trainables` and `search_spaces`, come from where `saddle` does, regardless of the path."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

NAMES = frozenset({"trainables", "search_spaces"})
HERE = Path(__file__).resolve().parent


class OwnPackages:
    """Finds our packages in `root` before the path is asked.

    A notebook's working directory and a script's folder come first on the path; a `trainables.py` there, or any folder
    of that name where ours is installed editable, would be taken for ours. (No `importlib.abc.MetaPathFinder`: its
    module imports half of the standard library, `random` and `tempfile` included, from the path as it is now.)
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(self.root)]) if name in NAMES else None


def find_root() -> Path | None:
    """The folder that holds `trainables`: next to saddle if it is installed, one higher in a checkout."""
    return next((root for root in HERE.parents[:2] if (root / "trainables" / "contract.py").is_file()), None)


def prefer_own_packages() -> None:
    """Import our packages from the folder of this one; once is enough."""
    root = find_root()
    if root is not None and not any(isinstance(finder, OwnPackages) for finder in sys.meta_path):
        sys.meta_path.insert(0, OwnPackages(root))
