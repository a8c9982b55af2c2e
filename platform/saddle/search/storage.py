"""Optuna's storage of one study: a journal on local disk, opened only under the driver's lock."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock


class HeldByDriver(BaseJournalFileLock):
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
        with path.open("r+b") as file:
            file.truncate(keep)
    return len(content) - keep


def open_journal(path: Path) -> JournalStorage:
    """The journal at `path`, made where it is missing, its truncated tail cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_tail(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=HeldByDriver()))


def quiet_optuna() -> None:
    """Let saddle's own progress speak: Optuna logs only warnings."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
