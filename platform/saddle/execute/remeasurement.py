"""Measures a study's stored checkpoints again: several at a time, and only those that are still to be measured so."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saddle.archive.declarations import write_declarations
from saddle.archive.local_part import claim_local
from saddle.archive.lookup import FoundTrial
from saddle.archive.model.evaluation import Evaluation, refuse_fields, write_evaluation
from saddle.archive.model.models import config_of, declared_now, measuring_trainable
from saddle.archive.model.reevaluate import change_config
from saddle.archive.studies import StoredStudy, read_study
from saddle.archive.study_end import tell_study_end
from saddle.cluster.capacity.nodes import require_shared_storage
from saddle.cluster.capacity.resources import Nodes, Shape, count_slots
from saddle.cluster.connection import connect
from saddle.cluster.credentials import adopt_credentials
from saddle.errors import InfrastructureError, UserError
from saddle.execute.plan.setup import place_trials
from saddle.execute.progress import count_again
from saddle.execute.remeasurement_task import MeasuredMessage, MeasureMessage, measure_again
from saddle.execute.worker.memory_limit import limit_memory
from saddle.execute.worker.run_context import DataCache
from saddle.redaction import redact_logs
from saddle.report.write import write_report
from saddle.store.base import Store
from saddle.store.checkpoint.measurements import add_measurement, next_number
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.fence import StudyLock
from saddle.store.ownership.lock import lock_study
from saddle.study.trainable.declarations import Declarations
from saddle.track.base import Tracker
from saddle.track.opening import open_tracker, was_tracked
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.restart_policy import Restart, RestartPolicy

DELIVERY_SECONDS = 60.0
"""Seconds to wait until MLflow has accepted all messages."""

RESTARTS = 2
"""How often a process that measures may die under one trial before that trial is left out."""

OnMeasured = Callable[[TrialRecord, TrialRecord, Declarations], None]
"""Called for each trial that was measured: with its record before, its record now, and what its metrics mean."""


@dataclass(frozen=True)
class Options:
    """How to measure; which trials is a separate argument."""

    anew: bool = False
    """Measure also what is measured with the same settings already."""
    data_root: str | None = None
    address: str | None = None
    """The cluster to use (see `connect`)."""
    insecure: bool = False
    on_measured: OnMeasured = lambda before, now, declared: None
    begun: Callable[[int, int], None] = lambda pending, already: None
    """Called before the first trial: with how many are still to be measured, and how many are already."""


@dataclass(frozen=True)
class Remeasurement:
    """What came of it: the trials measured now and before, those left out with the reason, and where the report is."""

    study: str
    evaluation: Evaluation
    measured: Sequence[TrialRecord]
    already: int
    left_out: Mapping[str, str]
    report: str
    undelivered: str | None = None


def remeasure(store: Store, name: str, changes: Sequence[str], options: Options) -> Remeasurement:
    """Measure all completed trials of the run in the folder `name`; `changes` are `field=value` texts.

    The settings count for the study from the start on, so that the same call, or one without changes, continues with
    what was left. Raises `UserError` for a field that training reads, `StorageError` while a driver runs the study.
    """
    known = read_study(store, name)
    assert known is not None
    with lock_study(store, known.run) as lock:
        stored = read_study(store, name)
        assert stored is not None
        claim_local(store, stored.run)
        trainable, entries = measuring_trainable(stored), Ledger(store, stored.run).entries()
        evaluation = wanted_evaluation(stored, entries, changes, anew=options.anew)
        if evaluation != stored.evaluation:
            write_evaluation(store, stored.run, evaluation, lock)
        stored = replace(stored, evaluation=evaluation, declared=trainable.after(stored.declared))
        write_declarations(store, stored.run, stored.declared, lock)
        pending = evaluation.pending(entries)
        already = sum(entry.outcome == Outcome.COMPLETED for entry in entries) - len(pending)
        options.begun(len(pending), already)
        tracker = open_tracker(
            store,
            stored.run,
            enabled=was_tracked(store, stored.run),
            declared=stored.declared,
            by_unit=stored.study.relation is not None,
        )
        for entry in entries:  # one that was stopped may not have reported the last one that it measured
            if entry.measured and entry not in pending:
                tracker.measure_again(entry, list(entry.closing_images.values()))
        left_out: Mapping[str, str] = {}
        measured: list[TrialRecord] = []
        if pending:
            with connect(options.address, insecure=options.insecure) as nodes:
                require_shared_storage(store)
                left_out = measure_pending(store, stored, pending, nodes, tracker, lock, options, measured)
        results = stored.read_results(store)
        lock.check()
        count_again(store, stored.run, stored.study, results.comparable, stored.declared, lock)
        report = write_report(store, results)
        tell_study_end(store, results, tracker)
        undelivered = tracker.close(DELIVERY_SECONDS)
        return Remeasurement(stored.run.name, evaluation, measured, already, left_out, report, undelivered)


def wanted_evaluation(
    stored: StoredStudy, entries: Sequence[TrialRecord], changes: Sequence[str], *, anew: bool = False
) -> Evaluation:
    """The evaluation that counts once `changes` are made to the one that counts now; raises `UserError`."""
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    if not completed:
        raise UserError(f"{stored.run} has no completed trial to measure")
    refuse_fields(changes, declared_now(stored), completed)
    present = config_of(FoundTrial(stored, completed[0]), {**completed[0].params, **stored.evaluation.settings})
    changed = change_config(present, changes).model_dump(mode="json")
    names = [change.partition("=")[0] for change in changes]
    settings = {**stored.evaluation.settings, **{name: changed[name] for name in names}}
    return Evaluation(settings, time.time() if anew else stored.evaluation.since)


def measure_pending(
    store: Store,
    stored: StoredStudy,
    pending: Sequence[TrialRecord],
    nodes: Nodes,
    tracker: Tracker,
    lock: StudyLock,
    options: Options,
    measured: list[TrialRecord],
) -> dict[str, str]:
    """Measure these trials, store and announce each immediately; returns why others could not be, by their key.

    Those that were are added to `measured`, also where an error ends it. Raises `InfrastructureError`.
    """
    resources = stored.study.resources.model_copy(update={"workers": 1})
    slots = min(count_slots(resources, nodes), len(pending))
    by_key = {entry.key: entry for entry in pending}
    numbers = {key: next_number(store, stored.run, key) for key in by_key}
    placement = replace(place_trials(stored.study, store, options.data_root, lock), workers=1)
    messages = [
        MeasureMessage(key, stored.run.name, stored.evaluation.settings, numbers[key], placement) for key in by_key
    ]
    left_out: dict[str, str] = {}
    for answer in measure_all(messages, slots):
        if answer.fault:
            raise InfrastructureError(answer.fault)
        if answer.measurement is None:
            left_out[answer.key] = answer.why
            continue
        before = by_key[answer.key]
        now = add_measurement(store, stored.run, before, numbers[answer.key], answer.measurement, lock)
        tracker.measure_again(now, list(now.closing_images.values()))
        measured.append(now)
        options.on_measured(before, now, stored.declared)
    return left_out


def measure_all(messages: Sequence[MeasureMessage], slots: int) -> Iterator[MeasuredMessage]:
    """The result of each message, as it ends; `slots` of them at a time in Ray's processes."""
    import ray

    def start() -> Any:
        placement = messages[0].placement
        shape = Shape(placement.cpus_per_worker, placement.gpus_per_worker)
        options = {"num_cpus": shape.cpus, "num_gpus": shape.gpus, "max_restarts": 0}
        return ray.remote(Measurer).options(**options).remote()

    idle = [start() for _ in range(slots)]
    waiting, restarts = deque(messages), RestartPolicy(RESTARTS)
    under_way: dict[Any, tuple[Any, MeasureMessage]] = {}
    try:
        while waiting or under_way:
            while idle and waiting:
                actor, message = idle.pop(), waiting.popleft()
                under_way[actor.measure.remote(message.dump())] = (actor, message)
            [ended], _ = ray.wait(list(under_way), num_returns=1)
            actor, message = under_way.pop(ended)
            try:
                answer = MeasuredMessage.parse(ray.get(ended))
            except ray.exceptions.RayActorError as error:
                idle.append(start())
                if restarts.on_death(message.key) is Restart.AGAIN:
                    waiting.append(message)
                    continue
                why = f"the process that measured it died {restarts.deaths[message.key]} times: {error}"
                answer = MeasuredMessage(message.key, why=why)
            else:
                idle.append(actor)
            yield answer
    finally:
        for actor in (*idle, *(actor for actor, _ in under_way.values())):
            ray.kill(actor)


class Measurer:
    """A process that measures one trial after the other, and keeps its datasets loaded."""

    def __init__(self) -> None:
        # a Ctrl-C in the terminal is the driver's to handle; it reaches every process of the group
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        redact_logs()
        self._cache = DataCache(None)

    def measure(self, text: str) -> str:
        """Measure as the message says, which travels as JSON, as its answer."""
        import torch

        message = MeasureMessage.parse(text)
        adopt_credentials(message.placement.storage)
        if self._cache.root != message.placement.data_root:
            self._cache = DataCache(message.placement.data_root)
        torch.set_num_threads(message.placement.threads)
        limit_memory(message.placement.gpus_per_worker)
        return measure_again(message, self._cache).dump()
