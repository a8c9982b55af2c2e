"""The trials whose start a tracker has, but not the end; on disk, as a killed driver could not report the end."""

from __future__ import annotations

import json
from pathlib import Path

from saddle.store.files import replace_file


class Started:
    """A set of trial keys in the file at `path`, which is replaced whole with each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = read_keys(path)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        if key not in self._keys:
            self._keys.add(key)
            self._write()

    def remove(self, key: str) -> None:
        if key in self._keys:
            self._keys.remove(key)
            self._write()

    def _write(self) -> None:
        replace_file(self._path, json.dumps(sorted(self._keys)).encode(), sync=False)


def read_keys(path: Path) -> set[str]:
    """The keys in the file; none if it is damaged: runs without an end are ended with their study."""
    try:
        keys = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return set()
    return {key for key in keys if isinstance(key, str)} if isinstance(keys, list) else set()
