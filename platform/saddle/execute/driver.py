"""Runs the studies of a file, one after the other, each to its answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saddle.analyse.answer import Answer
from saddle.analyse.answering import answer_study
from saddle.analyse.best import best
from saddle.archive.studies import settle_study
from saddle.design.arms import make_arms, replicates
from saddle.design.proposals import AblationProposals
from saddle.errors import UserError
from saddle.execute.cluster import connect
from saddle.execute.conductor import Conductor
from saddle.execute.fingerprint import fingerprint_code, fingerprint_environment
from saddle.execute.interrupt import on_interrupt
from saddle.execute.progress import Listener, Progress, ProgressKeeper, Silent, read_progress
from saddle.execute.shapes import slots_for
from saddle.execute.stopping import stop_path
from saddle.report.writing import report_path, write_report
from saddle.search.optuna_proposals import OptunaProposals
from saddle.search.proposals import Proposals
from saddle.store.entry import Entry
from saddle.store.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.lock import hold_lock
from saddle.store.opening import study_folder
from saddle.study.models import Study
from saddle.study.selection import selection_of
from saddle.study.trainables import load_trainable
from saddle.track.opening import open_tracker

DELIVERY_SECONDS = 60.0
"""How long a finished study waits for MLflow to take what is left."""


class NothingToBuildOn(UserError):
    """An ablation names the best of a search that has no finished trial."""


@dataclass(frozen=True)
class Options:
    """How to run, as against what."""

    fresh: bool = False
    retry: Sequence[str] = ()
    """Outcomes (`failed`, `timed_out`) whose trials are run again."""
    data_root: str | None = None
    track: bool = True
    listener: Callable[[Study], Listener] = lambda study: Silent()
    settled: Callable[[StudyResult], None] = lambda result: None
    """Called when a study has ended."""


@dataclass(frozen=True)
class StudyResult:
    """A study that ran: its entries, its answer in words, and where the report lies."""

    study: Study
    entries: Sequence[Entry]
    answer: Answer
    report: Path
    interrupted: bool
    undelivered: str | None = None


def run_studies(studies: Sequence[Study], store: LocalStore, options: Options | None = None) -> list[StudyResult]:
    """Run each study; an interruption ends the list. Raises `saddle.errors.UserError` for what the user can mend."""
    options = options or Options()
    results: list[StudyResult] = []
    with connect() as cluster:
        for study in studies:
            results.append(run_study(study, store, cluster, options))
            if results[-1].interrupted:
                break
    return results


def run_study(study: Study, store: LocalStore, cluster: Mapping[str, float], options: Options) -> StudyResult:
    """Run one study on the connected cluster, or go on with it."""
    folder = study_folder(study.study)
    with hold_lock(store.path(f"{folder}.lock")):
        baseline = find_baseline(study, store)
        stored = settle_study(store, study, baseline, fresh=options.fresh)
        trainable = load_trainable(study.trainable)
        ledger = Ledger(store, study.study)
        proposals = make_proposals(study, store, ledger, baseline, options.retry)
        slots = slots_for(study, cluster, proposals)
        store.delete(stop_path(study.study))
        tracker = open_tracker(store, study.study, stored.instance, enabled=options.track)
        keeper = start_progress(study, trainable, store, ledger, proposals, slots, options.listener(study))
        selection = selection_of(study, trainable)
        code = {**fingerprint_code(trainable), "environment": fingerprint_environment()}
        conductor = Conductor(
            study, trainable, store, ledger, proposals, tracker, keeper,
            select=(selection.metric, selection.direction), fingerprints=code, data_root=options.data_root,
            gpu_seconds=sum(e.seconds for e in ledger) * study.resources.workers * study.resources.gpus_per_worker,
            hours_spent=keeper.progress.hours_before,
        )  # fmt: skip
        tracker.start_study(
            {**study.settings, "trainable": study.trainable, "recipe": study.recipe, "scale": study.scale},
            study_tags(study, code),
            [store.path(f"{folder}/study.yaml")],
        )
        run_all(conductor, slots)
        keeper.end("interrupted" if conductor.stopping else "finished")
        return conclude(conductor, stored.baseline, options)


def run_all(conductor: Conductor, slots: int) -> None:
    """Run the trials under Ctrl-C; a study without any left starts nothing."""
    if conductor.proposals.total is not None and conductor.progress.progress.done >= conductor.proposals.total:
        return
    from saddle.execute.tuning import run_trials

    def stop() -> None:
        conductor.stopping = True
        conductor.progress.listener.changed(
            conductor.progress.progress, "stopping after the epochs under way; Ctrl-C again to stop at once"
        )

    with on_interrupt(stop):
        run_trials(conductor, slots)


def conclude(conductor: Conductor, baseline: Mapping[str, Any] | None, options: Options) -> StudyResult:
    """Answer the question, write the report, and let the tracker deliver what is left."""
    study, store = conductor.study, conductor.store
    entries = conductor.ledger.entries()
    answer = answer_study(study, conductor.trainable, entries, baseline)
    report = write_report(store, study, conductor.trainable, entries, baseline)
    tags = {"saddle.question": study.question, "saddle.answer": answer.sentence}
    conductor.tracker.finish_study(
        "KILLED" if conductor.stopping else "FINISHED",
        mean_by_arm(entries),
        tags,
        [store.path(report_path(study.study))],
    )
    undelivered = conductor.tracker.close(DELIVERY_SECONDS)
    result = StudyResult(study, entries, answer, report, conductor.stopping, undelivered)
    options.settled(result)
    return result


def find_baseline(study: Study, store: LocalStore) -> dict[str, Any] | None:
    """The ablation's baseline with the best trial's settings in it; None in a search."""
    if study.ablation is None:
        return None
    if study.ablation.best_of is None:
        return dict(study.ablation.baseline)
    from saddle.archive.studies import read_study

    name = study.ablation.best_of
    search = read_study(store, name)
    if search is None or search.study.objective is None:
        raise NothingToBuildOn(
            f"{study.study} starts from the best of {name}, which is no search in this storage; run it first"
        )
    found = best(Ledger(store, name), search.study.objective[0], search.study.constraints)
    if found is None:
        raise NothingToBuildOn(
            f"{study.study} starts from the best of {name}, which has no completed trial that keeps its constraints"
        )
    return {**found.settings, **study.ablation.baseline}


def make_proposals(
    study: Study, store: LocalStore, ledger: Ledger, baseline: Mapping[str, Any] | None, retry: Sequence[str]
) -> Proposals:
    """What decides on the study's trials, without those whose outcome is to be run again."""
    entries = list(ledger)
    again = [entry for entry in entries if entry.outcome in retry]
    if study.ablation is not None:
        assert baseline is not None
        for entry in again:
            store.delete(f"{study_folder(study.study)}/trials/{entry.key}")
            ledger.remove(entry.key)
        arms = make_arms(study.ablation, baseline, study.settings)
        return AblationProposals(replicates(arms, study.ablation.seed_list), {e.key for e in ledger})
    search = OptunaProposals(
        study, store.path(f"{study_folder(study.study)}/optuna.journal"), {e.key: e for e in entries}
    )
    search.retry(again)
    return search


