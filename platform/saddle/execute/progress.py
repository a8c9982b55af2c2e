"""How far a study is: counted by the driver, stored for `saddle status`, shown while it runs.

What was spent is counted on a clock that can't be set (`time.monotonic`, which stops while the machine is
suspended, as training does) and stored as spent: times of day are for people, and a wall clock may jump.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Protocol, TypedDict

from saddle.analyse.best import best_trial
from saddle.analyse.evaluation.validation_terms import terms_key
from saddle.analyse.searches.chance_and_ties import why_search_has_no_best
from saddle.archive.progress import Leader, Progress, RunningTrial, progress_path, read_progress
from saddle.design.blocks import replicate_name
from saddle.errors import StorageError, TakenOver
from saddle.store.base import Conflict, Store
from saddle.store.ownership.fence import NO_LOCK, StudyLock
from saddle.study.models import Budget, Study
from saddle.study.selection import selection_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.json_text import to_json
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.source import TrialSource
from saddle.trial.spec import TrialSpec

WRITE_EVERY = 1.0
BEAT_EVERY = 10.0
"""How long what was spent may go unstored while nothing happens."""
MOST_LEADERS = 3


class Listener(Protocol):
    """A display of progress."""

    def changed(self, progress: Progress, event: str | None) -> None:
        """Something happened; `event` is a line worth keeping, if any."""


Choose = Callable[[Sequence[TrialRecord]], TrialRecord | None]
"""The best of some trials, as everything else that reports a best one chooses it (see `best_trial`)."""
Terms = Callable[[TrialRecord], str]
"""By what terms validation measured a trial, empty for those of its test (see `terms_key`)."""
Doubt = Callable[[Sequence[TrialRecord]], str]
"""Why none of some trials is called the best, in words; empty if one may be."""


class Ranking(TypedDict):
    """What ranks trials (see `ProgressKeeper`)."""

    choose: Choose
    doubt: Doubt
    terms: Terms


class Silent:
    """Shows nothing."""

    def changed(self, progress: Progress, event: str | None) -> None:
        pass


@dataclass
class ProgressKeeper:
    """Counts what happens, stores it about once a second, and notifies the listener."""

    progress: Progress
    store: Store
    run: RunId
    listener: Listener
    choose: Choose = lambda records: None
    doubt: Doubt = lambda records: ""
    terms: Terms = lambda record: ""
    gpus: float = 0.0
    """GPUs of a trial."""
    begun: float = field(default_factory=time.monotonic)
    lock: StudyLock = NO_LOCK
    leaders: list[TrialRecord] = field(default_factory=list)
    """The best trials so far, the best first."""
    completed: list[TrialRecord] = field(default_factory=list)
    _seen_terms: set[str] = field(default_factory=set)
    _written: float = -math.inf
    _etag: str | None = None
    _known: bool = False

    def started(self, key: str, trial: RunningTrial | None = None) -> None:
        """Note that a trial was handed to a slot, whose worker may have to start first."""
        self.progress.running[key] = 0
        self.progress.details[key] = trial or RunningTrial(key)
        self._tell(None)

    def worker_started(self, key: str) -> None:
        """Note that a trial's worker has started."""
        if key in self.progress.details:
            self.progress.details[key].begun = True
            self._tell(None)

    def epoch(self, key: str, epoch: int, value: float | None = None) -> None:
        """Note that a trial has reached an epoch, and its `value` of the study's metric."""
        self.progress.running[key] = epoch
        trial = self.progress.details.setdefault(key, RunningTrial(key))
        trial.value, trial.begun = value, True
        self._tell(None)

    def finished(self, record: TrialRecord, event: str) -> None:
        p = self.progress
        p.running.pop(record.key, None)
        p.details.pop(record.key, None)
        p.done += 1
        p.fresh += 1
        self.count(record)
        self._tell(event)

    def spend(self, seconds: float, total: int | None) -> None:
        """Count the GPU time of a trial that took so long; the study has `total` trials now."""
        self.progress.gpu_seconds = (self.progress.gpu_seconds or 0.0) + seconds * self.gpus
        self.progress.total = total

    def exhausted(self, budget: Budget) -> str:
        """Which time allowed is used up, in words, empty for none."""
        self.progress.seconds = time.monotonic() - self.begun
        spent = {"hours": self.progress.hours, "gpu_hours": (self.progress.gpu_seconds or 0.0) / 3600}
        for name, amount in spent.items():
            limit = getattr(budget, name)
            if limit is not None and amount >= limit:
                self.progress.exhausted = f"budget.{name} is used up ({amount:.3g} of {limit:g})"
                break
        return self.progress.exhausted

    def count(self, record: TrialRecord) -> None:
        """Count an outcome and see whether its trial is the best so far."""
        p = self.progress
        p.outcomes = dict(Counter(p.outcomes) + Counter([str(record.outcome)]))
        if record.outcome == Outcome.COMPLETED:
            self.completed.append(record)
            self._seen_terms.add(self.terms(record))
        may_lead = [*self.leaders, record]
        if len(self._seen_terms) > 1:  # validation on different terms ranks nothing
            may_lead = [leader for leader in may_lead if not self.terms(leader)]
        self.leaders = list(self._in_order(may_lead))[:MOST_LEADERS]
        p.no_best = self.doubt(self.completed)
        p.leaders = [Leader(leader.key, name_in_study(leader), leader.metrics[p.metric]) for leader in self.leaders]
        p.best, p.best_trial = (p.leaders[0].value, p.leaders[0].trial) if p.leaders else (None, None)

    def _in_order(self, records: list[TrialRecord]) -> Iterator[TrialRecord]:
        """Those of the records that may be the best, the best first."""
        while (best := self.choose(records)) is not None:
            yield best
            records = [each for each in records if each.key != best.key]

    def wait(self, waiting: str) -> None:
        """Note what is waited for, empty for nothing; reported when it begins."""
        begins = waiting and not self.progress.waiting
        ends = self.progress.waiting and not waiting
        self.progress.waiting = waiting
        if begins or ends:
            self._written = -math.inf
            self._tell(waiting or None)

    def resize(self, slots: int, nodes: int) -> None:
        """Note that another number of trials runs now, since nodes have joined or left; there are `nodes` now."""
        if slots != self.progress.slots:
            self.progress.slots = slots
            trials, has = "trial" if slots == 1 else "trials", "1 node" if nodes == 1 else f"{nodes} nodes"
            self._tell(f"{slots} {trials} at a time now: the cluster has {has}")

    def beat(self) -> None:
        """Store what was spent, also while nothing happens."""
        if time.monotonic() - self._written > BEAT_EVERY:
            self._tell(None)

    def end(self, state: str, why: str = "") -> None:
        self.progress.state, self.progress.why = state, why
        self.progress.running.clear()
        self.progress.details.clear()
        self.progress.waiting = ""
        self._written = -math.inf
        self._tell(None)

    def stop(self, why: str) -> None:
        """Note why the study was stopped, also where there is no more room than the last note took."""
        try:
            self.end("stopped", why)
        except (OSError, StorageError):
            with contextlib.suppress(OSError, StorageError):
                self.store.delete(progress_path(self.run))
                self._etag = None  # there is none to replace any more
                self._write()
            self.listener.changed(self.progress, None)

    def _tell(self, event: str | None) -> None:
        now = time.monotonic()
        self.progress.seconds = now - self.begun
        self.progress.updated = time.time()
        if now - self._written > WRITE_EVERY:
            self._written = now
            self._write()
        self.listener.changed(self.progress, event)

    def _write(self) -> None:
        """Replace what we wrote last; where another driver did meanwhile, `lock` is lost from now on."""
        path, self.progress.token = progress_path(self.run), self.lock.token
        if not self._known:
            self._etag, self._known = self.store.etag(path), True
        with contextlib.suppress(TakenOver):
            self.lock.check()
            try:
                self._etag = self.store.write_if(path, to_json(asdict(self.progress)).encode(), self._etag)
            except Conflict:
                self._known = False
                self.lock.check()


