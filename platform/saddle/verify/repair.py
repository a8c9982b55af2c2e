"""Repairs what follows from the ledger, with the study's lock held, so that no driver starts meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence

import optuna

from saddle.archive.local_part import claim_local
from saddle.archive.studies import StoredStudy, read_study
from saddle.search.database import shared_url
from saddle.search.optuna_search import RETRIED, SETTINGS, open_search, trial_key
from saddle.search.rebuild import rebuild
from saddle.search.storage import journal_path, name_in_storage, open_storage
from saddle.search.unfinished import begun_trials, read_settings, write_settings
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.checkpoint.manifest import manifest_path, recover_manifest
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.ownership.lock import lock_study
from saddle.study.seeds import SEARCH_SEED
from saddle.track.artifact_root import relocate
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec
from saddle.verify.checkpoints import keys_of
from saddle.verify.difference import Difference, Repair
from saddle.verify.optuna import read_search
from saddle.verify.verify_study import Verification, verify_study

PASSES = 4
"""One repair may reveal the next difference: a damaged entry set aside, its trial in Optuna, then its MLflow run."""


def repair_study(store: Store, run: RunId) -> Verification:
    """Repair what can be derived, and compare once more; raises `StorageError` while a driver runs the study."""
    mended: list[Difference] = []
    with lock_study(store, run):
        for _ in range(PASSES):
            verification = verify_study(store, run, repairing=True)
            todo = [difference for difference in verification.differences if difference.repairable]
            stored = read_study(store, run.name) if todo else None
            if stored is None:
                break
            claim_local(store, stored.run)
            mend(store, stored, verification, todo)
            mended += [difference for difference in todo if difference not in mended]
        else:
            verification = verify_study(store, run, repairing=True)
    repaired = [difference for difference in mended if difference not in verification.differences]
    return Verification(**{**vars(verification), "repaired": tuple(repaired)})


def mend(store: Store, stored: StoredStudy, verification: Verification, todo: Sequence[Difference]) -> None:
    """Do what the differences require, the ledger first; what the next pass finds is left to it."""
    by_repair: dict[Repair, list[Difference]] = {}
    for difference in todo:
        by_repair.setdefault(difference.repair, []).append(difference)
    if Repair.SET_ASIDE in by_repair:
        for difference in by_repair[Repair.SET_ASIDE]:
            set_aside(store, stored.run, difference.subjects[0])
        return  # now other trials have ended
    if Repair.REINDEX in by_repair:
        for difference in by_repair[Repair.REINDEX]:
            store.delete(difference.subjects[0])
        Ledger(store, stored.run).index()
    if Repair.REBUILD_OPTUNA in by_repair:
        rebuild_search(store, stored, verification.finished)
    elif Repair.REMOVE in by_repair:
        for difference in by_repair[Repair.REMOVE]:
            store.delete(difference.subjects[0])
    for difference in by_repair.get(Repair.RECOVER, ()):
        folder = difference.subjects[0]
        etag = store.etag(manifest_path(folder))
        Checkpoints(store, folder, recover_manifest(store, folder), etag).update()
    if Repair.RELOCATE in by_repair:
        relocate(store)
    if any(difference.where == "mlflow" for difference in todo):
        from saddle.verify.mlflow_repair import retell

        retell(store, stored, verification, [difference for difference in todo if difference.where == "mlflow"])


def set_aside(store: Store, run: RunId, path: str) -> None:
    """Move a ledger file out of the ledger, to where no command reads it."""
    name = path.rpartition("/")[2]
    store.write(f"{study_folder(run)}/set-aside/{time.strftime('%Y%m%dT%H%M%S')}-{name}", store.read(path))
    store.delete(path)


def rebuild_search(store: Store, stored: StoredStudy, finished: Sequence[TrialRecord]) -> None:
    """Recreate Optuna's study; what only the old one has of unfinished trials is stored first."""
    run = stored.run
    keys = keys_of(finished)
    old = read_search(store, stored)
    for trial in old.trials or ():
        key, settings = trial_key(trial.number), trial.user_attrs.get(SETTINGS)
        if key not in keys and settings is not None and read_settings(store, run, key) is None:
            write_settings(store, TrialSpec(key, run, settings, SEARCH_SEED, number=trial.number))
    in_storage = name_in_storage(run)
    journal = journal_path(store, run)
    if shared_url() is None:
        journal.unlink(missing_ok=True)
    storage = open_storage(journal)
    if old.trials is not None and shared_url() is not None:
        optuna.delete_study(study_name=in_storage, storage=storage)
    rebuild(stored.study, storage, in_storage, finished, begun_trials(store, run, keys))
    if old.trials is not None:
        open_search(stored.study, storage, in_storage).set_user_attr(RETRIED, list(old.retried))