def start_progress(
    study: Study,
    trainable: Any,
    store: LocalStore,
    ledger: Ledger,
    proposals: Proposals,
    slots: int,
    listener: Listener,
) -> ProgressKeeper:
    """Count what earlier runs have done."""
    selection = selection_of(study, trainable)
    metric, direction = selection.metric, selection.direction
    if study.ablation is not None and study.ablation.compare.metric is not None:
        metric = study.ablation.compare.metric
        direction = trainable.METRICS[metric]
    earlier = read_progress(store, study.study)
    before = earlier.hours_before + (earlier.updated - earlier.started) / 3600 if earlier else 0.0
    progress = Progress(study.study, study.question, proposals.total, slots, metric=metric, hours_before=before)
    keeper = ProgressKeeper(progress, store, listener, maximize=direction == "maximize")
    for entry in ledger:
        keeper.count(entry.key, entry.outcome, entry.metrics)
        progress.done += 1
    return keeper


def study_tags(study: Study, code: Mapping[str, Any]) -> dict[str, str]:
    """What the study's run is tagged with in MLflow."""
    from saddle.study.loader import dump_study

    return {
        "saddle.question": study.question,
        "saddle.code": str(code.get("commit", code["sources"])),
        "saddle.dirty": str(code.get("dirty", "")),
        "saddle.environment": json.dumps(code["environment"]),
        "mlflow.note.content": f"{study.question}\n\n```yaml\n{dump_study(study)}\n```",
        "saddle.started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def mean_by_arm(entries: Sequence[Entry]) -> dict[str, dict[str, float]]:
    """The mean over seeds of every metric of an arm's completed replicates."""
    values: dict[str, dict[str, list[float]]] = {}
    for entry in entries:
        if entry.arm is not None and entry.outcome == "completed":
            for name, value in entry.metrics.items():
                values.setdefault(entry.arm, {}).setdefault(name, []).append(value)
    return {arm: {name: sum(v) / len(v) for name, v in metrics.items()} for arm, metrics in values.items()}