def count_again(
    store: Store, run: RunId, study: Study, entries: Iterable[TrialRecord], declared: Declarations, lock: StudyLock
) -> None:
    """See which trial is the best one once trials of a finished study have other metrics."""
    progress = read_progress(store, run)
    if progress is None:
        return
    progress.best, progress.best_trial, progress.outcomes, progress.leaders = None, None, {}, []
    progress.metric = selection_of(study, declared).name
    start = time.monotonic() - progress.seconds
    keeper = ProgressKeeper(progress, store, run, Silent(), **ranking(study, declared), begun=start, lock=lock)
    for entry in entries:
        keeper.count(entry)
    keeper.end(progress.state, progress.why)


def start_progress(
    study: Study,
    run: RunId,
    declared: Declarations,
    store: Store,
    entries: Sequence[TrialRecord],
    source: TrialSource,
    slots: int,
    listener: Listener,
    lock: StudyLock = NO_LOCK,
) -> ProgressKeeper:
    """Count what earlier runs have done."""
    metric = selection_of(study, declared)
    earlier = read_progress(store, run)
    gpus = study.resources.workers * study.resources.gpus_per_worker
    progress = Progress(
        run.name, study.question, source.total, slots, metric=metric.name,
        hours_before=earlier.hours if earlier else hours_of(entries, slots),
        # had they all run on what the study asks for now
        gpu_seconds=sum(entry.seconds for entry in entries) * gpus,
    )  # fmt: skip
    if earlier is not None and earlier.gpu_seconds is not None:
        progress.gpu_seconds = earlier.gpu_seconds
    keeper = ProgressKeeper(progress, store, run, listener, **ranking(study, declared), gpus=gpus, lock=lock)
    for entry in entries:
        keeper.count(entry)
        progress.done += 1
    return keeper


def ranking(study: Study, declared: Declarations) -> Ranking:
    """How the trials of a study are ranked while it runs."""
    return {
        "choose": partial(best_trial, study, declared),
        "doubt": partial(why_search_has_no_best, study, declared),
        "terms": partial(terms_key, fields=declared.evaluation_fields),
    }


def name_in_study(trial: TrialRecord | TrialSpec) -> str:
    """What a reader calls a trial of a study: `mp, seed 2`, or in a search its key."""
    return trial.key if trial.arm is None else replicate_name(trial.arm, trial.seed, trial.block)


def hours_of(entries: Sequence[TrialRecord], slots: int) -> float:
    """Hours that the trials took at least, for a study whose own count is lost."""
    return sum(entry.seconds for entry in entries) / slots / 3600
