"""Known datasets that are fetched as archives or large files: their addresses, checksums, and where they go."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainables.datasets.errors import DataError

LIMIT = 400_000_000
"""No archive is so many bytes long."""
CHUNK = 1 << 20

Download = Callable[[str, str, Callable[[bytes], object], int], None]
"""Fetches an address: given it, the file's name, what takes the bytes, and how many are too many."""


@dataclass(frozen=True)
class Archive:
    """A file at `url`, its published MD5, and what of it comes to lie in `folder`: `members` of a tar, or itself."""

    url: str
    file: str
    md5: str
    folder: str
    members: tuple[str, ...] = ()

    def targets(self, root: Path) -> tuple[Path, ...]:
        """The files that it brings."""
        return tuple(root / self.folder / name for name in self.members or (self.file,))


ARCHIVES: Mapping[str, tuple[Archive, ...]] = {
    "cifar10": (
        Archive(
            "https://www.cs.toronto.edu/~kriz",
            "cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",
            "cifar-10-batches-bin",
            (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"),
        ),
    ),
    "svhn": (
        # the authors' own address has no TLS; the checksums stand for the content
        Archive(
            "http://ufldl.stanford.edu/housenumbers", "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373", "SVHN"
        ),
        Archive("http://ufldl.stanford.edu/housenumbers", "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3", "SVHN"),
    ),
}
"""Only what has a published address and checksum; the checksums are those that torchvision knows, too."""


def ensure(archive: Archive, root: Path, mirror: str | None, download: Download) -> tuple[Path, ...]:
    """The files of an archive below the data root, downloaded unless all of them are there.

    Raises `DataError` where the server sends something else than the well-known content; nothing of that is kept.
    """
    targets = archive.targets(root)
    if all(path.is_file() for path in targets):
        return targets
    url = f"{(mirror or archive.url).rstrip('/')}/{archive.file}"
    folder = root / archive.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".fetch-") as name:
            hidden = Path(name)
            fetched = hidden / archive.file
            with fetched.open("wb") as out:
                download(url, archive.file, out.write, LIMIT)
            _verify(fetched, url, archive.md5)
            found = _unpack(fetched, hidden, archive.members, url) if archive.members else [fetched]
            for path, target in zip(found, targets, strict=True):
                os.replace(path, target)
    except OSError as error:
        raise DataError(f"{folder} can't be written: {error.strerror or error}; choose another --data-root") from None
    return targets


def _verify(path: Path, url: str, md5: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != md5:
        raise DataError(
            f"{url} gave something else than {path.name}: its md5 is {digest.hexdigest()}, the published one {md5}"
        )


def _unpack(path: Path, folder: Path, members: tuple[str, ...], url: str) -> list[Path]:
    """The wanted members by their file names alone, so that no path in the archive leads anywhere else."""
    try:
        with tarfile.open(path) as archive:
            found = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
            for name in members:
                content = archive.extractfile(found[name]) if name in found else None
                if content is None:
                    raise DataError(f"{url} has no {name}")
                with content, (folder / name).open("wb") as out:
                    shutil.copyfileobj(content, out, CHUNK)
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{url} is no sound archive: {error}") from None
    return [folder / name for name in members]
