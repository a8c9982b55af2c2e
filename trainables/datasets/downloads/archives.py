"""Archives and large files of known datasets: address, checksum, and where they are stored."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trainables.datasets.downloads.http import HttpGet
from trainables.datasets.errors import DataError

LIMIT = 400_000_000
"""Upper bound of the bytes of an archive."""
CHUNK = 1 << 20


@dataclass(frozen=True)
class Archive:
    """A file at `url`, its published MD5, and what is stored in `folder`: `members` of a tar, or the file itself."""

    url: str
    file: str
    md5: str
    folder: str
    members: tuple[str, ...] = ()

    def targets(self, root: Path) -> tuple[Path, ...]:
        """The files that it contains."""
        return tuple(root / self.folder / name for name in self.members or (self.file,))

    def fetch(self, root: Path, mirror: str | None, get: HttpGet) -> tuple[Path, ...]:
        """The files of the archive below the data root, downloaded unless all of them are there.

        Raises `DataError` if the server sends anything but the well-known content; nothing of that is kept.
        """
        targets = self.targets(root)
        if all(path.is_file() for path in targets):
            return targets
        url = f"{(mirror or self.url).rstrip('/')}/{self.file}"
        folder = root / self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=root, prefix=".fetch-") as name:
                hidden = Path(name)
                fetched = hidden / self.file
                with fetched.open("wb") as out:
                    get(url, self.file, out.write, LIMIT)
                _verify(fetched, url, self.md5)
                unpacked = _unpack(fetched, hidden, self.members, url) if self.members else [fetched]
                for path, target in zip(unpacked, targets, strict=True):
                    os.replace(path, target)
        except OSError as error:
            raise DataError(
                f"{folder} can't be written: {error.strerror or error}; choose another --data-root"
            ) from None
        return targets


def _verify(path: Path, url: str, md5: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != md5:
        raise DataError(
            f"{url} returned something other than {path.name}: its md5 is {digest.hexdigest()}, the published one {md5}"
        )


def _unpack(path: Path, folder: Path, members: tuple[str, ...], url: str) -> list[Path]:
    """The wanted members by their file names alone, so that no path in the archive leads anywhere else."""
    try:
        with tarfile.open(path) as archive:
            by_name = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
            for name in members:
                content = archive.extractfile(by_name[name]) if name in by_name else None
                if content is None:
                    raise DataError(f"{url} has no {name}")
                with content, (folder / name).open("wb") as out:
                    shutil.copyfileobj(content, out, CHUNK)
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{url} is not a valid archive: {error}") from None
    return [folder / name for name in members]
