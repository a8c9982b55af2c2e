"""Runs the studies of a file, one after the other, each to its answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.result import Answer
from saddle.analyse.study_results import StudyResults
from saddle.archive.local_part import claim_local
from saddle.archive.retention import apply_policy
from saddle.archive.studies import StoredStudy, settle_study
from saddle.cluster.capacity.node_requests import asking_for_nodes
from saddle.cluster.capacity.nodes import require_shared_storage
from saddle.cluster.capacity.resources import Nodes, slots_for
from saddle.cluster.capacity.slot_count import SlotCount, alive_nodes, can_grow
from saddle.cluster.connection import connect, is_own
from saddle.cluster.failures.control_process import watching_cluster
from saddle.design.blocks import MACHINE
from saddle.design.trial_source import AblationSource
from saddle.errors import DoesNotFit, InfrastructureError, TakenOver
from saddle.execute.end_notice import tell_end, text_of_end, text_of_stop
from saddle.execute.final_checks import check_best
from saddle.execute.fingerprint import fingerprint_code, fingerprint_environment, uncommitted_changes
from saddle.execute.first_node import wait_for_first_node
from saddle.execute.gpu_memory import GpuMemory
from saddle.execute.interrupt import on_interrupt
from saddle.execute.plan.baseline import find_baseline
from saddle.execute.plan.local_resources import local_resources
from saddle.execute.plan.preflight import connected
from saddle.execute.plan.setup import fence_off_workers, make_source, place_trials, require_named
from saddle.execute.plan.units import settle_units
from saddle.execute.progress import Listener, ProgressKeeper, Silent, start_progress
from saddle.execute.recorder import Recorder
from saddle.execute.scheduler import Scheduler
from saddle.execute.stop_request import stop_path
from saddle.execute.warm_slots import WarmSlots, warm_slots
from saddle.redaction import redact
from saddle.report.write import report_path, write_report
from saddle.store.base import Store
from saddle.store.infrastructure_errors import infrastructure_error
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.ownership.fence import NO_LOCK, StudyLock, write_fenced
from saddle.store.ownership.lock import lock_study
from saddle.store.run_files.notes import note_tags, read_notes
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.track.answer_payload import describe_answer
from saddle.track.arm_payload import describe_arms
from saddle.track.base import Tracker
from saddle.track.opening import open_tracker
from saddle.track.study_payload import study_params, study_tags
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.source import TrialSource

DELIVERY_SECONDS = 60.0
"""How long a finished study waits for MLflow to take what is left."""


@dataclass(frozen=True)
class Options:
    """How studies are run; which ones is a separate argument."""

    fresh: bool = False
    retry: Sequence[str] = ()
    """Outcomes (`failed`, `timed_out`) whose trials are run again."""
    again: Sequence[str] = ()
    """Trials that are run again by name; what they were is set aside (see `make_source`)."""
    accept_changes: bool = False
    """Whether trials may be added that are trained with other code than the stored ones (see `changed_code`)."""
    data_root: str | None = None
    track: bool = True
    check: bool = True
    """Whether the trial that would be called the best has its robustness checked."""
    address: str | None = None
    """The cluster to use (see `connect`)."""
    insecure: bool = False
    packages: Sequence[str] = ()
    """What the cluster's nodes are sent in addition to saddle: folders with a pyproject.toml, or wheels."""
    listener: Callable[[Study], Listener] = lambda study: Silent()
    settled: Callable[[EndedStudy], None] = lambda result: None
    """Called when a study has ended."""
    waiting: Callable[[str], contextlib.AbstractContextManager[None]] = lambda what: contextlib.nullcontext()
    """Entered while something is waited for before a study begins, so that the wait can be shown."""


@dataclass(frozen=True)
class EndedStudy:
    """A study that ran: its answer and the path of its report."""

    results: StudyResults
    storage: str
    report: str
    interrupted: bool
    undelivered: str | None = None

    @property
    def study(self) -> Study:
        """The study file, resolved."""
        return self.results.study

    @property
    def entries(self) -> Sequence[TrialRecord]:
        """The finished trials."""
        return self.results.records

    @property
    def answer(self) -> Answer:
        """The answer to the study's question."""
        return self.results.answer


def run_studies(studies: Sequence[Study], store: Store, options: Options | None = None) -> list[EndedStudy]:
    """Run each study; an interruption ends the list. Raises `saddle.errors.UserError` for what the user can mend."""
    options = options or Options()
    require_named(store, studies, options.again)
    results: list[EndedStudy] = []
    with contextlib.ExitStack() as stack:
        nodes: Nodes = local_resources()
        slots, own = WarmSlots(), False
        if any(trains(study) for study in studies):
            own = not connected() and is_own(options.address)
            cluster = connect(options.address, insecure=options.insecure, packages=options.packages)
            with options.waiting("starting Ray"):
                nodes = stack.enter_context(cluster)
            require_shared_storage(store)
            stack.callback(slots.release)
            if own:  # no other process uses it
                start_early(slots, studies[0], store, nodes, options)
        for position, study in enumerate(studies):
            slots.kept = own or position + 1 < len(studies)
            results.append(run_study(study, store, nodes, options, slots))
            if results[-1].interrupted:
                break
    return results


