"""Storage in a local folder."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saddle.errors import ForeignPath, StorageError
from saddle.store.base import Conflict
from saddle.store.file_lock import try_lock
from saddle.store.files import entry_itself, inside, open_or_make, read_file, replace_file
from saddle.store.infrastructure_errors import BROKEN, FULL, explain_fault
from saddle.store.paths import check_path, is_name

LOCK = ".lock"
"""The file that conditional writers of a folder lock. The folder itself would do, but not over NFS."""

LOCK_SECONDS = 30.0
"""How long a conditional write waits for another one; each takes milliseconds, unless its process was stopped."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalStore:
    """A `Store` in the folder `root`."""

    root: Path
    parallel = 1

    @property
    def url(self) -> str:
        return str(self.root)

    @property
    def local(self) -> Path:
        return self.root

    def locate(self, path: str) -> str:
        self.path(path)
        return str(self.root / path)

    def path(self, path: str) -> Path:
        """The location of the blob or folder at `path` on this machine, links resolved."""
        return inside(self.root, path)

    def read(self, path: str) -> bytes:
        return read_file(self.path(check_path(path)))

    def write(self, path: str, content: bytes) -> None:
        replace_file(self.path(check_path(path)), content)

    def fetch(self, path: str) -> tuple[bytes, str]:
        content = self.read(path)
        return content, etag_of(content)

    def etag(self, path: str) -> str | None:
        try:
            return etag_of(self.read(path))
        except FileNotFoundError:
            return None

    def write_if(self, path: str, content: bytes, etag: str | None) -> str:
        with exclusive(self.path(check_path(path)).parent):
            present, wanted = self.etag(path), etag_of(content)
            if present == wanted:
                return wanted
            if present != etag:
                raise Conflict(self.locate(path))
            self.write(path, content)
        return wanted

    def delete_if(self, path: str, etag: str) -> None:
        with exclusive(self.path(check_path(path)).parent):
            if self.etag(path) not in (None, etag):
                raise Conflict(self.locate(path))
            self.delete(path)

    def exists(self, path: str) -> bool:
        return self.path(check_path(path)).is_file()

    def names(self, folder: str) -> Iterator[str]:
        return iter([entry.name for entry in self._entries(folder)])

    def etags(self, folder: str) -> dict[str, str]:
        stats = {entry.name: stat for entry in self._entries(folder) if (stat := _stat_of(entry))}
        return {name: f"{stat.st_mtime_ns}-{stat.st_size}" for name, stat in stats.items()}

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """The readable entries of a folder, ordered by name."""
        where = self.path(folder)
        if not where.is_dir():
            return []
        with os.scandir(where) as entries:
            return sorted((entry for entry in entries if self._is_ours(folder, entry)), key=lambda entry: entry.name)

    def _is_ours(self, folder: str, entry: os.DirEntry[str]) -> bool:
        """Whether an entry counts: hidden ones don't, and what can't be read by its name is left out."""
        if entry.name.startswith(".") or not is_name(entry.name):
            return False
        path = f"{folder}/{entry.name}" if folder else entry.name
        return not entry.is_symlink() or not leads_out(self.root, path)

    def size(self, path: str) -> int:
        where = self.path(path)
        if not where.is_dir():
            return where.stat().st_size if where.is_file() else 0
        return sum(_bytes_of(os.path.join(top, name)) for top, _, files in os.walk(where) for name in files)

    def delete(self, path: str) -> None:
        target = entry_itself(self.root, path)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)  # links in it are removed, and what they lead to stays
        else:
            with contextlib.suppress(NotADirectoryError):
                target.unlink(missing_ok=True)

    def move(self, source: str, target: str) -> None:
        entry_itself(self.root, source).rename(entry_itself(self.root, target))


@functools.lru_cache(maxsize=256)
def warn_of_link(refusal: str) -> None:
    """Say once that a link is left out."""
    log.warning("%s", refusal)


def leads_out(root: Path, path: str) -> bool:
    """Whether a link leads out of the storage, which is logged once."""
    try:
        inside(root, path)
    except ForeignPath as refusal:
        warn_of_link(str(refusal))
        return True
    return False


def _bytes_of(path: str) -> int:
    """The bytes of a file, a link's own; 0 if it has gone since."""
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def etag_of(content: bytes) -> str:
    """The ETag of a blob: as in a bucket, equal contents have equal ones."""
    return hashlib.sha256(content).hexdigest()[:32]


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other conditional writers out of a folder; raises `StorageError` if one of them doesn't end."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    with os.fdopen(open_or_make(folder / LOCK, os.O_RDWR), "r+") as file:
        while not try_lock(file):
            if time.monotonic() > deadline:
                raise StorageError(
                    f"{folder / LOCK} has been locked by another process for {LOCK_SECONDS:.0f} s; see whether a "
                    "stopped saddle still holds it"
                )
            time.sleep(0.005)
        yield


def _stat_of(file: os.DirEntry[str]) -> os.stat_result | None:
    """The facts about a file; None for a folder or a file that has gone since."""
    try:
        return file.stat() if file.is_file() else None
    except FileNotFoundError:
        return None


def prepare_folder(root: Path) -> LocalStore:
    """A store in `root`, created if missing; raises `StorageError` if it can't be written.

    Where the disk is to blame, and not the choice of the folder, `InfrastructureError`.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=".probe-"):
            pass
    except OSError as error:
        if error.errno in FULL | BROKEN:
            raise explain_fault(f"the storage {root} can't be written: {error.strerror}") from error
        raise StorageError(
            f"the storage {root} can't be written ({error.strerror}); "
            "choose a folder of yours with --storage or SADDLE_STORAGE"
        ) from error
    return LocalStore(root.resolve())
