"""The interface of a storage: named blobs under one root, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol


class Conflict(Exception):
    """A conditional write was refused: the blob is not as its writer last saw it, somebody else has written it."""


class Store(Protocol):
    """Blobs under `/`-separated relative paths; a write is atomic, so a reader sees the old or the new one.

    Every operation raises `ForeignPath` for a path that leaves the storage: one may come from a damaged file.
    """

    @property
    def url(self) -> str:
        """What a worker on another machine opens the same store with (`open_store`)."""

    @property
    def local(self) -> Path:
        """A folder on this machine's disk for what a driver keeps there: locks, Optuna's journal, the outbox."""

    @property
    def parallel(self) -> int:
        """How many blobs are worth reading at the same time."""

    def locate(self, path: str) -> str:
        """Where a person finds the blob at `path`."""

    def read(self, path: str) -> bytes:
        """The blob at `path`; raises `FileNotFoundError`, or `Damaged` if it is not what was written."""

    def write(self, path: str, content: bytes) -> None:
        """Put the whole blob at `path`, replacing what was there."""

    def fetch(self, path: str) -> tuple[bytes, str]:
        """The blob at `path` and its ETag; raises as `read` does."""

    def etag(self, path: str) -> str | None:
        """The ETag of the blob at `path`, damaged or not; None if there is none. Equal contents may share one."""

    def write_if(self, path: str, content: bytes, etag: str | None) -> str:
        """Write the blob only while its ETag is `etag`, or None while there is none; returns the new ETag.

        In one step, so that of several writers one succeeds. Raises `Conflict`, except where `content` is what is
        there already: an earlier attempt has written it, and its answer was lost.
        """

    def delete_if(self, path: str, etag: str) -> None:
        """Remove the blob only while its ETag is `etag`; nothing happens if there is none. Raises `Conflict`."""

    def exists(self, path: str) -> bool:
        """Whether there is a blob at `path`."""

    def names(self, folder: str) -> Iterator[str]:
        """The names directly below `folder`, sorted, folders included; none if it doesn't exist."""

    def etags(self, folder: str) -> Mapping[str, str]:
        """The names of the blobs directly below `folder`, sorted, each with a stamp that changes with its content."""

    def size(self, path: str) -> int:
        """The bytes of the blob at `path`, or of all blobs below it; 0 if there is none."""

    def delete(self, path: str) -> None:
        """Remove the blob or folder at `path`; nothing happens if there is none."""

    def move(self, source: str, target: str) -> None:
        """Rename a blob or folder."""
