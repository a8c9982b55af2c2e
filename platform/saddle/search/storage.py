"""Optuna's storage of one study, opened only under the driver's lock: a journal on local disk, or a shared database."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from saddle.search.database import open_shared, shared_url
from saddle.store.base import Store
from saddle.store.files import driver_file, open_file
from saddle.store.open import study_folder
from saddle.trial.run_id import RunId


class HeldByDriver:
    """No lock of its own: the driver's flock already makes it the only writer, and dies with it."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def cut_tail(path: Path) -> int:
    """Drop what follows the last line end of a journal (a writer killed in mid-line); returns the bytes dropped."""
    content = path.read_bytes() if path.exists() else b""
    keep = content.rfind(b"\n") + 1
    if keep < len(content):
        with os.fdopen(open_file(path, os.O_RDWR), "r+b") as file:
            file.truncate(keep)
    return len(content) - keep


def journal_path(store: Store, run: RunId) -> Path:
    """The path of a search's journal on this machine; raises `ForeignPath` if it is a link."""
    return driver_file(store, f"{study_folder(run)}/optuna.journal")


def open_storage(journal: Path) -> BaseStorage:
    """The database that SADDLE_OPTUNA_URL names, else the journal at `journal`; raises `SharedDatabaseError`."""
    url = shared_url()
    return open_journal(journal) if url is None else open_shared(url)


def name_in_storage(run: RunId) -> str:
    """What Optuna calls a run of a study: in a shared database others, and older instances, may have the same name."""
    return run.study if shared_url() is None else f"{run.study}@{run.instance}"


def open_journal(path: Path) -> JournalStorage:
    """The journal at `path`, made if it is missing, its truncated tail cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_tail(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=HeldByDriver()))


def quiet_optuna() -> None:
    """Silence Optuna's warnings: `sampler_notes.notes` reports them once, in our words."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Silence warnings of what is called: of features on trial, of choices that are lists, of trials ended twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
