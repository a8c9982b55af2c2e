"""How far a study is: counted by the driver, stored for `saddle status`, shown while it runs."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from saddle.store.base import Store
from saddle.store.ledger import to_json
from saddle.store.opening import study_folder
from saddle.trial.run_id import RunId

WRITE_EVERY = 1.0


@dataclass
class Progress:
    """Counts of one study under way; times are Unix seconds."""

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
    hours_before: float = 0.0
    """Hours that earlier runs of the study took."""

    @property
    def seconds_left(self) -> float | None:
        """The time left at the pace so far, trials under way half done; None before the first one has ended."""
        if self.total is None or not self.fresh:
            return None
        half_done = len(self.running) / 2
        pace = (self.updated - self.started) / (self.fresh + half_done)
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
    _written: float = 0.0

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

    def end(self, state: str) -> None:
        self.progress.state = state
        self.progress.running.clear()
        self._written = 0.0
        self._tell(None)

    def _tell(self, event: str | None) -> None:
        self.progress.updated = time.time()
        if self.progress.updated - self._written > WRITE_EVERY:
            self._written = self.progress.updated
            self.store.write(progress_path(self.run), to_json(asdict(self.progress)).encode())
        self.listener.changed(self.progress, event)


def read_progress(store: Store, run: RunId) -> Progress | None:
    """What the driver of `run` last stored, or None where it never ran."""
    try:
        raw: dict[str, Any] = json.loads(store.read(progress_path(run)))
        return Progress(**{**raw, "study": run.name})
    except (FileNotFoundError, ValueError, TypeError):  # only for show: a damaged one is as good as none
        return None
