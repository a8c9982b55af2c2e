"""From the name that a user gives of a study, which may be a whole URL, to its storage and its name there."""

from __future__ import annotations

from os import PathLike

from saddle.archive.studies import run_names
from saddle.store.base import Store
from saddle.store.open import open_store, study_folder
from saddle.trial.run_id import MARK, RunId

STUDIES = "/studies/"


def open_named(name: str, storage: str | PathLike[str] | None = None) -> tuple[Store, str]:
    """The storage with the study or trial `name`, and its name there.

    A URL (`s3://BUCKET/PREFIX/STUDY` or `s3://BUCKET/PREFIX/studies/STUDY`, both also with `/TRIAL`) names its storage
    itself; for any other name it is `storage`, or the usual one. Raises `StorageError`.
    """
    if "://" not in name:
        return open_store(storage, create=False), name
    url = name.rstrip("/")
    below, as_written, last = url.rpartition(STUDIES)
    study = parent(url)
    readings = [*([(below, last)] if as_written else []), study, parent(*study)]
    for where, short in readings:
        store = open_store(where, create=False)
        if is_stored(store, short.partition("/")[0]):
            return store, short
    where, short = readings[0]
    return open_store(where, create=False), short


def is_stored(store: Store, name: str) -> bool:
    """Whether the storage has a run of the name, or of a name like it if it is `STUDY@BEGINNING`."""
    if RunId.is_name(name) and store.exists(f"{study_folder(RunId.stored(name))}/study.yaml"):
        return True
    study, mark, _ = name.partition(MARK)
    return bool(mark) and any(RunId.stored(run_name).study == study for run_name in run_names(store))


def parent(url: str, name: str = "") -> tuple[str, str]:
    """The URL without its last part, which goes before `name`; a bucket has no parent."""
    above, slash, last = url.rpartition("/")
    if not slash or above.endswith(":/"):
        return url, name
    return above, f"{last}/{name}".rstrip("/")