def trains(study: Study) -> bool:
    """Whether anything is to be trained for it; a relation may take its gains from a table."""
    return study.relation is None or study.relation.gain.table is None


def start_early(slots: WarmSlots, study: Study, store: Store, nodes: Nodes, options: Options) -> None:
    """Let slots start while the driver prepares a study, if it is already known to need them."""
    blocks = study.ablation.blocks if study.ablation is not None else {}
    new = options.fresh or not list(Ledger(store, RunId(study.study)).keys())
    shares = study.resources.trials_per_gpu is not None  # what they are is measured first
    if trains(study) and new and MACHINE not in blocks and not shares:
        with contextlib.suppress(DoesNotFit):  # said where the study begins
            slots.start(study, place_trials(study, store, options.data_root, NO_LOCK), slots_for(study, nodes))


def run_study(study: Study, store: Store, nodes: Nodes, options: Options, warm: WarmSlots | None = None) -> EndedStudy:
    """Run one study on the connected cluster, or continue with it; in slots that are `warm`, if any."""
    if warm is None:
        with warm_slots() as warm:
            return run_study(study, store, nodes, options, warm)
    with lock_study(store, RunId(study.study)) as lock:
        baseline = find_baseline(study, store, fresh=options.fresh)
        memory = measure_memory(study, baseline, store, nodes, options, warm)
        study = study if memory is None else memory.shared(nodes)
        stored = settle_study(store, study, baseline, fresh=options.fresh, lock=lock)
        if memory is not None:
            memory.note(lock)
        stored = settle_units(store, stored, options.data_root, lock)
        study = stored.study
        trainable = load_trainable(study.source)
        run, ledger = stored.run, Ledger(store, stored.run)
        claim_local(store, run, new=not ledger.keys())
        source = make_source(stored, store, ledger, options.retry, lock, options.again)
        recorded, entries = {*ledger.keys()}, ledger.entries()
        fence_off_workers(store, run, {entry.key for entry in entries}, lock)
        slots = count_at_start(study, nodes, source)
        store.delete(stop_path(run))
        by_unit = study.relation is not None
        tracker = open_tracker(store, run, enabled=options.track, declared=stored.declared, by_unit=by_unit)
        listener = options.listener(study)
        at_once = slots.at_once(len(entries), source.total)
        keeper = start_progress(study, run, trainable, store, entries, source, at_once, listener, lock)
        if memory is not None:
            listener.changed(keeper.progress, str(memory))
        code = {**fingerprint_code(trainable), "environment": fingerprint_environment()}
        recorder = Recorder(ledger, tracker, keeper, code, stored.declared, lock, recorded)
        placement = place_trials(study, store, options.data_root, lock)
        scheduler = Scheduler(study, trainable, source, recorder, placement, slots)
        with telling_of_faults(study, keeper), noting_faults(keeper, tracker, lock):
            tracker.start_study(study_params(study), study_tags(study, code), study_files(run, store, code, lock))
            tracker.settle(entries)
            run_all(scheduler, warm)
            if recorder.is_lost:  # what is left to do here is the other driver's now
                raise TakenOver(lock.why if lock.lost else recorder.conflict)
            asked_to_stop = scheduler.stopping and scheduler.hopeless is None
            trouble = scheduler.hopeless or source.trouble
            scheduler.stopping = asked_to_stop or trouble is not None
            if not scheduler.stopping:
                measure_as_others(recorder, stored, nodes, options, warm)
                if options.check:
                    check_best(recorder, stored, trainable, options.data_root, warm)
            keeper.end(*end_of(scheduler))
            result = conclude(recorder, stored, options, interrupted=scheduler.stopping)
            if not asked_to_stop:
                text = text_of_end(result.results, result.report)
                tell_end(study, keeper, text if trouble is None else text_of_stop(study, str(trouble)))
            if trouble is not None and not asked_to_stop:
                raise trouble
            return result


def measure_memory(
    study: Study,
    baseline: Mapping[str, Any] | None,
    store: Store,
    nodes: Nodes,
    options: Options,
    warm: WarmSlots,
) -> GpuMemory | None:
    """What its trials take of a GPU; None where that decides nothing, or no node has a GPU to measure on."""
    has_gpu = any(node.get("GPU", 0.0) >= 1 for node in nodes) or (connected() and can_grow())
    if study.resources.trials_per_gpu is None or not has_gpu or not trains(study):
        return None
    warm.release()  # its slots may hold all GPUs
    memory = GpuMemory(study, baseline, store, options.data_root)
    with options.waiting("measuring how much GPU memory a trial needs"):
        memory.find()
    return memory


def end_of(scheduler: Scheduler) -> tuple[str, str]:
    """The final state of a study, with the reason if it was stopped."""
    if scheduler.hopeless is not None:
        return "stopped", str(scheduler.hopeless).splitlines()[0]
    return "interrupted" if scheduler.stopping else "finished", ""


