"""The checklist at the end of a study, on the cluster: it needs a trial's device and data."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence

from saddle.analyse.to_check import to_check
from saddle.archive.lookup import FoundTrial
from saddle.archive.model.trial_checks import check_trial
from saddle.archive.studies import StoredStudy
from saddle.cluster.capacity.resources import trial_shape
from saddle.cluster.credentials import adopt_credentials
from saddle.execute.recorder import Recorder
from saddle.execute.warm_slots import WarmSlots
from saddle.execute.worker.errand import Errand
from saddle.redaction import redact, redacting
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import open_store
from saddle.store.run_files.checks import write_checks
from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable
from saddle.trial.record import TrialRecord
from trainables.contract import CheckItem

LONGEST_SECONDS = 3600.0
"""A study is over without its checklist rather than never; the next `saddle run` of it tries again."""

log = logging.getLogger("saddle")


def check_best(
    recorder: Recorder, stored: StoredStudy, trainable: LoadedTrainable, data_root: str | None, warm: WarmSlots
) -> None:
    """Check the trials that would have the badge and were not checked yet, and store and track what was found."""
    store = recorder.ledger.store
    if trainable.check_robustness is None:
        return
    records = to_check(stored.results(recorder.ledger.entries()))
    todo = [record for record in records if not record.checks and "best" in record.checkpoints]
    if not todo:
        return
    names = ", ".join(entry.key for entry in todo)
    keeper = recorder.progress
    keeper.listener.changed(keeper.progress, f"checking the robustness of {names}")
    for entry, items in zip(todo, ask(stored, store.url, todo, data_root, warm), strict=True):
        if items is not None:
            write_checks(store, stored.run, entry, items, recorder.lock)
            recorder.tracker.note_checks(recorder.ledger.get(entry.key))


def ask(
    stored: StoredStudy, storage: str, todo: Sequence[TrialRecord], data_root: str | None, warm: WarmSlots
) -> list[list[CheckItem] | None]:
    """The items of each trial from a warm slot or the cluster; None if it could not be checked, which is logged."""
    threads = stored.study.resources.cpus_per_worker
    errands = [Errand(check_there, (stored, storage, entry.key, data_root, threads)) for entry in todo]
    if warm.call(errands, LONGEST_SECONDS):
        return [_answer(errand.result, entry) for errand, entry in zip(errands, todo, strict=True)]
    return ask_cluster(stored.study, errands, todo)


def ask_cluster(study: Study, errands: Sequence[Errand], todo: Sequence[TrialRecord]) -> list[list[CheckItem] | None]:
    """The same from processes that the cluster starts for it."""
    import ray

    resources = study.resources
    shape = trial_shape(resources)
    task = ray.remote(
        num_cpus=min(shape.cpus, resources.cpus_per_worker), num_gpus=resources.gpus_per_worker, max_retries=1
    )(check_there)
    answers = [task.remote(*errand.arguments) for errand in errands]
    ray.wait(answers, num_returns=len(answers), timeout=LONGEST_SECONDS)
    items = []
    for answer, entry in zip(answers, todo, strict=True):
        items.append(_answer(functools.partial(ray.get, answer, timeout=0), entry))
        if items[-1] is None:
            ray.cancel(answer, force=True)
    return items


def _answer(result: Callable[[], list[CheckItem]], entry: TrialRecord) -> list[CheckItem] | None:
    try:
        return result()
    except Exception as error:  # in any case the study's trials are finished and its answer holds
        why = redact(str(error)).strip().splitlines()
        log.warning(
            "the robustness of %s could not be checked: %s", entry.key, why[-1] if why else type(error).__name__
        )
        return None


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
