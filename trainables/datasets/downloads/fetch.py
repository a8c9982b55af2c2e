"""Fetch a known dataset over HTTP; nothing is kept that isn't the well-known content."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from trainables.datasets.config import KNOWN
from trainables.datasets.downloads.archives import ARCHIVES, ensure
from trainables.datasets.errors import DataError, nearest
from trainables.datasets.formats.idx_sets import IDX_SETS, SIZES, find, places, read_verified
from trainables.datasets.known.finding import what_goes_there
from trainables.datasets.root import data_root

Progress = Callable[[str, int, int | None], None]
"""Told of each file its name, the bytes so far, and the bytes in all where the server says so."""

CHUNK = 1 << 16
TIMEOUT = 30.0


def fetch(
    name: str,
    root: str | os.PathLike[str] | None = None,
    mirror: str | None = None,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Download what of dataset `name` isn't under the data root yet; returns its files, none for a bundled one.

    `mirror`: an address that has the same files. A file that is there but corrupt is downloaded anew.
    Raises `DataError` for an unknown name, an unreachable server, wrong content or a folder that can't be written.
    """
    if name not in KNOWN:
        raise DataError(f"{name!r} is no dataset that can be fetched; {nearest(name, KNOWN)}")
    if KNOWN[name].bundled:
        return ()
    if name not in IDX_SETS:
        return _fetch_archives(name, data_root(root), mirror, progress)
    base = (mirror or IDX_SETS[name].url).rstrip("/")
    return tuple(_ensure(name, file, data_root(root), f"{base}/{file}.gz", progress) for file in SIZES)


def _fetch_archives(name: str, root: Path, mirror: str | None, progress: Progress | None) -> tuple[Path, ...]:
    if name not in ARCHIVES:
        raise DataError(
            f"{name} can't be fetched: no address of it is known here together with a published checksum; "
            f"put {what_goes_there(name)} into {root}"
        )

    def download(url: str, file: str, write: Callable[[bytes], object], limit: int) -> None:
        _download(url, file, write, limit, progress)

    return tuple(path for archive in ARCHIVES[name] for path in ensure(archive, root, mirror, download))


def _ensure(name: str, file: str, root: Path, url: str, progress: Progress | None) -> Path:
    present = find(name, file, root)
    if present is not None:
        try:
            read_verified(name, file, present)
        except DataError:
            target = present if present.suffix == ".gz" else present.with_name(f"{file}.gz")
        else:
            return present
    else:
        target = places(name, root)[0] / f"{file}.gz"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # ends in .gz because the check below goes by the ending; in the target's folder, so that the move is atomic;
        # not by `tempfile`, whose files are for their owner only: data is shared as far as the umask says
        temporary = target.parent / f".fetch-{secrets.token_hex(8)}.gz"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise DataError(f"{target.parent} can't be written: {error.strerror}; choose another --data-root") from None
    try:
        with os.fdopen(handle, "wb") as out:
            _download(url, file, out.write, SIZES[file] + CHUNK, progress)  # gzip never grows a file this much
        try:
            read_verified(name, file, temporary)
        except DataError as error:
            raise DataError(f"{url} gave something else than {file} of {name}: {error}") from None
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    if present is not None and present != target:
        present.unlink()  # a corrupt plain file would be found before the sound gzipped one
    return target


def _download(url: str, file: str, write: Callable[[bytes], object], limit: int, progress: Progress | None) -> None:
    try:
        with urlopen(Request(url, headers={"User-Agent": "saddle"}), timeout=TIMEOUT) as answer:
            length = answer.headers.get("Content-Length")
            total = int(length) if length and length.isdecimal() else None
            done = 0
            while chunk := answer.read(CHUNK):
                write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(file, done, total)
                if done > limit:  # not what was asked for
                    raise DataError(f"{url} is longer than {file} can be")
    except HTTPError as error:
        raise DataError(f"{url} answered {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "reason", None) or error
        raise DataError(
            f"{url} can't be fetched: {reason}; on a machine without internet, copy the files there "
            "or name a mirror (--mirror URL)"
        ) from None
