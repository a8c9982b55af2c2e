"""A git worktree for each code that a night trains with: the user's checkout is never changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from saddle.errors import CodeIsGone, GitError
from saddle.nightly.decision.night import Code
from saddle.nightly.git import Repository
from trainables.datasets.cache.space import cache_root

OWN_PACKAGES = ("saddle", "trainables", "search_spaces")


@dataclass(frozen=True)
class Worktrees:
    """Where a nightly's worktrees are on this machine; only the holder of its lock may use them."""

    repository: Repository
    folder: Path

    @classmethod
    def of(cls, repository: Repository, owner: str) -> Worktrees:
        """Those of `owner`, which names one nightly in one storage: two of them never share a worktree."""
        digest = hashlib.sha256(f"{repository.root}\n{owner}".encode()).hexdigest()[:16]
        return cls(repository, cache_root().parent / "worktrees" / digest)

    @property
    def holds_saddle(self) -> bool:
        """Whether saddle itself comes from this repository, too, so that its trials identify the commit."""
        return any(folder.resolve().is_relative_to(self.repository.root) for folder in _folders("saddle"))

    @contextlib.contextmanager
    def checkout(self, code: Code) -> Iterator[Path]:
        """A fresh worktree with this code, removed at the end; raises `CodeIsGone`."""
        place = self.folder / code.commit[:12]
        self._remove(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            commit = self.repository.commit_of(code)
            self.repository.git("worktree", "add", "--detach", "--quiet", str(place), commit)
        except GitError as error:
            raise CodeIsGone(f"the code {code} can't be checked out of {self.repository.root}: {error}") from None
        try:
            yield place
        finally:
            self._remove(place)

    def _remove(self, place: Path) -> None:
        """Remove the worktree, also one that a killed night left half made."""
        shutil.rmtree(place, ignore_errors=True)
        self.repository.git("worktree", "prune")


def python_path(repository: Repository, worktree: Path, packages: Iterable[str]) -> str:
    """The `PYTHONPATH` with which a process imports the repository's packages from the worktree."""
    roots = [folder for name in packages for folder in _folders(name)]
    current = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    moved: list[Path] = []
    for path in (*roots, *current):
        resolved = path.resolve()
        inside = resolved.is_relative_to(repository.root)
        if inside or path in current:
            moved.append(worktree / resolved.relative_to(repository.root) if inside else path)
    return os.pathsep.join(map(str, dict.fromkeys(moved)))


def _folders(package: str) -> list[Path]:
    """The folders that a package would be imported from."""
    spec = find_spec(package)
    locations = [] if spec is None else [*(spec.submodule_search_locations or ())] or [spec.origin]
    return [Path(location).parent for location in locations if location is not None]


def top_level(module: str) -> str:
    """The package that a module belongs to."""
    return module.partition(".")[0]


def python() -> list[str]:
    """The interpreter of this process, which does not look for packages in its working directory."""
    return [sys.executable, "-P"]
