"""Fetch a known dataset over HTTP; only the well-known content is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from trainables.datasets.downloads.http import Progress, download
from trainables.datasets.errors import DataError, nearest
from trainables.datasets.registry import KNOWN
from trainables.datasets.root import data_root


def fetch(
    name: str,
    root: str | os.PathLike[str] | None = None,
    mirror: str | None = None,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Download missing files of dataset `name` to the data root; returns its files, none for a bundled one.

    `mirror`: an address that has the same files. A file that is there but corrupt is downloaded again.
    Raises `DataError` for an unknown name, an unreachable server, wrong content or a folder that can't be written.
    """
    if name not in KNOWN:
        raise DataError(f"{name!r} is not a dataset that can be fetched; {nearest(name, KNOWN)}")
    dataset, folder = KNOWN[name], data_root(root)
    if dataset.bundled:
        return ()
    if not dataset.downloads:
        raise DataError(
            f"{name} can't be fetched: no address with a published checksum is known; put {dataset.what_goes_there} "
            f"into {folder}"
        )

    def get(url: str, file: str, write: Callable[[bytes], object], limit: int) -> None:
        download(url, file, write, limit, progress)

    return tuple(path for wanted in dataset.downloads for path in wanted.fetch(folder, mirror, get))
