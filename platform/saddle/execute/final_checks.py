"""The checklist at the end of a study, on the cluster: it needs a trial's device and data."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from saddle.analyse.to_check import to_check
from saddle.archive.lookup import FoundTrial
from saddle.archive.model.trial_checks import check_trial
from saddle.archive.studies import StoredStudy
from saddle.cluster.credentials import adopt_credentials
from saddle.cluster.resources import trial_shape
from saddle.execute.recorder import Recorder
from saddle.redaction import redact, redacting
from saddle.store.checks import write_checks
from saddle.store.ledger import Ledger
from saddle.store.open import open_store
from saddle.study.trainables import LoadedTrainable
from saddle.trial.record import TrialRecord
from trainables.contract import CheckItem

LONGEST_SECONDS = 3600.0
"""A study is over without its checklist rather than never; the next `saddle run` of it tries again."""

log = logging.getLogger("saddle")


def check_best(recorder: Recorder, stored: StoredStudy, trainable: LoadedTrainable, data_root: str | None) -> None:
    """Check the trials that would have the badge and were not checked yet, and store and track what was found."""
    store = recorder.ledger.store
    if trainable.check_robustness is None:
        return
    chosen = to_check(stored.results(recorder.ledger.entries()))
    todo = [record for record in chosen if not record.checks and "best" in record.checkpoints]
    if not todo:
        return
    names = ", ".join(entry.key for entry in todo)
    keeper = recorder.progress
    keeper.listener.changed(keeper.progress, f"checking the robustness of {names}")
    for entry, items in zip(todo, ask(stored, store.url, todo, data_root), strict=True):
        if items is not None:
            write_checks(store, stored.run, entry, items, recorder.lock)
            recorder.tracker.note_checks(recorder.ledger.get(entry.key))


def ask(
    stored: StoredStudy, storage: str, todo: Sequence[TrialRecord], data_root: str | None
) -> list[list[CheckItem] | None]:
    """The items of each trial from the cluster; None where it could not be checked, which is logged."""
    import ray

    resources = stored.study.resources
    shape = trial_shape(resources)
    task = ray.remote(
        num_cpus=min(shape.cpus, resources.cpus_per_worker), num_gpus=resources.gpus_per_worker, max_retries=1
    )(check_there)
    answers = [task.remote(stored, storage, entry.key, data_root, resources.cpus_per_worker) for entry in todo]
    ray.wait(answers, num_returns=len(answers), timeout=LONGEST_SECONDS)
    return [_answer(answer, entry) for answer, entry in zip(answers, todo, strict=True)]


def _answer(answer: Any, entry: TrialRecord) -> list[CheckItem] | None:
    import ray

    try:
        items: list[CheckItem] = ray.get(answer, timeout=0)
    except Exception as error:  # whatever it was, the study's trials are finished and its answer stands
        why = redact(str(error)).strip().splitlines()
        log.warning(
            "the robustness of %s could not be checked: %s", entry.key, why[-1] if why else type(error).__name__
        )
        ray.cancel(answer, force=True)
        return None
    return items


@redacting()
def check_there(stored: StoredStudy, storage: str, key: str, data_root: str | None, threads: float) -> list[CheckItem]:
    """Check one trial; runs on a node."""
    import torch

    adopt_credentials(storage)
    torch.set_num_threads(max(1, int(threads)))
    store = open_store(storage, create=False)
    entries = Ledger(store, stored.run).entries()
    entry = next(entry for entry in entries if entry.key == key)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return check_trial(store, FoundTrial(stored, entry), entries, data_root, device)
