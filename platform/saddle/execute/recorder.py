"""Records what becomes of a study's trials: first in the ledger, then in all that follows from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from saddle.analyse.evaluation.badge import reasons_against
from saddle.analyse.text.formatting import listed
from saddle.archive.progress import RunningTrial
from saddle.design.blocks import replicate_name
from saddle.errors import TakenOver
from saddle.execute.progress import ProgressKeeper, name_in_study
from saddle.search.unfinished import write_settings
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.ledger.ledger_index import SEGMENT
from saddle.store.ownership.fence import NO_LOCK, StudyLock
from saddle.study.trainable.declarations import Declarations
from saddle.track.base import Tracker
from saddle.trial.failure import failure_of
from saddle.trial.measurement import finite
from saddle.trial.messages import EndMessage, EpochMessage
from saddle.trial.outcome import Outcome
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord


@dataclass
class Recorder:
    """Writes for the one driver that holds the study's `lock`; `fingerprints` are of the code that it runs."""

    ledger: Ledger
    tracker: Tracker
    progress: ProgressKeeper
    fingerprints: Mapping[str, Any]
    declared: Declarations
    """What the study's trainable says of its metrics."""
    lock: StudyLock = NO_LOCK
    recorded: set[str] = field(default_factory=set)
    """The keys in the ledger that we know: those of earlier runs, and our own."""
    conflict: str = ""
    """What another driver wrote into the ledger about a trial that we have ended."""
    unindexed: int = 0

    @property
    def is_lost(self) -> bool:
        """Whether the study is another driver's."""
        return self.lock.lost or bool(self.conflict)

    def start(self, trial: TrialProgress) -> None:
        """A trial starts, or continues. Raises `TakenOver`."""
        write_settings(self.ledger.store, trial.spec, self.lock)
        self.tracker.start_trial(trial)
        planned = trial.spec.params.get("epochs")
        running = RunningTrial(name_in_study(trial.spec), planned if isinstance(planned, int) else None)
        self.progress.started(trial.spec.key, running)

    def report(self, message: EpochMessage) -> None:
        """An epoch is over; its checkpoint and metrics are in the manifest, which its worker wrote."""
        self.tracker.report(message.key, message.epoch, finite(message.metrics), message.time)
        value = finite(message.metrics).get(self.progress.progress.metric)
        self.progress.epoch(message.key, message.epoch, value)

    def enter(self, trial: TrialProgress, end: EndMessage) -> TrialRecord:
        """Write the record of a trial that ended into the ledger, which is the truth. Raises `TakenOver`."""
        self.lock.check()
        record = self._record_of(trial, end)
        try:
            self.ledger.add(record)
        except TakenOver as error:
            self.conflict = str(error)
            raise
        self.recorded.add(record.key)
        self.unindexed += 1
        if self.unindexed >= SEGMENT:
            self.index()
        return record

    def _record_of(self, trial: TrialProgress, end: EndMessage) -> TrialRecord:
        """What the driver, the end and the trial's checkpoints say; where nothing was tested, of its best epoch."""
        checkpoints = Checkpoints.of_trial(self.ledger.store, self.ledger.run, trial.spec.key)
        stored = checkpoints.progress(trial.spec)
        best_metrics = finite(checkpoints.manifest.best_metrics) if stored.selected_epoch is not None else {}
        return TrialRecord(
            progress=replace(stored, started=stored.started or trial.started, attempts=max(1, stored.attempts)),
            outcome=end.outcome,
            measurement=replace(
                end.measurement,
                metrics=end.measurement.metrics or best_metrics,
                fingerprints={**self.fingerprints, **end.measurement.fingerprints, "seed": trial.spec.seed},
            ),
            why=end.why,
            ended=time.time(),
            token=self.lock.token,
        )

    def announce(self, record: TrialRecord, total: int | None) -> None:
        """Pass a record to tracker and progress; the study has `total` trials now."""
        self.tracker.finish_trial(record, list(record.images.values()))
        self.progress.spend(record.seconds, total)
        line = describe(record, self.progress.progress.metric, self.declared)
        self.progress.finished(record, line)

    def index(self) -> None:
        """Bring the ledger's index up to date; raises `TakenOver`."""
        self.lock.check()
        self.ledger.index()
        self.unindexed = 0

    def set_strays_aside(self) -> None:
        """Put aside what a driver wrote into the ledger that we had taken over before: it is not in our records."""
        self.lock.check()
        for key in sorted({*self.ledger.keys()} - self.recorded):
            self.ledger.set_aside(key)


def why_in_a_line(record: TrialRecord) -> str:
    """Why a trial ended, and the file and line of its code that it came from."""
    reason = "".join(f"; {line}" for line in record.why.strip().splitlines()[-1:])
    place = failure_of(record.why).place if record.outcome == Outcome.FAILED else ""
    return f"{reason} ({place})" if place else reason


def describe(record: TrialRecord, metric: str, declared: Declarations) -> str:
    """An ended trial in a line."""
    value = record.metrics.get(metric)
    settings = ", ".join(f"{n}={v:.3g}" if isinstance(v, float) else f"{n}={v}" for n, v in record.settings.items())
    name = f"{record.key} ({settings})" if record.arm is None else replicate_name(record.arm, record.seed, record.block)
    measured = f"{metric} {value:.3f}, " if value is not None else ""
    expected = Outcome(record.outcome) in (Outcome.COMPLETED, Outcome.PRUNED)
    why = "" if expected else why_in_a_line(record)
    epochs = f"{record.epochs} epoch{'s' * (record.epochs != 1)}"
    flags = reasons_against(record, declared) if record.outcome == Outcome.COMPLETED else ()
    flagged = f"; flagged, as it {listed(flags)}" if flags else ""
    return f"{name}: {record.outcome}, {measured}{epochs} in {record.seconds:.1f} s{why}{flagged}"
