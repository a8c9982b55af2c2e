"""States that a trainable makes once for all trials of a run, such as the weights of networks that measure them.

Each is in the run's folder, named by its inputs. Who makes it holds a lock that ends with its process, so that a
worker that dies in between leaves the next one to make it, and of several that finish the first one's counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saddle.errors import StorageError
from saddle.store.base import Conflict, Store
from saddle.store.checkpoint.state_bytes import decode_state, encode_state
from saddle.store.digest import checksum
from saddle.store.file_lock import try_lock
from saddle.store.files import driver_file, open_or_make
from saddle.store.open import study_folder
from saddle.store.ownership.lease import find_lease, hold_lease
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from trainables.lru_cache import LRUCache

FOLDER = "shared"
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 24 * 3600.0
"""Time to wait for a state that another process makes; far longer than training a classifier takes."""


def shared_folder(run: RunId) -> str:
    """Where the shared states of a run are stored."""
    return f"{study_folder(run)}/{FOLDER}"


@dataclass
class SharedStates:
    """The shared states of one run, as a worker sees them.

    `makes`: whether it may make one. In a group of ranks one rank does, and the others wait for its state, in no
    collective: those end with an error where a rank is late.
    """

    store: Store
    folder: str
    code: Callable[[], str]
    """The checksum of the code that makes them: other code makes its own."""
    makes: bool = True
    kept: LRUCache = field(default_factory=LRUCache)
    """Those that this process has read or made."""

    def get(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The state of `key`, on the CPU, which `make` makes where no trial of the run has made it yet.

        Raises `StorageError` where somebody else was to make it and has not for `PATIENCE_SECONDS`.
        """
        path = f"{self.folder}/{checksum(f'{key!r} {self.code()}'.encode())[:32]}.pt"
        state: Mapping[str, Any] = self.kept.get(path, lambda: self._await(path, make))
        return state

    def _await(self, path: str, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            state = read_state(self.store, path)
            if state is not None:
                return state
            if self.makes:
                with claim(self.store, path) as claimed:
                    if claimed:
                        return read_state(self.store, path) or self._keep(path, make())
            time.sleep(POLL_SECONDS)
        raise StorageError(
            f"{self.store.locate(path)} was to be made by another worker, which did not finish within a day"
        )

    def _keep(self, path: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Store a state, or take the one that was stored meanwhile."""
        content = encode_state(state)
        signed = checksum(content).encode() + content
        try:
            self.store.write_if(path, signed, None)
        except Conflict:
            stored = read_state(self.store, path)
            if stored is not None:
                return stored
            self.store.write(path, signed)  # the stored one is damaged
        return decode_state(content)


def read_state(store: Store, path: str) -> dict[str, Any] | None:
    """The state at `path`; None if there is none, or not what was written."""
    try:
        content = store.read(path)
    except FileNotFoundError:
        return None
    length = 2 * hashlib.sha256().digest_size
    signature, body = content[:length], content[length:]
    return decode_state(body) if checksum(body).encode() == signature else None


@contextlib.contextmanager
def claim(store: Store, path: str) -> Iterator[bool]:
    """Whether this process alone may make the state at `path`: of all on this machine and, in a bucket, of others."""
    with contextlib.ExitStack() as held:
        claimed = held.enter_context(_flock(driver_file(store, f"{path}.lock")))
        if claimed and isinstance(store, S3Store):
            claimed = _take_lease(held, store, f"{path}.lease")
        yield claimed


def _take_lease(held: contextlib.ExitStack, store: S3Store, path: str) -> bool:
    lease = find_lease(store, path)
    if lease is not None and lease.holds:
        return False
    try:
        held.enter_context(hold_lease(store, path, path))
    except StorageError:  # somebody was faster
        return False
    return True


@contextlib.contextmanager
def _flock(path: Path) -> Iterator[bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(open_or_make(path, os.O_RDWR), "r+") as file:
        yield try_lock(file)
