"""Data that a trainable has looked at and found sound, noted on this machine: what is unchanged isn't read again.

Reading a dataset to check it takes seconds and the import of torch; a plan is often asked for again with other seeds.
Only what passed is noted. The note is void once a file of the data, a source of the trainable or a library changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from saddle.study.trainable.loading import LoadedTrainable
from trainables.datasets.cache.space import cache_root
from trainables.datasets.errors import DataError

FORMAT = 1
MOST_NOTES = 1000
LIBRARIES = ("saddle", "torch", "numpy", "pillow", "pyarrow", "scikit-learn", "scipy")
"""The libraries that data are read with."""

log = logging.getLogger(__name__)


def key_of(
    trainable: LoadedTrainable, configs: Sequence[Any], data_root: str | None, purpose: str = "check"
) -> str | None:
    """The name of the note on what a trainable found in the data of these configurations, for a `purpose`.

    None if the trainable doesn't say what its data are, or some of them aren't there.
    """
    identify = trainable.data_identity
    if identify is None or trainable.source.is_own:
        return None
    try:
        data = sorted(identify(configs, data_root))
    except DataError:
        return None
    parts = [
        FORMAT, purpose, trainable.name, sorted(source_states(trainable.code)),
        [version_of(name) for name in LIBRARIES], sorted(config.model_dump_json() for config in configs), data,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def read_remarks(key: str) -> list[str] | None:
    """The remarks on data that passed under this name; None if they are to be looked at."""
    note = read_note(key)
    remarks = None if note is None else note.get("remarks")
    return [str(remark) for remark in remarks] if isinstance(remarks, list) else None


def note_passed(key: str, remarks: Iterable[str]) -> None:
    """Note that data passed; where the cache can't be written they are read again the next time."""
    write_note(key, {"remarks": [*remarks]})


def read_note(key: str) -> dict[str, Any] | None:
    """What was noted under this name; None if that is nothing, or can't be read."""
    try:
        note = json.loads((notes_folder() / f"{key}.json").read_text())
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def write_note(key: str, content: Mapping[str, Any]) -> None:
    """Note something for the next time, where the cache can be written."""
    folder = notes_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False) as file:
            json.dump(content, file)
        os.replace(file.name, folder / f"{key}.json")
        drop_oldest(folder)
    except OSError as error:
        log.info("the result of the data check can't be stored in %s: %s", folder, error)


def drop_oldest(folder: Path) -> None:
    """Keep the latest notes only."""
    notes = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in notes[MOST_NOTES:]:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def notes_folder() -> Path:
    """In the folder of the cached datasets."""
    return cache_root().with_name("checked")


def source_states(code: Any) -> Iterator[str]:
    """Path, size and time of every Python file of the package with a trainable's code."""
    name = getattr(code, "__name__", type(code).__module__).partition(".")[0]
    file = getattr(sys.modules.get(name), "__file__", None)
    root = Path(file).parent if file else None
    for path in root.rglob("*.py") if root is not None else ():
        status = path.stat()
        yield f"{path} {status.st_size} {status.st_mtime_ns}"


def version_of(library: str) -> str:
    """The installed version; empty if it isn't installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""
