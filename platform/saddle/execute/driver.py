"""Runs the studies of a file, one after the other, each to its answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.answer_study import answer_study
from saddle.analyse.result import Answer
from saddle.archive.local_part import claim_local
from saddle.archive.retention import apply_policy
from saddle.archive.studies import StoredStudy, settle_study
from saddle.cluster.connection import connect
from saddle.cluster.nodes import require_shared_storage
from saddle.cluster.resources import Nodes, slots_for
from saddle.cluster.watch import watching_cluster
from saddle.design.proposals import AblationProposals
from saddle.execute.final_checks import check_best
from saddle.execute.fingerprint import fingerprint_code, fingerprint_environment, uncommitted_changes
from saddle.execute.interrupt import on_interrupt
from saddle.execute.plan.setup import fence_off_workers, find_baseline, make_proposals, start_progress
from saddle.execute.progress import Listener, ProgressKeeper, Silent
from saddle.execute.scheduler import Conductor
from saddle.execute.stop_request import stop_path
from saddle.redaction import redact
from saddle.report.write import report_path, write_report
from saddle.store.base import Store
from saddle.store.fence import Hold, TakenOver, write_fenced
from saddle.store.infrastructure_errors import infrastructure_error
from saddle.store.ledger import Ledger
from saddle.store.lock import hold_study
from saddle.store.open import study_folder
from saddle.study.models import Study
from saddle.study.selection import selection_of
from saddle.study.trainables import load_trainable
from saddle.track.arm_payload import answer_tags, describe_arms
from saddle.track.base import Tracker
from saddle.track.opening import open_tracker
from saddle.track.study_payload import study_params, study_tags
from saddle.trial.record import Entry
from saddle.trial.run_id import RunId

DELIVERY_SECONDS = 60.0
"""How long a finished study waits for MLflow to take what is left."""


@dataclass(frozen=True)
class Options:
    """How to run, as against what."""

    fresh: bool = False
    retry: Sequence[str] = ()
    """Outcomes (`failed`, `timed_out`) whose trials are run again."""
    data_root: str | None = None
    track: bool = True
    address: str | None = None
    """The cluster to use (see `connect`)."""
    insecure: bool = False
    packages: Sequence[str] = ()
    """What the cluster's nodes are sent beside saddle: folders with a pyproject.toml, or wheels."""
    listener: Callable[[Study], Listener] = lambda study: Silent()
    settled: Callable[[StudyResult], None] = lambda result: None
    """Called when a study has ended."""


@dataclass(frozen=True)
class StudyResult:
    """A study that ran: its entries, its answer in words, and where the report lies."""

    study: Study
    entries: Sequence[Entry]
    answer: Answer
    storage: str
    report: str
    interrupted: bool
    undelivered: str | None = None


def run_studies(studies: Sequence[Study], store: Store, options: Options | None = None) -> list[StudyResult]:
    """Run each study; an interruption ends the list. Raises `saddle.errors.UserError` for what the user can mend."""
    options = options or Options()
    results: list[StudyResult] = []
    with connect(options.address, insecure=options.insecure, packages=options.packages) as nodes:
        require_shared_storage(store)
        for study in studies:
            results.append(run_study(study, store, nodes, options))
            if results[-1].interrupted:
                break
    return results


def run_study(study: Study, store: Store, nodes: Nodes, options: Options) -> StudyResult:
    """Run one study on the connected cluster, or go on with it."""
    with hold_study(store, RunId(study.study)) as hold:
        baseline = find_baseline(study, store)
        stored = settle_study(store, study, baseline, fresh=options.fresh, hold=hold)
        study = stored.study
        trainable = load_trainable(study.trainable)
        run, ledger = stored.run, Ledger(store, stored.run)
        claim_local(store, run, new=not ledger.keys())
        proposals = make_proposals(study, store, ledger, baseline, options.retry, hold)
        recorded, entries = {*ledger.keys()}, ledger.entries()
        fence_off_workers(store, run, {entry.key for entry in entries}, hold)
        slots = slots_for(study, nodes, proposals)
        store.delete(stop_path(run))
        tracker = open_tracker(store, run, enabled=options.track)
        listener = options.listener(study)
        keeper = start_progress(study, run, trainable, store, entries, proposals, slots, listener, hold)
        selection = selection_of(study, trainable)
        code = {**fingerprint_code(trainable), "environment": fingerprint_environment()}
        conductor = Conductor(
            study, trainable, store, ledger, proposals, tracker, keeper,
            select=(selection.metric, selection.direction), fingerprints=code, data_root=options.data_root,
            gpu_seconds=keeper.progress.gpu_seconds or 0.0,
            hours_spent=keeper.progress.hours_before, hold=hold, recorded=recorded,
        )  # fmt: skip
        with noting_faults(keeper, tracker, hold):
            tracker.start_study(study_params(study), study_tags(study, code), study_files(run, store, code, hold))
            tracker.settle(entries)
            run_all(conductor, slots)
            if conductor.is_lost:  # what is left to do here is the other driver's now
                raise TakenOver(hold.why if hold.lost else conductor.conflict)
            asked_to_stop = conductor.stopping
            conductor.stopping = asked_to_stop or proposals.trouble is not None
            if not conductor.stopping:
                measure_as_others(conductor, stored, nodes, options)
                check_best(conductor, stored, options.data_root)
            keeper.end("interrupted" if conductor.stopping else "finished")
            result = conclude(conductor, stored, options)
            if proposals.trouble is not None and not asked_to_stop:
                raise proposals.trouble
            return result


