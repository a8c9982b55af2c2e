"""Which trials a tracker was told the start of and not the end, on disk: a killed driver could not tell it."""

from __future__ import annotations

import json
from pathlib import Path

from saddle.store.files import replace_file


class Started:
    """A set of trial keys in the file at `path`, which is replaced whole with each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: set[str] = set(json.loads(path.read_text())) if path.exists() else set()

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
