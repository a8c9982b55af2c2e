"""Storing the results of a table as a study: new ones are added, and a table that changes stored ones is refused."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from saddle.analyse.study_results import StudyResults
from saddle.archive.imported.results import ImportedResult, TableColumns
from saddle.archive.local_part import claim_local
from saddle.archive.progress import Progress, progress_path, read_progress
from saddle.archive.studies import StoredStudy, read_study, set_aside, write_study
from saddle.design import Replicate
from saddle.design.blocks import replicate_name, settings_of
from saddle.errors import StudyChanged, TableChanged, UserError
from saddle.report.write import report_path, write_report
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced
from saddle.store.ownership.lock import lock_study
from saddle.study.imported_table import IMPORTED, ImportedTable
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from saddle.studyfile.loader import refused_differences
from saddle.track.answer_payload import describe_answer
from saddle.track.arm_payload import describe_arms
from saddle.track.mlflow_tracker import outbox_folder
from saddle.track.opening import open_tracker
from saddle.track.outbox import has_backlog
from saddle.track.study_payload import study_params, study_tags
from saddle.trial.json_text import to_json
from saddle.trial.measurement import Measurement
from saddle.trial.outcome import Outcome
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

MOST_CHANGES = 20
DELIVERY_SECONDS = 60.0
"""How long an import waits for MLflow to accept the remaining messages."""


@dataclass(frozen=True)
class ImportedStudy:
    """A stored study of imported results, how many of its trials are new, and where its report is.

    `undelivered` states what MLflow has not accepted, in words.
    """

    results: StudyResults
    new: int
    report: str
    undelivered: str | None = None


def seeds_of_import(store: Store, name: str) -> Sequence[int]:
    """The seeds that a stored import of this name has, in their order; none if there is none."""
    stored = read_study(store, name)
    return () if stored is None or stored.declared.imported is None else stored.study.seed_list


def declare_results(columns: TableColumns, table: ImportedTable) -> Declarations:
    """What is known about the metrics of imported trials, which is not which of them chose checkpoints."""
    metrics = {column.metric.name: column.metric for column in columns.metrics}
    return Declarations(IMPORTED, metrics, columns.metrics[0].metric.name, imported=table)


def store_results(
    store: Store,
    study: Study,
    declared: Declarations,
    results: Sequence[ImportedResult],
    *,
    fresh: bool = False,
    track: bool = True,
) -> ImportedStudy:
    """Store the results as the trials of `study`, or add those that a stored one lacks; write the report, update
    MLflow.

    Raises `TableChanged` if a stored trial has other values in the table, or is gone from it, and `StudyChanged`
    where the study differs in more than added seeds.
    """
    with lock_study(store, RunId(study.study)) as lock:
        stored = _earlier(store, study, fresh=fresh, lock=lock)
        run = stored.run if stored is not None else RunId(study.study, uuid.uuid4().hex[:12])
        replicates = _by_replicate(StoredStudy(study, run, _baseline(study)), results)
        ledger = Ledger(store, run)
        present = {record.key: record for record in ledger.entries()} if stored is not None else {}
        changes = list(_changes(replicates, present))
        if changes:
            more = [f"and {len(changes) - MOST_CHANGES} more"] if len(changes) > MOST_CHANGES else []
            raise TableChanged(study.study, [*changes[:MOST_CHANGES], *more])
        new = [key for key in replicates if key not in present]
        progress = read_progress(store, run)
        if stored is not None and not new and progress is not None and progress.state == "finished":
            waits = track and has_backlog(outbox_folder(store, run))
            undelivered = open_tracker(store, run).close(DELIVERY_SECONDS) if waits else None
            return ImportedStudy(stored.results(list(present.values())), 0, store.locate(report_path(run)), undelivered)
        if stored is not None and not new:
            declared = stored.declared
        settled = write_study(store, run, study, _baseline(study), declared, stored, lock)
        claim_local(store, run, new=not present)
        now = time.time()
        for key in new:
            ledger.add(_record(settled, *replicates[key], now, lock))
        ledger.index()
        return _conclude(store, settled, len(new), lock, track=track)


def _earlier(store: Store, study: Study, *, fresh: bool, lock: StudyLock) -> StoredStudy | None:
    """The stored import that is added to; raises `UserError` where what is stored is another study."""
    stored = read_study(store, study.study)
    if stored is not None and fresh:
        lock.check()
        set_aside(store, stored.run)
        return None
    if stored is None:
        return None
    if stored.declared.imported is None:
        raise UserError(f"{study.study} is a study that was run here; import the table under another name")
    refused = refused_differences(stored.study, study)
    if refused:
        raise StudyChanged(study.study, refused)
    return stored


def _baseline(study: Study) -> Mapping[str, str]:
    return {} if study.ablation is None else dict(study.ablation.baseline)


def _by_replicate(
    stored: StoredStudy, results: Sequence[ImportedResult]
) -> dict[str, tuple[Replicate, ImportedResult]]:
    """Each result with its replicate, by the replicate's key."""
    by_place = {(result.arm, result.seed, _block(result.block, stored.study)): result for result in results}
    paired = {}
    for replicate in stored.replicates:
        [arm] = {*replicate.arm.levels.values()}
        result = by_place.get((str(arm), replicate.seed, _block(replicate.block, stored.study)))
        if result is not None:
            paired[replicate.key] = (replicate, result)
    return paired


