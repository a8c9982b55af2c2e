"""The files on this machine of a run that is stored in a bucket (Optuna's journal, the outbox): of that run alone.

The study may have been restarted from another machine, which did not know about the folder here.
"""

from __future__ import annotations

import logging
import shutil

from saddle.archive.studies import read_study, set_aside_names
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.local import LocalStore
from saddle.store.open import OWNER, local_owner
from saddle.trial.run_id import RunId

log = logging.getLogger("saddle")


def claim_local(store: Store, run: RunId, *, new: bool = False) -> None:
    """Make this machine's folder that of `run`, for the holder of the run's lock; another instance's is moved.

    A folder without an owner was made by an older saddle: it counts as that of the run, unless this is `new`. A folder
    of a run that is no longer stored is deleted.
    """
    if isinstance(store, LocalStore):
        return
    folder, owner = store.local / run.folder, local_owner(store, run)
    if folder.exists() and owner != run.instance and (owner or new):
        other = next((name for name in set_aside_names(store) if owner and instance_of(store, name) == owner), None)
        target = None if other is None else store.local / RunId.stored(other).folder
        if target is not None and not target.exists():
            shutil.move(folder, target)
        else:
            log.warning("%s is of another run of %s, and was removed", folder, run.study)
            shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OWNER).write_text(run.instance)


def instance_of(store: Store, name: str) -> str:
    """The instance of a stored run; empty if it can't be read."""
    try:
        stored = read_study(store, name)
    except UserError:
        return ""
    return "" if stored is None else stored.instance
