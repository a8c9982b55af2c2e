"""Opens the store that a user names, and says where things are stored in it."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.local import LocalStore, prepare_folder
from saddle.store.paths import check_name
from saddle.trial.run_id import RunId

DEFAULT_STORAGE = "runs"
OWNER = "instance"
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def open_store(storage: str | os.PathLike[str] | None = None, *, create: bool = True) -> Store:
    """The store at `storage`, else `SADDLE_STORAGE`, else `runs/` here.

    `create` makes sure that it can be written. Raises `StorageError` if it can't, or is of a kind that isn't known.
    """
    where = os.fspath(storage or os.environ.get("SADDLE_STORAGE") or DEFAULT_STORAGE)
    if where.startswith("s3://"):
        from saddle.store.s3.prepare import parse_url, prepare_bucket

        store = parse_url(where)
        return prepare_bucket(store) if create else store
    require_text(where)
    scheme = SCHEME.match(where)
    if scheme is not None:
        raise unknown_scheme(scheme[1])
    return prepare_folder(Path(where)) if create else LocalStore(Path(where).resolve())


def require_text(path: str) -> None:
    """Raise `StorageError` for a path with bytes that are not UTF-8: no URL, database or message of Ray can hold it."""
    whole = os.path.abspath(path) if "://" not in path else path
    try:
        whole.encode()
    except UnicodeEncodeError:
        shown = whole.encode(errors="surrogateescape").decode(errors="backslashreplace")
        raise StorageError(
            f"the storage {shown} has bytes in its path that are not UTF-8 text, which MLflow and Ray can't handle; "
            "rename the folder, or choose another with --storage or SADDLE_STORAGE"
        ) from None


def unknown_scheme(scheme: str) -> StorageError:
    """What is wrong with a URL that we have no store for; the rest of it may hold a secret and is not repeated."""
    if scheme.lower() == "file":
        return StorageError("a storage in a folder is given by its path, such as --storage runs, not by file:/…")
    near = difflib.get_close_matches(scheme.lower(), ["s3"], cutoff=0.4)
    hint = "did you mean s3://BUCKET/PREFIX? " if near else ""
    return StorageError(
        f"{scheme}:/… is not a kind of storage; {hint}there are local folders, such as --storage runs, and "
        "s3://BUCKET/PREFIX at any S3-compatible endpoint (AWS_ENDPOINT_URL)"
    )


def study_folder(run: RunId) -> str:
    """The folder of one run of a study; raises `ForeignPath` for a name that isn't valid."""
    check_name(run.name, "the name of a study")
    return run.folder


def local_owner(store: Store, run: RunId) -> str:
    """The instance whose journal and outbox this machine keeps for a run in a bucket; empty if nothing says it."""
    try:
        return (store.local / study_folder(run) / OWNER).read_text().strip()
    except FileNotFoundError:
        return ""


def trial_folder(run: RunId, key: str) -> str:
    """Where checkpoints, arrays and images of one trial are stored; raises `ForeignPath` for what can't be its key."""
    return f"{study_folder(run)}/trials/{check_name(key, 'the key of a trial')}"
