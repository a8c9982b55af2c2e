"""The sources of a trainable that is a file of the user's own, kept with the run, so that every node trains the same.

They are stored as one zip under their checksum; a process that needs them unpacks them on this machine, once.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from saddle.errors import OwnSourcesError
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced
from saddle.study.trainable.own_sources import checksum_of, folder_checksum, read_sources
from saddle.trainable_source import TrainableSource
from saddle.trial.run_id import RunId
from trainables.datasets.cache.space import cache_root

LONG_AGO = (1980, 1, 1, 0, 0, 0)


def archive_path(run: RunId, checksum: str) -> str:
    """Where a run keeps the sources with this checksum."""
    return f"{study_folder(run)}/sources-{checksum}.zip"


def write_sources(store: Store, run: RunId, source: TrainableSource, lock: StudyLock) -> None:
    """Keep the sources of a run's trainable with it; those that it had before stay. Raises `TakenOver`.

    Raises `OwnSourcesError` if the files are no longer those that were imported.
    """
    path = archive_path(run, source.checksum)
    if store.exists(path):
        return
    sources = read_sources(Path(source.folder), source.suffixes)
    if checksum_of(sources) != source.checksum:
        raise OwnSourcesError(f"the files in {source.folder} changed just now; run the same command again")
    write_fenced(store, path, packed(sources), lock)


def packed(sources: Mapping[str, bytes]) -> bytes:
    """Sources as a zip, the same bytes for the same sources."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sources.items():
            archive.writestr(zipfile.ZipInfo(path, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def located(store: Store, run: RunId, source: TrainableSource) -> TrainableSource:
    """The source with a folder of this machine that holds its sources.

    That is its own folder while the sources in it are the same, so that a file finds the others in it, else an
    unpacked copy. Raises `OwnSourcesError` if the run has none, or others than its checksum says.
    """
    if not source.is_own or (
        source.folder and folder_checksum(Path(source.folder), source.suffixes) == source.checksum
    ):
        return source
    copy = cache_root().parent / "sources" / source.checksum
    if not source.checksum or folder_checksum(copy, source.suffixes) != source.checksum:
        _unpack(store, run, source.checksum, copy)
    return replace(source, folder=str(copy))


def changed_files(store: Store, run: RunId, checksum: str, source: TrainableSource) -> list[str]:
    """The files of `source` that are not as in the sources of this checksum, or are in one of both alone, by name.

    None if the run does not keep those.
    """
    try:
        content = store.read(archive_path(run, checksum))
    except FileNotFoundError:
        return []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        before = {name: archive.read(name) for name in archive.namelist()}
    now = read_sources(Path(source.folder), source.suffixes)
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _unpack(store: Store, run: RunId, checksum: str, copy: Path) -> None:
    """Put the sources of a run into the folder `copy`, whole or not at all."""
    try:
        content = store.read(archive_path(run, checksum))
    except FileNotFoundError as error:
        raise OwnSourcesError(f"{run} has no sources of its trainable in its storage") from error
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sources = {name: archive.read(name) for name in archive.namelist()}
    if checksum_of(sources) != checksum or any(".." in PurePosixPath(name).parts for name in sources):
        raise OwnSourcesError(f"the stored sources of {run} are not those that it was trained with")
    copy.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=copy.parent))
    for name, data in sources.items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(data)
    shutil.rmtree(copy, ignore_errors=True)  # a damaged one
    try:
        os.rename(scratch, copy)
    except OSError:  # another process was first
        shutil.rmtree(scratch, ignore_errors=True)
