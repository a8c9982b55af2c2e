"""Locations of own files, on this machine or in an S3 bucket, behind one interface. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.datasets.errors import DataError

S3 = "s3://"


class File(ABC):
    """A file; as text, its address as users write it."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of the address."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """The full address, and properties that change with the content."""

    @abstractmethod
    def read(self) -> bytes:
        """The whole content."""

    @abstractmethod
    def open(self) -> Any:
        """A file object from which pyarrow reads Parquet, piece by piece."""


class Folder(ABC):
    """A folder or a prefix of keys; as text, its address."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of the address."""

    @abstractmethod
    def children(self) -> list[File | Folder]:
        """Its direct children, sorted by name."""


Location = File | Folder


@dataclass(frozen=True)
class LocalFile(File):
    """A file of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def identity(self) -> str:
        try:
            status = self.path.stat()
        except OSError as error:
            raise DataError(f"{self.path} can't be read: {error.strerror}") from None
        # the change time too, because copying tools set the modification time back
        return f"{self.path.absolute()} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise DataError(f"{self.path} can't be read: {error.strerror}") from None

    def open(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class LocalFolder(Folder):
    """A folder of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.absolute().name

    def children(self) -> list[File | Folder]:
        try:
            paths = sorted(self.path.iterdir())
        except OSError as error:
            raise DataError(f"{self.path} can't be read: {error.strerror}") from None
        return [LocalFolder(path) if path.is_dir() else LocalFile(path) for path in paths]