@contextlib.contextmanager
def telling_of_faults(study: Study, keeper: ProgressKeeper) -> Iterator[None]:
    """Notify the study's channels if machine, disk or network stopped it."""
    try:
        yield
    except InfrastructureError as error:
        if not isinstance(error, TakenOver):  # another driver continues with it
            tell_end(study, keeper, text_of_stop(study, str(error)))
        raise


@contextlib.contextmanager
def noting_faults(keeper: ProgressKeeper, tracker: Tracker, lock: StudyLock) -> Iterator[None]:
    """End the study with `InfrastructureError` where machine, disk or network failed, noted for `saddle status`.

    Nothing is noted if another driver has taken the study over.
    """
    try:
        yield
    except Exception as error:
        fault = infrastructure_error(error)
        if fault is None or lock.lost:
            raise
        keeper.stop(str(fault))
        with contextlib.suppress(Exception):  # its outbox is on the same disk, and keeps what it has
            tracker.close(0.0)
        raise fault from error


def count_at_start(study: Study, nodes: Nodes, source: TrialSource) -> SlotCount:
    """How many trials run concurrently, counted again as a cluster grows; raises `DoesNotFit` if none ever will."""
    slots = SlotCount(study, nodes, alive_nodes if connected() and can_grow() else None)
    if slots.fitting or not slots.may_wait:
        slots_for(study, nodes, source)
    return slots


def run_all(scheduler: Scheduler, warm: WarmSlots) -> None:
    """Run the trials under Ctrl-C; a study without any left starts nothing."""
    source, keeper = scheduler.source, scheduler.recorder.progress
    if source.total is not None and keeper.progress.done >= source.total:
        return
    scheduler.exhausted()  # said before anything is
    from saddle.cluster.failures.causes import free_orphaned_groups

    def stop() -> None:
        scheduler.stopping = True
        source.cancel_waits()
        keeper.listener.changed(
            keeper.progress, "stopping after the current epochs; press Ctrl-C again to stop immediately"
        )

    watching = watching_cluster(lambda error: keeper.stop(str(error)))
    with on_interrupt(stop), watching, asking_for_nodes() as scheduler.request:
        free_orphaned_groups()  # of a driver before, which hold what this study wants
        if wait_for_first_node(scheduler, scheduler.request) and not scheduler.stopping:
            require_shared_storage(scheduler.store)  # of nodes that were not there before
        keeper.progress.slots = scheduler.at_once
        for machine in source.legs(scheduler.at_once) if isinstance(source, AblationSource) else [None]:
            if scheduler.stopping:
                break
            warm.train(scheduler, scheduler.at_once, machine)
            if scheduler.stopping:
                break
        free_orphaned_groups()


def measure_as_others(recorder: Recorder, stored: StoredStudy, nodes: Nodes, options: Options, warm: WarmSlots) -> None:
    """Measure new trials again as earlier ones were (see `remeasurement`): all are trained in the same way."""
    pending = stored.evaluation.pending(recorder.ledger.entries())
    if not pending:
        return
    from saddle.execute import remeasurement

    warm.release()  # what they hold of the cluster is wanted
    how = remeasurement.Options(data_root=options.data_root)
    left_out = remeasurement.measure_pending(
        recorder.ledger.store, stored, pending, nodes, recorder.tracker, recorder.lock, how, []
    )
    keeper = recorder.progress
    for key, why in left_out.items():
        keeper.listener.changed(keeper.progress, f"{key} could not be measured again: {why}")


def conclude(recorder: Recorder, stored: StoredStudy, options: Options, *, interrupted: bool) -> EndedStudy:
    """Answer the question, write the report, drop checkpoints by policy, and let the tracker deliver what is left."""
    store, tracker = recorder.ledger.store, recorder.tracker
    recorder.set_strays_aside()
    recorder.index()
    results = stored.results(recorder.ledger.entries())
    recorder.lock.check()
    report = write_report(store, results)
    tracker.tag_study(note_tags(read_notes(store, stored.run)))
    tracker.finish_study(
        "KILLED" if interrupted else "FINISHED",
        describe_arms(results, finished=not interrupted),
        describe_answer(results, finished=True),
        [report_path(stored.run)],
        # the same each time that a finished study is sent
        None if interrupted else max((record.settled for record in results.records), default=None),
    )
    if not interrupted:
        apply_policy(store, results, recorder.lock)
    undelivered = tracker.close(DELIVERY_SECONDS)
    ended = EndedStudy(results, store.url, report, interrupted, undelivered)
    options.settled(ended)
    return ended


def study_files(run: RunId, store: Store, code: Mapping[str, Any], lock: StudyLock) -> list[str]:
    """The resolved study file and, where the code differs from its commit, the difference."""
    folder = study_folder(run)
    files = [f"{folder}/study.yaml"]
    if code.get("dirty"):
        write_fenced(store, f"{folder}/code.diff", redact(uncommitted_changes()).encode(), lock)
        files.append(f"{folder}/code.diff")
    return files
