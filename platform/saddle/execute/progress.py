"""How far a study is: counted by the driver, stored for `saddle status`, shown while it runs.

What was spent is counted on a clock that nobody sets (`time.monotonic`, which stands still while the machine is
suspended, as training does) and stored as spent: times of day are for people, and a wall clock may jump.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from pydantic import TypeAdapter

from saddle.analyse.result import direction_of
from saddle.store.base import Conflict, ForeignPath, StorageError, Store
from saddle.store.fence import NO_LOCK, StudyLock, TakenOver
from saddle.store.ledger import to_json
from saddle.store.open import study_folder
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from trainables.contract import Direction

WRITE_EVERY = 1.0
BEAT_EVERY = 10.0
"""How long what was spent may go unstored while nothing happens."""


@dataclass
class Progress:
    """Counts of one study under way; `started` and `updated` are Unix seconds, for show."""

    study: str
    question: str = ""
    total: int | None = None
    slots: int = 1
    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    """Trials under way and the epoch each has reached."""
    best: float | None = None
    best_trial: str | None = None
    metric: str = ""
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    fresh: int = 0
    """Trials that ended since `started`, as against those of earlier runs."""
    state: str = "running"
    waiting: str = ""
    """What the cluster has not free for trials that should run, in words."""
    exhausted: str = ""
    """Which budget is used up, in words."""
    why: str = ""
    """Why it was `stopped` by the machine, its disk or network."""
    hours_before: float = 0.0
    """Hours that earlier runs of the study took."""
    seconds: float = 0.0
    """Seconds that this run has taken so far."""
    gpu_seconds: float | None = None
    """GPU time of the trials that have ended, over all runs; None in what an older saddle stored."""
    token: int = 0
    """The fencing token of the driver that counted."""

    @property
    def hours(self) -> float:
        """Hours that all runs of the study took."""
        return self.hours_before + self.seconds / 3600

    @property
    def seconds_left(self) -> float | None:
        """The time left at the pace so far, trials under way half done; None before the first one has ended."""
        if self.total is None or not self.fresh:
            return None
        half_done = len(self.running) / 2
        pace = self.seconds / (self.fresh + half_done)
        return pace * max(0, self.total - self.done - half_done)


class Listener(Protocol):
    """Whoever shows progress to a person."""

    def changed(self, progress: Progress, event: str | None) -> None:
        """Something happened; `event` is a line worth keeping, if any."""


class Silent:
    """Shows nothing."""

    def changed(self, progress: Progress, event: str | None) -> None:
        pass


def progress_path(run: RunId) -> str:
    return f"{study_folder(run)}/progress.json"


@dataclass
class ProgressKeeper:
    """Counts what happens, stores it about once a second, and tells the listener."""

    progress: Progress
    store: Store
    run: RunId
    listener: Listener
    maximize: bool = True
    begun: float = field(default_factory=time.monotonic)
    lock: StudyLock = NO_LOCK
    _written: float = -math.inf
    _etag: str | None = None
    _known: bool = False

    def started(self, key: str, epoch: int = 0) -> None:
        self.progress.running[key] = epoch
        self._tell(None)

    def epoch(self, key: str, epoch: int) -> None:
        self.progress.running[key] = epoch
        self._tell(None)

    def finished(self, key: str, outcome: str, metrics: Mapping[str, float], event: str) -> None:
        p = self.progress
        p.running.pop(key, None)
        p.done += 1
        p.fresh += 1
        self.count(key, outcome, metrics)
        self._tell(event)

    def count(self, key: str, outcome: str, metrics: Mapping[str, float]) -> None:
        """Count an outcome and see whether it is the best so far; only completed trials can be."""
        p = self.progress
        p.outcomes = dict(Counter(p.outcomes) + Counter([outcome]))
        value = metrics.get(p.metric)
        if outcome == "completed" and value is not None:
            better = p.best is None or (value > p.best if self.maximize else value < p.best)
            if better:
                p.best, p.best_trial = value, key

    def wait(self, waiting: str) -> None:
        """Note what is waited for, empty for nothing; said when it begins."""
        begins = waiting and not self.progress.waiting
        ends = self.progress.waiting and not waiting
        self.progress.waiting = waiting
        if begins or ends:
            self._written = -math.inf
            self._tell(waiting or None)

    def beat(self) -> None:
        """Store what was spent, also while nothing happens."""
        if time.monotonic() - self._written > BEAT_EVERY:
            self._tell(None)

    def end(self, state: str, why: str = "") -> None:
        self.progress.state, self.progress.why = state, why
        self.progress.running.clear()
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
    store: Store, run: RunId, entries: Iterable[TrialRecord], directions: Mapping[str, Direction], lock: StudyLock
) -> None:
    """See which trial is the best one once trials of a study that nobody trains have other metrics."""
    progress = read_progress(store, run)
    if progress is None:
        return
    progress.best, progress.best_trial, progress.outcomes = None, None, {}
    maximize = direction_of(progress.metric, directions) == "maximize"
    begun = time.monotonic() - progress.seconds
    keeper = ProgressKeeper(progress, store, run, Silent(), maximize=maximize, begun=begun, lock=lock)
    for entry in entries:
        keeper.count(entry.key, entry.outcome, entry.metrics)
    keeper.end(progress.state, progress.why)


def read_progress(store: Store, run: RunId) -> Progress | None:
    """What the driver of `run` last stored, or None where it never ran."""
    try:
        raw: dict[str, Any] = json.loads(store.read(progress_path(run)))
        if "seconds" not in raw:  # of an older saddle, which took the wall clock's word
            raw["seconds"] = max(0.0, raw.get("updated", 0.0) - raw.get("started", 0.0))
        return TypeAdapter(Progress).validate_python({**raw, "study": run.name})
    except (FileNotFoundError, ForeignPath, ValueError, TypeError, AttributeError):
        return None  # only for show: a damaged one is as good as none
