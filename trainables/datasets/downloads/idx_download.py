"""The four files of MNIST and its relatives, fetched and kept gzipped."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from trainables.datasets.downloads.http import CHUNK, HttpGet
from trainables.datasets.errors import DataError
from trainables.datasets.formats.idx_sets import SIZES, IdxSet


@dataclass(frozen=True)
class IdxDownload:
    """The files of an `IdxSet` at `url`; one that is there but corrupt is downloaded again."""

    files: IdxSet
    url: str

    def fetch(self, root: Path, mirror: str | None, get: HttpGet) -> tuple[Path, ...]:
        """The files below the data root; see `known_dataset.Download`."""
        base = (mirror or self.url).rstrip("/")
        return tuple(_fetch(self.files, file, root, f"{base}/{file}.gz", get) for file in SIZES)


def _fetch(files: IdxSet, file: str, root: Path, url: str, get: HttpGet) -> Path:
    present = files.find(file, root)
    if present is not None:
        try:
            files.read_verified(file, present)
        except DataError:
            target = present if present.suffix == ".gz" else present.with_name(f"{file}.gz")
        else:
            return present
    else:
        target = files.places(root)[0] / f"{file}.gz"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # ends in .gz because the check below uses the ending; in the target's folder, so that the move is atomic;
        # not by `tempfile`, whose files are for their owner only: data is shared as far as the umask allows
        temporary = target.parent / f".fetch-{secrets.token_hex(8)}.gz"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise DataError(f"{target.parent} can't be written: {error.strerror}; choose another --data-root") from None
    try:
        with os.fdopen(handle, "wb") as out:
            get(url, file, out.write, SIZES[file] + CHUNK)  # gzip never grows a file this much
        try:
            files.read_verified(file, temporary)
        except DataError as error:
            raise DataError(f"{url} returned something other than {file} of {files.name}: {error}") from None
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    if present is not None and present != target:
        present.unlink()  # a corrupt plain file would take precedence over the sound gzipped one
    return target