@contextlib.contextmanager
def noting_faults(keeper: ProgressKeeper, tracker: Tracker, hold: Hold) -> Iterator[None]:
    """Let what machine, disk or network did end the study as `InfrastructureError`, noted for `saddle status`.

    Where another driver has the study by now, nothing is noted.
    """
    try:
        yield
    except Exception as error:
        fault = infrastructure_error(error)
        if fault is None or hold.lost:
            raise
        keeper.stop(str(fault))
        with contextlib.suppress(Exception):  # its outbox is on the same disk, and keeps what it has
            tracker.close(0.0)
        raise fault from error


def run_all(conductor: Conductor, slots: int) -> None:
    """Run the trials under Ctrl-C; a study without any left starts nothing."""
    if conductor.proposals.total is not None and conductor.progress.progress.done >= conductor.proposals.total:
        return
    conductor.exhausted()  # said before anything is
    from saddle.cluster.failures import free_orphaned_groups
    from saddle.execute.tune_run import run_trials

    def stop() -> None:
        conductor.stopping = True
        conductor.proposals.hurry()
        conductor.progress.listener.changed(
            conductor.progress.progress, "stopping after the epochs under way; Ctrl-C again to stop at once"
        )

    proposals = conductor.proposals

    with on_interrupt(stop), watching_cluster(lambda error: conductor.progress.stop(str(error))):
        for machine in proposals.legs(slots) if isinstance(proposals, AblationProposals) else [None]:
            run_trials(conductor, slots, machine)
            while conductor.lost and not conductor.stopping:  # lost after Tune had been told that there are no more
                run_trials(conductor, slots, machine)
            if conductor.stopping:
                break
        free_orphaned_groups()


def measure_as_others(conductor: Conductor, stored: StoredStudy, nodes: Nodes, options: Options) -> None:
    """Measure new trials as those before were measured again (see `remeasurement`): they are trained as those were."""
    pending = stored.evaluation.pending(conductor.ledger.entries())
    if not pending:
        return
    from saddle.execute import remeasurement

    how = remeasurement.Options(data_root=options.data_root)
    left_out = remeasurement.measure_pending(
        conductor.store, stored, pending, nodes, conductor.tracker, conductor.hold, how, []
    )
    for key, why in left_out.items():
        conductor.progress.listener.changed(conductor.progress.progress, f"{key} could not be measured again: {why}")


def conclude(conductor: Conductor, stored: StoredStudy, options: Options) -> StudyResult:
    """Answer the question, write the report, drop checkpoints by policy, and let the tracker deliver what is left."""
    study, store = conductor.study, conductor.store
    conductor.set_strays_aside()
    conductor.index()
    entries = conductor.ledger.entries()
    answer = answer_study(study, conductor.trainable, entries, stored.baseline)
    conductor.hold.check()
    report = write_report(store, stored.run, study, conductor.trainable, entries, stored.baseline)
    tags = answer_tags(study, answer, finished=True)
    conductor.tracker.finish_study(
        "KILLED" if conductor.stopping else "FINISHED",
        describe_arms(study, entries, answer, stored.baseline, finished=not conductor.stopping),
        tags,
        [report_path(stored.run)],
        # the same each time that a finished study is told of
        None if conductor.stopping else max((entry.settled for entry in entries), default=None),
    )
    if not conductor.stopping:
        apply_policy(store, stored, conductor.hold)
    undelivered = conductor.tracker.close(DELIVERY_SECONDS)
    result = StudyResult(study, entries, answer, store.url, report, conductor.stopping, undelivered)
    options.settled(result)
    return result


def study_files(run: RunId, store: Store, code: Mapping[str, Any], hold: Hold) -> list[str]:
    """The resolved study file and, where the code differs from its commit, the difference."""
    folder = study_folder(run)
    files = [f"{folder}/study.yaml"]
    if code.get("dirty"):
        write_fenced(store, f"{folder}/code.diff", redact(uncommitted_changes()).encode(), hold)
        files.append(f"{folder}/code.diff")
    return files