def _block(block: Mapping[str, str], study: Study) -> tuple[str, ...]:
    """The levels of the study's blocks, in their order; a block at one level does not count."""
    return () if study.ablation is None else tuple(str(block[name]) for name in study.ablation.blocks)


def _changes(
    replicates: Mapping[str, tuple[Replicate, ImportedResult]], present: Mapping[str, TrialRecord]
) -> Iterator[str]:
    """Where the table differs from each stored trial: `mp, seed 2: test/accuracy 0.51 → 0.52`."""
    for key, record in present.items():
        name = replicate_name(record.arm or "", record.seed, record.block)
        if key not in replicates:
            yield f"{name} is no longer in the table"
            continue
        _, result = replicates[key]
        for metric in sorted({*record.metrics, *result.metrics}):
            old, new = record.metrics.get(metric), result.metrics.get(metric)
            if old != new:
                yield f"{name}: {metric} {_shown(old)} → {_shown(new)}"


def _shown(value: float | None) -> str:
    return "no value" if value is None else f"{value:.10g}"


def _record(
    stored: StoredStudy, replicate: Replicate, result: ImportedResult, now: float, lock: StudyLock
) -> TrialRecord:
    """The ledger's record of a result: completed elsewhere, without an epoch or a second of training here."""
    table = stored.declared.imported
    assert table is not None
    settings = {**replicate.arm.settings, **settings_of(replicate.block)}
    params = {**stored.study.settings, **settings}
    spec = TrialSpec(
        replicate.key, stored.run, settings, replicate.seed, replicate.arm.name, dict(replicate.block),
        params=params, sources=dict.fromkeys(params, IMPORTED),
    )  # fmt: skip
    measurement = Measurement(
        dict(result.metrics),
        fingerprints={IMPORTED: {"table": table.file, "sha256": table.sha256}},
        not_finite=list(result.without_value),
    )
    progress = TrialProgress(spec, started=now)
    return TrialRecord(progress, str(Outcome.COMPLETED), measurement, ended=now, token=lock.token)


def _conclude(store: Store, stored: StoredStudy, new: int, lock: StudyLock, *, track: bool) -> ImportedStudy:
    """Write progress and report, and send MLflow every trial; known ones change nothing."""
    results = stored.read_results(store)
    table = stored.declared.imported
    assert table is not None
    write_fenced(store, progress_path(stored.run), to_json(asdict(_progress(stored, results, lock))).encode(), lock)
    report = write_report(store, results)
    tracker = open_tracker(store, stored.run, enabled=track, declared=stored.declared)
    tags = study_tags(stored.study, {"sources": f"{IMPORTED} from {table.file}", "environment": {}})
    tags[f"saddle.{IMPORTED}"] = table.file
    tracker.start_study(study_params(stored.study), tags, [f"{study_folder(stored.run)}/study.yaml"])
    for record in results.records:
        tracker.start_trial(record.progress)
        tracker.finish_trial(record, [])
    tracker.finish_study(
        "FINISHED",
        describe_arms(results, finished=True),
        describe_answer(results, finished=True),
        [report_path(stored.run)],
        max((record.settled for record in results.records), default=None),
    )
    return ImportedStudy(results, new, report, tracker.close(DELIVERY_SECONDS))


def _progress(stored: StoredStudy, results: StudyResults, lock: StudyLock) -> Progress:
    outcomes = Counter(record.outcome for record in results.records)
    return Progress(
        stored.run.study,
        stored.study.question,
        total=len(results.records),
        done=len(results.records),
        outcomes=dict(outcomes),
        metric=results.metric.name,
        state="finished",
        token=lock.token,
    )
