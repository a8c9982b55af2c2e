"""The scheduler, whatever slots report, in whatever order they die, and however often its driver is started again.

Slots, machines and Tune's loop are simulated; source, ledger, checkpoints and progress are saddle's own, in a folder.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from saddle.cluster.capacity.slot_count import SlotCount
from saddle.cluster.failures.causes import Death
from saddle.design import replicates_of
from saddle.design.study_arms import arms_of_study
from saddle.design.trial_source import AblationSource
from saddle.execute.plan.setup import start_trial_over
from saddle.execute.progress import Silent, start_progress
from saddle.execute.recorder import Recorder
from saddle.execute.scheduler import Scheduler
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from saddle.track.base import Tracker
from saddle.trial.measurement import Measurement
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, GpuFaultMessage, Message
from saddle.trial.placement import Placement
from saddle.trial.run_id import RunId

EPOCHS = 2
[STUDY] = parse_studies(
    f"""
study: driven
trainable: parabola
fixed: {{epochs: {EPOCHS}}}
ablation:
  baseline: {{x: 0.3}}
  factors: {{x: [0.3, 0.5, 0.7]}}
  seeds: 3
  compare: {{metric: test/score}}
budget: {{hours: 1}}
""",
    "driven.yaml",
)
RUN = RunId(STUDY.study)
ARMS = arms_of_study(STUDY, {"x": 0.3})
REPLICATES = replicates_of(STUDY.ablation, ARMS) if STUDY.ablation is not None else []
ENDS = ("completed", "collapsed", "diverged", "failed", "timed_out")
OF_NODE, OF_SIGNAL = Death(True, "its node died"), Death(False, "signal 11 (SIGSEGV)")


class Source(AblationSource):
    """Replicates as an ablation's, some of which early stopping ends, and some of whose values exclude each other."""

    def __init__(self, finished: Mapping[str, object], refused: set[str], hopeless: Mapping[str, int]) -> None:
        super().__init__(RUN, REPLICATES, finished)  # type: ignore[arg-type]
        self._refused, self._hopeless = refused, hopeless
        self.ends: Counter[str] = Counter()

    def next(self):  # type: ignore[no-untyped-def]
        spec = super().next()
        if spec is not None and spec.key in self._refused:
            spec.settings["x"] = -1.0  # type: ignore[index]
        return spec

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        return epoch >= self._hopeless.get(key, EPOCHS + 1)

    def finish(self, entry) -> None:  # type: ignore[no-untyped-def]
        self.ends[entry.key] += 1
        super().finish(entry)


@dataclass
class Slot:
    """A slot that holds a trial, in its present attempt."""

    key: str
    attempt: int
    epoch: int = 0
    spoke: bool = False


