"""Moving a folder of a bucket, which has no rename: all is copied, then deleted; a note says that this is in progress.

The next process that reads the note completes the move, so that no crash leaves it half done.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from saddle.errors import ForeignPath, StorageError
from saddle.store.base import Store
from saddle.store.files import entry_itself
from saddle.store.paths import check_path
from saddle.store.s3.calls import Calls

Pair = tuple[str, str, int]
"""A blob's path, its new path, and its bytes."""

MARK = ".moving-"
LARGEST_COPY = 5 * 2**30
"""S3's own limit of one copy."""


class Bucket(Store, Protocol):
    """What of a bucket's store is needed beyond that of every store."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""

    @property
    def calls(self) -> Calls:
        """Its client."""

    def listed_key(self, path: str) -> str:
        """The key of a blob whose path is from a listing."""

    def blobs(self, folder: str) -> list[tuple[str, int]]:
        """The paths below `folder`, with their bytes."""

    def delete_folders(self, path: str, below: Sequence[str]) -> None:
        """Delete the folders from `path` down that these blobs were in, where the server keeps such."""

    def delete_all(self, paths: Sequence[str]) -> None:
        """Delete many blobs."""


def note_path(source: str) -> str:
    """The path of the note on the move of `source`: a hidden file in the same folder."""
    folder, slash, name = source.rpartition("/")
    return f"{folder}{slash}{MARK}{name}"


def move_blobs(store: Bucket, source: str, target: str) -> None:
    """Move the blob or folder at `source`; raises `FileNotFoundError` if there is none."""
    for path in (source, target):
        check_path(path)
    finish_move(store, source)
    if not store.blobs(source) and not store.exists(source):
        raise FileNotFoundError(f"{store.locate(source)} does not exist")
    store.write(note_path(source), json.dumps({"target": target}).encode())
    finish_move(store, source)


def finish_move(store: Bucket, source: str) -> None:
    """Complete the move of `source` that its note describes; nothing happens if there is no note."""
    try:
        target = check_path(json.loads(store.read(note_path(source)))["target"])
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, ForeignPath) as error:
        raise StorageError(
            f"{store.locate(note_path(source))} is damaged, so where {source} was being moved to isn't known: {error}; "
            "see which of its blobs have been moved already, then delete this note"
        ) from error
    blobs = store.blobs(source)
    alone = store.size(source) if not blobs and store.exists(source) else None
    pairs = [(path, target + path.removeprefix(source), size) for path, size in blobs]
    if alone is not None:
        pairs.append((source, target, alone))
    for part in reversed(layers(pairs)):
        with ThreadPoolExecutor(store.parallel) as pool:
            list(pool.map(lambda pair: copy(store, *pair), part))
    if pairs:
        require_copies(store, target, {copied: size for _, copied, size in pairs})
    for part in layers(pairs):
        store.delete_all([path for path, _, _ in part])
    store.delete_folders(source, [path for path, _, _ in pairs if path != source])
    move_local(entry_itself(store.local, source), entry_itself(store.local, target))
    store.delete_all([note_path(source)])


def layers(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """The blobs directly in the folder, and those deeper; both empty if there are none.

    The folder's own blobs identify it: copied last and deleted first, they are never there without all the rest, so
    that a reader in the middle of a move, or after one that was killed, sees a whole study or none.
    """
    depth = min((path.count("/") for path, _, _ in pairs), default=0)
    parts = [[pair for pair in pairs if (pair[0].count("/") == depth) is own] for own in (True, False)]
    return [part for part in parts if part]


def move_local(source: Path, target: Path) -> None:
    """Move what this machine's driver keeps of the folder."""
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)


def require_copies(store: Bucket, target: str, wanted: Mapping[str, int]) -> None:
    """Raise `StorageError` unless every copy is there with its size: what was copied from is deleted next."""
    there = dict(store.blobs(target)) | ({target: store.size(target)} if target in wanted else {})
    missing = [path for path, size in wanted.items() if there.get(path) != size]
    if missing:
        raise StorageError(
            f"{len(missing)} of {len(wanted)} copies are not at {store.locate(target)} though {store.calls.endpoint} "
            f"said that they were made, such as {missing[0]!r}; nothing was deleted"
        )


def copy(store: Bucket, source: str, target: str, size: int) -> None:
    """Copy one blob within the bucket, its metadata too."""
    if size >= LARGEST_COPY:
        store.write(target, store.read(source))
        return
    store.calls(
        "copying",
        store.listed_key(source),
        lambda: store.calls.client.copy_object(
            Bucket=store.bucket,
            Key=store.listed_key(target),
            CopySource={"Bucket": store.bucket, "Key": store.listed_key(source)},
        ),
    )
