"""Datasets that take time to decode, decoded once per node into files that all its processes map."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import PIL

from trainables.datasets.cache.arrow_writer import write_splits
from trainables.datasets.cache.lock import hold
from trainables.datasets.cache.mapped import Damaged, map_split
from trainables.datasets.cache.space import BUILDING, FACTS, LOCK, cache_root, make_room, remove
from trainables.datasets.config import FolderDataset, NamedDataset, ParquetDataset
from trainables.datasets.dataset import Dataset
from trainables.datasets.decoding.images import POLICY, Decoding
from trainables.datasets.decoding.plausibility import Tally, absent_classes
from trainables.datasets.decoding.tiles import for_tiles
from trainables.datasets.errors import DataError, Mistakes
from trainables.datasets.finding import find_source
from trainables.datasets.sources import SPLITS, Source

FORMAT = 2
"""Raise it whenever the same files would be decoded or written differently. 2: groups that the source names."""
REPORT_EVERY = 30.0

Described = NamedDataset | FolderDataset | ParquetDataset

log = logging.getLogger(__name__)


def load_cached(spec: Described, root: Path | None = None) -> Dataset:
    """The dataset that a description names, from the node's cache; it is written there first if it is missing.

    Its tensors are maps of the cache's files. Small local datasets are cached, too: reading them twice from images
    costs more than the file does. Raises `DataError` for what is wrong with the source or the cache.
    """
    source = find_source(spec, root)
    try:
        cache = cache_root()
        cache.mkdir(parents=True, exist_ok=True)
        path = cache / key_of(spec, source)
        try:
            cached = _open(path)
        except Damaged:
            cached = None  # handled under the lock
        if cached is None:
            with hold(path.with_name(path.name + LOCK), source.name) as beat:
                cached = _open_or_build(path, spec, source, lambda: find_source(spec, root), beat)
        return cached
    except OSError as error:
        raise DataError(_on_disk(error)) from error


def key_of(spec: Described, source: Source) -> str:
    """The name of the entry: it changes with the files, their contents, the size and the tile."""
    parts = [FORMAT, POLICY, PIL.__version__, source.name, spec.height_width]
    parts += [(role, file.identity) for role, file in source.files]
    if spec.tile is not None:  # else the key is that of earlier versions
        parts.append(("tile", spec.tile))
    decoding, mistakes = decoding_of(spec), getattr(source, "mistakes", ())
    if decoding != Decoding():
        parts.append(("decoding", decoding.background, decoding.value_range))
    if isinstance(spec, ParquetDataset) and (spec.parquet.image or spec.parquet.label):
        parts.append(("columns", spec.parquet.image, spec.parquet.label))
    group = spec.parquet.group if isinstance(spec, ParquetDataset) else getattr(spec, "group", None)
    if group:
        parts.append(("group", group))
    if mistakes:  # so that an entry from before isn't taken for the present files
        parts.append(("mistakes", mistakes))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def decoding_of(spec: Described) -> Decoding:
    """How a description has its images decoded; known datasets are as they were published."""
    return Decoding() if isinstance(spec, NamedDataset) else Decoding(spec.background_colour, spec.range)


def _open_or_build(
    path: Path, spec: Described, source: Source, again: Callable[[], Source], beat: Callable[[], None]
) -> Dataset:
    try:
        cached = _open(path)  # another process may have built it meanwhile
    except Damaged as error:
        log.warning("the cache of %s is damaged and is rebuilt (%s)", source.name, error)
        cached = None
    if cached is not None:
        return cached
    remove(path, held_too=True)
    _build(path, spec, source, again, beat)
    make_room(path.parent, keep=path)
    try:
        cached = _open(path)
    except Damaged as error:
        raise DataError(f"the cache of {source.name} is damaged right after it was written: {error}") from None
    if cached is None:
        raise DataError(f"the cache of {source.name} was removed right after it was written; run the command again")
    return cached


def _build(path: Path, spec: Described, source: Source, again: Callable[[], Source], beat: Callable[[], None]) -> None:
    """Write the entry to a hidden folder, then publish it; `again` finds the source again, to check for changes."""
    hidden = path.with_name(f".{path.name}{BUILDING}")
    shutil.rmtree(hidden, ignore_errors=True)  # of a killed builder: the lock shows that it has ended
    hidden.mkdir()
    try:
        contents = for_tiles(source.contents()) if spec.tile is not None else source.contents()
        total = sum(len(labels) for labels in contents.labels.values())
        reported = time.monotonic()

        def report(images: int) -> None:
            nonlocal reported
            beat()
            if time.monotonic() - reported > REPORT_EVERY:
                reported = time.monotonic()
                # a warning, because users don't see lower levels
                log.warning("loading %s into the cache: %d of %d images", source.name, images, total)

        tally = Tally()
        shape = write_splits(hidden, contents, spec.height_width, spec.tile, report, decoding_of(spec), tally)
        if key_of(spec, again()) != path.name:
            raise DataError(f"dataset {source.name} was changed while it was being read; run the command again")
        written = _map(hidden, source.name, contents.classes, shape)
        remarks = list(contents.remarks)
        if not isinstance(spec, NamedDataset):
            Mistakes([f"{source.name}: {m}" for m in tally.mistakes(decoding_of(spec))]).raise_any()
            present = {split: set(of.labels.tolist()) for split, of in written.splits.items()}
            remarks += [*absent_classes(contents.classes, present), *tally.remarks(contents.classes)]
        facts = {
            "name": source.name,
            "source": spec.model_dump(mode="json", exclude_none=True),
            "classes": contents.classes,
            "shape": shape,
            "images": sum(len(split) for split in written.splits.values()),
            "fingerprint": written.fingerprint,
            "origins": contents.origins,
            "remarks": remarks,
        }
        (hidden / FACTS).write_text(json.dumps(facts))
        for path_to_sync in (*hidden.iterdir(), hidden):
            _sync(path_to_sync)
        hidden.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _open(path: Path) -> Dataset | None:
    """The entry's dataset, None if there is none; raises `Damaged` if its contents differ from what was written."""
    noted = path / FACTS
    try:
        facts = json.loads(noted.read_text())
        name, fingerprint = str(facts["name"]), str(facts["fingerprint"])
        classes, shape = tuple(facts["classes"]), tuple(facts["shape"])
        mapped = _map(path, name, classes, shape)
        dataset = replace(mapped, origins=dict(facts["origins"]), remarks=tuple(facts["remarks"]))
        state = tuple((file.stat().st_ino, file.stat().st_mtime_ns) for file in sorted(path.glob("*.arrow")))
        written = _fingerprint(path, name, classes, shape, state)
    except FileNotFoundError:
        if noted.exists():
            raise Damaged(f"{path} lacks a file") from None
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(f"{noted}: {error}") from None
    if written != fingerprint:
        raise Damaged(f"{path} has a different checksum")
    vars(dataset)["fingerprint"] = fingerprint  # as `cached_property` would keep it
    with suppress(OSError):  # the time of the last use; gone, or of another user's
        os.utime(noted)
    return dataset


def _map(path: Path, name: str, classes: tuple[str, ...], shape: tuple[int, int, int]) -> Dataset:
    train, test = (map_split(path / f"{split}.arrow", shape) for split in SPLITS)
    validation = path / "validation.arrow"
    return Dataset(name, classes, train, test, map_split(validation, shape) if validation.exists() else None)


@lru_cache(maxsize=64)
def _fingerprint(
    path: Path, name: str, classes: tuple[str, ...], shape: tuple[int, int, int], state: tuple[tuple[int, int], ...]
) -> str:
    """The checksum of an entry's contents; computed once per process while `state`, that of its files, is the same."""
    return _map(path, name, classes, shape).fingerprint


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk, so that no crash leaves a published entry half written."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _on_disk(error: OSError) -> str:
    """A system error of the cache as a message for users."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk of the cache {cache_root()} is full; make room with `saddle data cache --clear`, "
            "or name another folder with SADDLE_CACHE"
        )
    return (
        f"the cache {error.filename or cache_root()} can't be used: {error.strerror or error}; "
        "name another folder with SADDLE_CACHE"
    )
