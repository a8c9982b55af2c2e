"""What the driver makes of faults: its own, which no trial is blamed for, and those it hears of slots."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ray import cloudpickle
from ray.exceptions import RayActorError

from saddle.archive.progress import Progress
from saddle.archive.studies import StoredStudy
from saddle.cluster.capacity.slot_count import SlotCount
from saddle.cluster.failures.causes import Death
from saddle.errors import InfrastructureError
from saddle.execute.driver import noting_faults
from saddle.execute.plan.setup import make_source
from saddle.execute.progress import ProgressKeeper, Silent, start_progress
from saddle.execute.recorder import Recorder
from saddle.execute.scheduler import Scheduler
from saddle.execute.tune_run import failing_the_study, take_error
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from saddle.track.base import Tracker
from saddle.trial.measurement import Measurement
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage
from saddle.trial.placement import Placement
from saddle.trial.restart_policy import RESTARTS
from saddle.trial.run_id import RunId
from tests.support.disks import Disk

STUDY = """
study: driven
trainable: parabola
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 2
  compare: {metric: test/score}
"""
OF_NODE = Death(True, "its node died")
OF_SIGNAL = Death(False, "signal 11 (SIGSEGV)")

Make = Callable[[Path], Scheduler]


@pytest.fixture
def make_scheduler() -> Make:
    def make(folder: Path) -> Scheduler:
        [study] = parse_studies(STUDY, "driven.yaml")
        store, run, trainable = LocalStore(folder), RunId("driven"), load_trainable("parabola")
        ledger = Ledger(store, run)
        source = make_source(StoredStudy(study, ledger.run, {"x": 0.3}), store, ledger, ())
        keeper = start_progress(study, run, trainable, store, [], source, 2, Silent())
        recorder, slots = Recorder(ledger, Tracker(), keeper, {}, trainable), SlotCount(study, [{"CPU": 2.0}])
        return Scheduler(study, trainable, source, recorder, Placement(store.url), slots)

    return make


@pytest.fixture
def scheduler(make_scheduler: Make, tmp_path: Path) -> Scheduler:
    return make_scheduler(tmp_path / "runs")


def begin(scheduler: Scheduler) -> str:
    start = scheduler.propose()
    assert start is not None
    return start.spec.key


def given_up(scheduler: Scheduler, key: str) -> str:
    manifest = Checkpoints.of_trial(scheduler.store, scheduler.run, key).manifest
    return manifest.given_up.why if manifest.given_up is not None else ""


def test_no_number_of_lost_machines_counts(scheduler: Scheduler) -> None:
    key = begin(scheduler)
    for _ in range(20):
        scheduler.on_worker_death(key, OF_NODE)
        scheduler.on_worker_death(key, OF_NODE, started=False)
    assert (scheduler.restarts.deaths[key], given_up(scheduler, key), scheduler.failure) == (0, "", None)


def test_a_trial_that_kills_its_workers_is_given_up_with_what_they_died_of(scheduler: Scheduler) -> None:
    key = begin(scheduler)
    for _ in range(RESTARTS):
        scheduler.on_worker_death(key, OF_SIGNAL)
    assert not given_up(scheduler, key)
    scheduler.on_worker_death(key, OF_SIGNAL)
    assert given_up(scheduler, key) == "the worker died 4 times, the last time of signal 11 (SIGSEGV)"
    assert scheduler.failure is None


def test_slots_that_die_before_their_first_word_end_the_study_and_blame_no_trial(scheduler: Scheduler) -> None:
    key, other = begin(scheduler), begin(scheduler)
    for _ in range(RESTARTS):
        scheduler.on_worker_death(key, OF_SIGNAL, started=False)
        scheduler.on_worker_death(other, OF_SIGNAL, started=False)
    assert scheduler.failure is None
    scheduler.on_worker_death(other, OF_SIGNAL, started=False)
    assert "4 slots in a row died before they could start a trial: signal 11 (SIGSEGV)" in str(scheduler.failure)
    assert scheduler.stopping
    assert not given_up(scheduler, other)


def test_slots_that_can_not_even_say_that_a_trial_is_given_up_end_the_study(scheduler: Scheduler) -> None:
    key = begin(scheduler)
    for _ in range(2 * (RESTARTS + 1)):
        scheduler.on_worker_death(key, OF_SIGNAL)
    assert "4 slots in a row died" in str(scheduler.failure)


def test_a_fault_ends_the_study_and_leaves_the_trial_unfinished(scheduler: Scheduler) -> None:
    key = begin(scheduler)
    scheduler.on_end(FaultMessage(key, 1, "the disk is gone"))
    assert str(scheduler.failure) == "the disk is gone"
    assert isinstance(scheduler.failure, InfrastructureError)
    assert key in scheduler.under_way
    assert not list(scheduler.recorder.ledger)


def test_an_orphans_fault_is_not_heard(scheduler: Scheduler) -> None:
    key = begin(scheduler)
    scheduler.on_epoch(EpochMessage(key, 3, 1, {"validation/score": 0.5}, 1.0, 10.0))
    scheduler.on_end(FaultMessage(key, 2, "the lost node's disk"))
    assert scheduler.failure is None


@pytest.mark.fault("disk full, read-only or failing")
def test_a_ledger_without_room_ends_the_study_and_records_nothing(make_scheduler: Make, small_disk: Disk) -> None:
    scheduler = make_scheduler(small_disk.folder / "runs")
    key = begin(scheduler)
    small_disk.fill()
    on_end = failing_the_study(scheduler, scheduler.on_end, None)
    on_end(EndMessage(key, 1, "completed", measurement=Measurement({"test/score": 1.0})))
    assert isinstance(scheduler.failure, OSError)
    assert scheduler.failure.errno == errno.ENOSPC
    on_end(FaultMessage(key, 1, "what comes later is not heard"))
    small_disk.empty()
    assert not list(scheduler.recorder.ledger)


@pytest.mark.fault("disk full, read-only or failing")
def test_the_reason_is_noted_where_there_is_no_more_room(small_disk: Disk) -> None:
    store, run = LocalStore(small_disk.folder), RunId("noted")
    keeper = ProgressKeeper(Progress("noted"), store, run, Silent())
    keeper.end("running")
    small_disk.fill()
    with (
        pytest.raises(InfrastructureError, match="No space left on device"),
        noting_faults(keeper, Tracker(), NO_LOCK),
    ):
        store.write("studies/noted/ledger/x", bytes(100_000))
    noted = json.loads(store.read("studies/noted/progress.json"))
    assert noted["state"] == "stopped"
    assert "No space left on device" in noted["why"]


@dataclass
class FailedTrial:
    """What of Tune's trial `take_error` looks at."""

    folder: Path

    @property
    def pickled_error_file(self) -> str:
        return str(self.folder / "error.pkl")

    @property
    def error_file(self) -> str:
        return str(self.folder / "error.txt")


def test_tunes_error_is_read_where_it_is_and_only_once(tmp_path: Path) -> None:
    trial = FailedTrial(tmp_path)
    (tmp_path / "error.pkl").write_bytes(cloudpickle.dumps(RayActorError()))
    (tmp_path / "error.txt").write_text("The actor died")
    assert isinstance(take_error(trial), RayActorError)
    (tmp_path / "error.txt").write_text("ValueError: of the driver's own")
    assert str(take_error(trial)) == "ValueError: of the driver's own"
    assert "does not say" in str(take_error(trial))