class SchedulerMachine(RuleBasedStateMachine):
    """One study, driven by one scheduler after the other."""

    @initialize(
        slots=st.integers(1, 4),
        refused=st.sets(st.sampled_from([replicate.key for replicate in REPLICATES]), max_size=2),
        hopeless=st.dictionaries(
            st.sampled_from([replicate.key for replicate in REPLICATES]), st.integers(1, EPOCHS), max_size=5
        ),
    )
    def begin(self, slots: int, refused: set[str], hopeless: Mapping[str, int]) -> None:
        self.folder = tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.store = LocalStore(Path(self.folder))
        self.capacity, self.refused, self.hopeless = slots, refused, hopeless
        self.attempts: Counter[str] = Counter()
        self.proposed: set[str] = set()
        self.start_driver(())

    def start_driver(self, retry: tuple[str, ...]) -> None:
        """A new driver on what the ledger holds; slots and orphans of the one before are gone."""
        ledger = Ledger(self.store, RUN)
        entries = list(ledger)
        for entry in entries:
            if entry.outcome in retry:
                start_trial_over(self.store, RUN, entry.key, NO_LOCK)
                ledger.remove(entry.key)
        finished = {entry.key: entry for entry in entries if entry.outcome not in retry}
        self.source = Source(finished, self.refused, self.hopeless)
        trainable = load_trainable("parabola")
        keeper = start_progress(
            STUDY, RUN, trainable, self.store, list(finished.values()), self.source, self.capacity, Silent()
        )
        keeper.progress.hours_before = 0.0
        recorder = Recorder(ledger, Tracker(), keeper, {}, trainable, recorded={*finished})
        self.scheduler = Scheduler(
            STUDY, trainable, self.source, recorder, Placement(self.store.url), SlotCount(STUDY, [{"CPU": 2.0}])
        )
        self.earlier, self.done = {*finished}, {*finished}
        self.busy: list[Slot] = []
        self.orphans: list[Message] = []
        self.exhausted = False

    # what happens

    @precondition(lambda self: len(self.busy) < self.capacity)
    @rule()
    def propose(self) -> None:
        """Tune has a slot free and asks for a trial."""
        may_start = not (self.scheduler.stopping or self.scheduler.exhausted())
        lost = [spec.key for spec in self.scheduler.lost if spec.key in self.scheduler.under_way]
        held = self.of_gpu_faults()
        start = self.scheduler.propose()
        if start is None:
            waiting = {replicate.key for replicate in REPLICATES} - self.done - set(self.scheduler.under_way)
            refused = {*self.scheduler.recorder.recorded} & self.refused
            assert not may_start or not waiting - refused, "a replicate is never proposed"
            assert self.scheduler.stopping or not lost, "a lost trial is not proposed again"
            alone = self.scheduler.gpu_faults.alone
            assert self.scheduler.stopping or not held or alone in {slot.key for slot in self.busy}, "all wait"
            return
        assert may_start or start.spec.key in (*lost, *held), "something new starts after the end"
        assert not lost or start.spec.key == lost[0], "a lost trial waits behind a new one"
        assert start.spec.params["epochs"] == EPOCHS
        self.attempts[start.spec.key] += 1
        self.busy.append(Slot(start.spec.key, self.attempts[start.spec.key]))

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def report_epoch(self, data: st.DataObject) -> None:
        """A slot finishes an epoch, or after the last one its trial; one that was given up only says so."""
        self.report(data.draw(st.sampled_from(self.busy)))

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), outcome=st.sampled_from(ENDS[1:]))
    def fail(self, data: st.DataObject, outcome: str) -> None:
        """A trial ends before its time."""
        self.end(data.draw(st.sampled_from(self.busy)), outcome)

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), of_node=st.booleans(), taken_up=st.booleans(), speaks=st.booleans())
    def die(self, data: st.DataObject, of_node: bool, taken_up: bool, speaks: bool) -> None:
        """A slot dies: Tune starts it again for the same trial (`taken_up`), or loses the trial with it."""
        slot = data.draw(st.sampled_from(self.busy))
        self.orphans += [self.epoch_message(slot), EndMessage(slot.key, slot.attempt, "completed")]
        self.orphans.append(FaultMessage(slot.key, slot.attempt, "the lost node's disk"))
        before = self.scheduler.restarts.deaths[slot.key]
        self.scheduler.on_worker_death(
            slot.key, OF_NODE if of_node else OF_SIGNAL, started=slot.attempt > 1 or slot.spoke
        )
        assert not of_node or self.scheduler.restarts.deaths[slot.key] == before, "a machine's death counts"
        if self.scheduler.failure is not None:
            self.busy.clear()  # Tune ends
        elif taken_up:
            self.attempts[slot.key] += 1
            slot.attempt, slot.spoke = self.attempts[slot.key], False
            if speaks:
                self.report(slot)
        else:
            self.busy.remove(slot)
            self.scheduler.hand_out_again(slot.key)

    @precondition(lambda self: self.orphans)
    @rule(data=st.data())
    def hear_orphan(self, data: st.DataObject) -> None:
        """A worker that nobody reaches any more says something of its trial."""
        stale = [message for message in self.orphans if self.is_stale(message)]
        message = data.draw(st.sampled_from(stale or self.orphans))
        trial = self.scheduler.under_way.get(message.key)
        current = trial is not None and message.attempt >= trial.attempts
        before, failure = set(self.scheduler.under_way), self.scheduler.failure
        if isinstance(message, EpochMessage):
            stopped = self.scheduler.on_epoch(message)
            assert current or not stopped
        else:
            self.scheduler.on_end(message)
        if not current:
            event("a stale message")
            assert (set(self.scheduler.under_way), self.scheduler.failure) == (before, failure), "a stale one counts"
        if message.key not in self.scheduler.under_way:  # its slot is told to stop, if it has one
            self.busy = [slot for slot in self.busy if slot.key != message.key]
        self.note_failure()

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), gpu=st.sampled_from(["node/0", "node/1"]), maybe_own=st.booleans())
    def fail_gpu(self, data: st.DataObject, gpu: str, maybe_own: bool) -> None:
        """A GPU fails under a trial that shares it with others, which may say so or not."""
        slot = data.draw(st.sampled_from(self.busy))
        event("a GPU failed")
        self.scheduler.on_end(GpuFaultMessage(slot.key, slot.attempt, "CUDA error: …", gpu, maybe_own))
        assert slot.key in self.scheduler.under_way, "a shared GPU's fault is not a result"
        assert self.scheduler.failure is None, "it ends the study"
        self.orphans.append(EndMessage(slot.key, slot.attempt, "completed"))
        self.busy.remove(slot)

    @precondition(lambda self: self.busy and self.may_be_broken_off)
    @rule(data=st.data())
    def fault(self, data: st.DataObject) -> None:
        """A disk fails under a trial."""
        slot = data.draw(st.sampled_from(self.busy))
        self.scheduler.on_end(FaultMessage(slot.key, slot.attempt, "the disk is gone"))
        assert self.scheduler.failure is not None
        assert slot.key in self.scheduler.under_way, "a fault is not a result"
        self.note_failure()

    @precondition(lambda self: self.may_be_broken_off)
    @rule()
    def use_up_time(self) -> None:
        """The hours of the budget are over."""
        self.scheduler.recorder.progress.begun -= 3600.0
        assert self.scheduler.exhausted()
        self.exhausted = True

    @precondition(lambda self: self.may_be_broken_off)
    @rule()
    def stop(self) -> None:
        """Somebody stops the study; Tune kills its slots."""
        self.scheduler.stopping = True
        self.busy.clear()

    @precondition(lambda self: self.has_ended)
    @rule(retry=st.sampled_from([(), ("failed",), ("failed", "timed_out")]))
    def go_on(self, retry: tuple[str, ...]) -> None:
        """The same command is run again."""
        event("continued")
        self.start_driver(retry)

    # what always holds

    @invariant()
    def hold(self) -> None:
        """In this order: what is stored, then what is under way, then that nothing is left out."""
        if not hasattr(self, "scheduler"):
            return
        keys = list(self.scheduler.recorder.ledger.keys())
        assert len(keys) == len(set(keys)), "a trial has two records"
        assert not self.earlier - set(keys), "a record is gone"
        ended = {*keys} - self.earlier
        assert self.source.ends == dict.fromkeys(ended, 1), "a trial ends other than once"
        self.done = {*keys}

        under_way = set(self.scheduler.under_way)
        assert not under_way & self.done, "an ended trial is under way"
        held = [slot.key for slot in self.busy]
        assert len(held) == len(set(held)) <= self.capacity, "two slots have one trial"
        assert len(under_way - self.of_gpu_faults()) <= self.capacity, "more is under way than there are slots"
        waiting = {spec.key for spec in self.scheduler.lost} | self.of_gpu_faults()
        assert set(held) <= under_way, "a slot trains what has ended"
        assert self.scheduler.stopping or under_way == set(held) | (waiting & under_way), "a trial is forgotten"

        progress = self.scheduler.recorder.progress.progress
        assert set(progress.running) == under_way
        assert progress.done == len(keys) == sum(progress.outcomes.values())

    def teardown(self) -> None:
        """However it went: run again until it is done, the study has every replicate, so every pair, once."""
        if not hasattr(self, "scheduler"):
            return
        self.start_driver(())
        while (start := self.scheduler.propose()) is not None:
            self.attempts[start.spec.key] += 1
            self.busy.append(slot := Slot(start.spec.key, self.attempts[start.spec.key]))
            self.end(slot, "completed")
            self.hold()
        seeds: dict[str | None, list[int]] = {}
        for record in self.scheduler.recorder.ledger:
            seeds.setdefault(record.arm, []).append(record.seed)
        assert {arm: sorted(each) for arm, each in seeds.items()} == {arm.name: [0, 1, 2] for arm in ARMS}
        shutil.rmtree(self.folder)

    # helpers

    def of_gpu_faults(self) -> set[str]:
        """The trials that a GPU failed under, and that wait to run again."""
        faults = self.scheduler.gpu_faults
        words = [word.key for fault in faults.open.values() for word in fault.words]
        keys = [*words, *faults.innocent, *faults.suspects]
        assert len(keys) == len(set(keys)), "a trial waits twice"
        return set(keys)

    def is_stale(self, message: Message) -> bool:
        """Whether it is of an earlier attempt at a trial that is under way."""
        trial = self.scheduler.under_way.get(message.key)
        return trial is not None and message.attempt < trial.attempts

    @property
    def may_be_broken_off(self) -> bool:
        """Whether enough has happened under this driver for its end to be worth a look."""
        return len(self.done - self.earlier) > 1 and not self.has_ended

    @property
    def has_ended(self) -> bool:
        return self.scheduler.stopping or self.exhausted

    def report(self, slot: Slot) -> None:
        given_up = Checkpoints.of_trial(self.store, RUN, slot.key).manifest.given_up
        if given_up is not None or slot.epoch == EPOCHS:
            self.end(slot, "completed" if given_up is None else given_up.outcome)
            return
        slot.epoch, slot.spoke = slot.epoch + 1, True
        stopped = self.scheduler.on_epoch(self.epoch_message(slot))
        hopeless = self.hopeless.get(slot.key, EPOCHS) <= slot.epoch < EPOCHS
        assert stopped == hopeless, "a trial is stopped early without need, or after its last epoch"
        if stopped:
            event("pruned")
            self.free(slot)

    def epoch_message(self, slot: Slot) -> EpochMessage:
        return EpochMessage(slot.key, slot.attempt, max(1, slot.epoch), {"validation/score": 0.5}, 1.0, 10.0)

    def end(self, slot: Slot, outcome: str) -> None:
        metrics = {"test/score": 1.0} if outcome == "completed" else {}
        message = EndMessage(slot.key, slot.attempt, outcome, "", Measurement(metrics))
        event(outcome)
        self.scheduler.on_end(message)
        self.orphans.append(message)
        self.free(slot)

    def free(self, slot: Slot) -> None:
        self.busy.remove(slot)
        assert slot.key not in self.scheduler.under_way

    def note_failure(self) -> None:
        if self.scheduler.failure is not None:
            event("a fault")
            assert self.scheduler.stopping
            self.busy.clear()


def test_every_replicate_ends_once() -> None:
    run_state_machine_as_test(SchedulerMachine, settings=settings(max_examples=40, stateful_step_count=40))


@pytest.mark.slow
def test_every_replicate_ends_once_in_many_studies() -> None:
    run_state_machine_as_test(SchedulerMachine, settings=settings(max_examples=600, stateful_step_count=80))
