"""The node's cache of decoded datasets: where it is, what is in it, and how large it may become. Imports no torch."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.datasets.cache.lock import try_hold
from trainables.datasets.errors import DataError

BUDGET = 50 << 30
SHARE = 0.5
"""The default budget of the cache is at most this share of its disk."""
FACTS = "entry.json"
BUILDING, REMOVING, LOCK = ".building", ".removing", ".lock"
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def cache_root() -> Path:
    """The folder of cached datasets: below `SADDLE_CACHE`, else below `saddle` in the user's cache folder."""
    named = os.environ.get("SADDLE_CACHE")
    if named:
        return Path(named).expanduser().absolute() / "datasets"
    from platformdirs import user_cache_path

    return user_cache_path("saddle", appauthor=False) / "datasets"


def budget(root: Path) -> int:
    """How many bytes the cache may have: `SADDLE_CACHE_BYTES`, else 50 GiB, or half of a smaller disk."""
    named = os.environ.get("SADDLE_CACHE_BYTES", "").strip()
    if not named:
        return min(BUDGET, int(SHARE * shutil.disk_usage(root).total))
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", named, re.IGNORECASE)
    if match is None:
        raise DataError(f"SADDLE_CACHE_BYTES is {named!r}; write a number of bytes, or a size such as 20G")
    return int(float(match[1]) * UNITS[match[2].upper()])


@dataclass(frozen=True)
class Entry:
    """A dataset in the cache; `facts` are its stored properties."""

    path: Path
    facts: dict[str, Any]
    size: int
    used: float

    @property
    def held(self) -> bool:
        """Whether a process has it mapped."""
        with ExitStack() as stack:
            return not _take(self.path, stack)


def entries(root: Path) -> list[Entry]:
    """All entries, the least recently used one first."""
    cached = []
    for path in root.glob(f"*/{FACTS}") if root.is_dir() else ():
        with suppress(OSError, ValueError):  # removed meanwhile, or damaged, which opening it reports
            size = sum(file.stat().st_size for file in path.parent.iterdir())
            cached.append(Entry(path.parent, dict(json.loads(path.read_text())), size, path.stat().st_mtime))
    return sorted(cached, key=lambda entry: entry.used)


def make_room(root: Path, keep: Path | None = None, room: int | None = None) -> list[Entry]:
    """Remove entries that no process has mapped, least recently used first, until the rest fits; returns those removed.

    `keep` always stays; `room` is the budget by default. Leftovers of killed builders are removed, too.
    """
    cached = entries(root)
    total, limit = sum(entry.size for entry in cached), budget(root) if room is None else room
    removed = []
    for entry in cached:
        if total <= limit:
            break
        if entry.path != keep and remove(entry.path):
            total -= entry.size
            removed.append(entry)
    _sweep(root)
    return removed


def remove(path: Path, held_too: bool = False) -> bool:
    """Remove an entry unless a process has it mapped; `held_too`: even then, maps stay valid. Whether it did."""
    with ExitStack() as stack:
        if not _take(path, stack) and not held_too:
            return False
        hidden = path.with_name(f".{path.name}{REMOVING}")
        shutil.rmtree(hidden, ignore_errors=True)
        try:
            path.rename(hidden)
        except FileNotFoundError:
            return False
        shutil.rmtree(hidden, ignore_errors=True)
    return True


def _take(path: Path, stack: ExitStack) -> bool:
    """Whether the files of an entry could be locked against processes that map them, until the stack ends."""
    try:
        for file in path.glob("*.arrow"):
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        pass
    return True


def _sweep(root: Path) -> None:
    """Remove half-built and half-removed entries, and locks without entry, unless a process still works on them."""
    leftovers = [path.name.removeprefix(".") for path in root.glob(".*")] + [
        path.name for path in root.glob(f"*{LOCK}")
    ]
    for key in {Path(name).stem for name in leftovers}:
        with suppress(OSError), ExitStack() as stack:
            lock = root / f"{key}{LOCK}"
            descriptor = try_hold(lock)
            if descriptor is None:
                continue
            stack.callback(os.close, descriptor)
            for ending in (BUILDING, REMOVING):
                shutil.rmtree(root / f".{key}{ending}", ignore_errors=True)
            if not (root / key).exists():
                lock.unlink(missing_ok=True)
