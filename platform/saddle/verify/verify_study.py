"""Compares everything that is stored of one study."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from saddle.analyse.study_results import StudyResults
from saddle.archive.progress import read_progress
from saddle.archive.studies import StoredStudy, read_study
from saddle.errors import SharedDatabaseError, UserError
from saddle.redaction import redact
from saddle.search.optuna_search import SETTINGS, trial_key
from saddle.search.unfinished import begun_trials
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.ownership.lock import Driver, driver_of
from saddle.track.answer_payload import answer_tags
from saddle.track.arm_payload import describe_arms
from saddle.track.base import ArmSummary
from saddle.track.mlflow_tracker import outbox_folder
from saddle.track.opening import was_tracked
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.verify import optuna as search_side
from saddle.verify.checkpoints import compare_checkpoints, keys_of, orphans
from saddle.verify.difference import Difference, Repair
from saddle.verify.ledger import needed_keys, read_ledger, replicate_keys
from saddle.verify.outbox_backlog import waiting


@dataclass(frozen=True)
class Verification:
    """What was compared of a study, and every difference; `driver` is the process that runs it, if there is one."""

    study: str
    driver: Driver | None = None
    finished: Sequence[TrialRecord] = ()
    unfinished: Sequence[str] = ()
    total: int | None = None
    differences: Sequence[Difference] = ()
    notes: Sequence[str] = ()
    repaired: Sequence[Difference] = field(default=())

    @property
    def clean(self) -> bool:
        return not self.differences

    def facts(self) -> dict[str, Any]:
        """The verification as plain data for JSON."""
        return {
            "study": self.study,
            "clean": self.clean,
            "driver": asdict(self.driver) if self.driver is not None else None,
            "finished": len(self.finished),
            "unfinished": list(self.unfinished),
            "total": self.total,
            "differences": [difference.facts() for difference in self.differences],
            "repaired": [difference.facts() for difference in self.repaired],
            "notes": list(self.notes),
        }


def verify_study(store: Store, run: RunId, *, repairing: bool = False) -> Verification:
    """Compare everything of one run of a study; `repairing` says that its lock is ours, so that no driver trains it."""
    name = run.name
    driver = None if repairing else driver_of(store, run)
    try:
        stored = read_study(store, name)
        problem = "the study's file is missing" if stored is None else ""
    except UserError as error:
        stored, problem = None, str(error)
    run = stored.run if stored is not None else run
    ledger = read_ledger(store, run, stored)
    if stored is None:
        return Verification(name, driver, differences=(Difference("study", None, problem), *ledger.differences))
    finished = keys_of(ledger.entries)
    every_difference = [*ledger.differences]
    notes: list[str] = []
    if stored.study.search is None:
        known_keys = replicate_keys(stored) or set()
        needed = needed_keys(stored, list(finished.values()))
        total: int | None = len({*finished, *needed})
        started = {key for key in store.names(f"{study_folder(run)}/trials") if key in known_keys}
        unfinished = sorted((started & needed) - set(finished))
    else:
        differences, unfinished, known_keys, total = _search(store, stored, finished, driver is not None)
        every_difference += differences
    known_keys = {*known_keys, *finished, *(difference.trial or "" for difference in ledger.differences)}
    checkpoints, by_policy = compare_checkpoints(store, run, finished)
    every_difference += checkpoints
    if driver is None:
        every_difference += orphans(store, run, known_keys)
    if by_policy:
        notes.append(f"{by_policy} checkpoints were removed by the study's policy")
    results = stored.results(ledger.entries)
    every_difference += _tracking(store, results, ledger.unusable, unfinished, driver is not None, notes)
    if driver is not None:
        where = f" on {driver.host}" if driver.host else ""
        notes.append(f"process {driver.process}{where} is running the study; only finished trials were compared")
    if driver is None and (total is None or len(finished) < total):
        ended = f"{len(finished)} trials" if total is None else f"{len(finished)} of {total} trials"
        continuation = "it was set aside and is not resumed" if run.is_set_aside else "`saddle run` resumes the study"
        if stored.declared.imported is not None:
            continuation = "`saddle import` adds those that are in its table by then"
        verb = "is" if len(unfinished) == 1 else "are"
        notes.append(f"{ended} have ended, {len(unfinished)} {verb} unfinished; {continuation}")
    return Verification(name, driver, ledger.entries, unfinished, total, tuple(every_difference), tuple(notes))


def _search(
    store: Store, stored: StoredStudy, finished: dict[str, TrialRecord], running: bool
) -> tuple[list[Difference], list[str], set[str], int | None]:
    """Optuna's side: differences, unfinished trials, those whose settings are known, and how many there are to be."""
    run = stored.run
    started = [progress.spec.key for progress in begun_trials(store, run, finished).values() if progress is not None]
    try:
        search = search_side.read_search(store, stored)
    except SharedDatabaseError as error:
        return [Difference("optuna", None, f"can't be compared: {error}")], started, {*started}, None
    proposed = {trial_key(trial.number) for trial in search.trials or () if SETTINGS in trial.user_attrs}
    in_ledger = Ledger(store, run).__contains__
    differences = search_side.compare_search(stored.study, search, finished, running, in_ledger)
    missing = [] if running or search.trials is None else sorted({*started} - proposed)
    differences += [
        Difference("optuna", key, "it has begun, and is missing", Repair.REBUILD_OPTUNA)
        for key in missing
        if not in_ledger(key)
    ]
    unfinished = started if search.trials is None else search_side.unfinished(search, finished)
    return differences, unfinished, {*started, *proposed}, search_side.total(stored.study, search)


def _tracking(
    store: Store,
    results: StudyResults,
    unusable: Container[str],
    unfinished: Sequence[str],
    running: bool,
    notes: list[str],
) -> list[Difference]:
    """MLflow's side, where the study was ever tracked."""
    run = results.run
    if not was_tracked(store, run):
        notes.append("the study was never tracked in MLflow")
        return []
    from saddle.verify.artifacts import compare_artifacts
    from saddle.verify.mlflow import Situation, compare_runs
    from saddle.verify.mlflow_lookup import NoExperiment, reach

    waits = waiting(outbox_folder(store, run))
    differences = []
    if waits and running:
        notes.append(f"{waits.total()} messages for MLflow wait in the outbox")
    elif waits:
        differences.append(Difference("mlflow", None, f"{waits.total()} messages wait in the outbox", Repair.DELIVER))
    progress = read_progress(store, run)
    is_finished = progress is not None and progress.state == "finished"
    status = None if running else "FINISHED" if is_finished else "KILLED"
    arms, tags = ({}, {}) if running else _expected(results, finished_study=is_finished)
    try:
        runs = reach(store, run)
        now = Situation(results, unusable, unfinished, status, waits, arms, tags)
        return [*differences, *compare_runs(runs, now), *compare_artifacts(store, runs, now)]
    except NoExperiment as error:
        return differences if waits else [*differences, Difference("mlflow", None, str(error), Repair.RESEND)]
    except Exception as error:  # for any error of the server or its client; the rest has been compared
        lines = redact(str(error)).strip().splitlines() or [""]
        return [
            *differences,
            Difference("mlflow", None, f"can't be compared: {type(error).__name__}: {lines[0][:300]}"),
        ]


def _expected(results: StudyResults, *, finished_study: bool) -> tuple[dict[str, ArmSummary], dict[str, str]]:
    """What MLflow should say of an ablation's arms or a relation's units, and of its answer."""
    if results.study.search is not None:
        return {}, {}
    return describe_arms(results, finished=finished_study), answer_tags(results, finished=finished_study)
