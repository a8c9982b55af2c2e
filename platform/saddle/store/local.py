"""Storage in a local folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saddle.store.base import Conflict, StorageError

LOCK = ".lock"
"""The file that conditional writers of a folder lock. The folder itself would do, but not over NFS."""

LOCK_SECONDS = 30.0
"""How long a conditional write waits for another one; each takes milliseconds, unless its process was stopped."""


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
        return str(self.path(path))

    def path(self, path: str) -> Path:
        """Where the blob at `path` lies on this machine."""
        return self.root / path

    def read(self, path: str) -> bytes:
        return self.path(path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def fetch(self, path: str) -> tuple[bytes, str]:
        content = self.read(path)
        return content, etag_of(content)

    def etag(self, path: str) -> str | None:
        try:
            return etag_of(self.read(path))
        except FileNotFoundError:
            return None

    def write_if(self, path: str, content: bytes, etag: str | None) -> str:
        with exclusive(self.path(path).parent):
            present, wanted = self.etag(path), etag_of(content)
            if present == wanted:
                return wanted
            if present != etag:
                raise Conflict(self.locate(path))
            self.write(path, content)
        return wanted

    def delete_if(self, path: str, etag: str) -> None:
        with exclusive(self.path(path).parent):
            if self.etag(path) not in (None, etag):
                raise Conflict(self.locate(path))
            self.delete(path)

    def exists(self, path: str) -> bool:
        return self.path(path).is_file()

    def names(self, folder: str) -> Iterator[str]:
        where = self.path(folder)
        return (
            iter(sorted(p.name for p in where.iterdir() if not p.name.startswith("."))) if where.is_dir() else iter(())
        )

    def stamps(self, folder: str) -> dict[str, str]:
        where = self.path(folder)
        if not where.is_dir():
            return {}
        with os.scandir(where) as found:
            files = sorted((file.name, file) for file in found if not file.name.startswith("."))
        return {name: f"{stat.st_mtime_ns}-{stat.st_size}" for name, file in files if (stat := _stat_of(file))}

    def size(self, path: str) -> int:
        where = self.path(path)
        files = where.rglob("*") if where.is_dir() else [where]
        return sum(file.stat().st_size for file in files if file.is_file())

    def delete(self, path: str) -> None:
        target = self.path(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def move(self, source: str, target: str) -> None:
        self.path(source).rename(self.path(target))


def etag_of(content: bytes) -> str:
    """The ETag of a blob: as in a bucket, equal contents have equal ones."""
    return hashlib.sha256(content).hexdigest()[:32]


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other conditional writers out of a folder; raises `StorageError` where one of them doesn't end."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    with (folder / LOCK).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"{folder / LOCK} has been locked by another process for {LOCK_SECONDS:.0f} s; see whether a "
                        "stopped saddle still holds it"
                    ) from None
                time.sleep(0.005)
        yield


def _stat_of(file: os.DirEntry[str]) -> os.stat_result | None:
    """What is known of a file; None for a folder, or where it has gone since."""
    try:
        return file.stat() if file.is_file() else None
    except FileNotFoundError:
        return None


def prepare_folder(root: Path) -> LocalStore:
    """A store in `root`, made where it is missing; raises `StorageError` where it can't be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=".probe-"):
            pass
    except OSError as error:
        raise StorageError(
            f"the storage {root} can't be written ({error.strerror}); "
            "choose a folder of yours with --storage or SADDLE_STORAGE"
        ) from error
    return LocalStore(root.resolve())
