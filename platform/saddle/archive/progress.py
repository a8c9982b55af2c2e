"""How far a study is, as its driver last stored it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from saddle.errors import ForeignPath
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.trial.run_id import RunId


@dataclass
class RunningTrial:
    """What a person is shown of a running trial, in addition to the epoch that it has reached."""

    name: str = ""
    """Its displayed name."""
    epochs: int | None = None
    """How many it is to train, where its configuration says so."""
    value: float | None = None
    """The latest value of the study's metric."""
    begun: bool = False
    """Whether its worker has started."""


@dataclass
class Leader:
    """One of the best trials so far: its key, its displayed name, and its value of the study's metric."""

    trial: str
    name: str
    value: float


@dataclass
class Progress:
    """Counts of one running study; `started` and `updated` are Unix seconds, for display."""

    study: str
    question: str = ""
    total: int | None = None
    slots: int = 1
    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    """Running trials and the epoch that each has reached."""
    details: dict[str, RunningTrial] = field(default_factory=dict)
    """What else is known about them; empty in what an older saddle stored."""
    leaders: list[Leader] = field(default_factory=list)
    """The best three trials, the best first; none in what an older saddle stored."""
    best: float | None = None
    best_trial: str | None = None
    no_best: str = ""
    """Why none of the trials of a search is called the best although some completed, in words."""
    metric: str = ""
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    fresh: int = 0
    """Trials that ended since `started`, without those of earlier runs."""
    state: str = "running"
    waiting: str = ""
    """What the cluster lacks for trials that should run, in words."""
    exhausted: str = ""
    """Which budget is used up, in words."""
    why: str = ""
    """Why it was `stopped`: by the machine, its disk or network, or because its first trials failed in the same way."""
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
        """The time left at the pace so far, running trials counted as half done; None before the first has ended."""
        if self.total is None or not self.fresh:
            return None
        half_done = len(self.running) / 2
        pace = self.seconds / (self.fresh + half_done)
        return pace * max(0, self.total - self.done - half_done)


def progress_path(run: RunId) -> str:
    return f"{study_folder(run)}/progress.json"


def read_progress(store: Store, run: RunId) -> Progress | None:
    """What the driver of `run` last stored, or None if it never ran."""
    try:
        raw: dict[str, Any] = json.loads(store.read(progress_path(run)))
        if "seconds" not in raw:  # of an older saddle, which relied on the wall clock
            raw["seconds"] = max(0.0, raw.get("updated", 0.0) - raw.get("started", 0.0))
        return TypeAdapter(Progress).validate_python({**raw, "study": run.name})
    except (FileNotFoundError, ForeignPath, ValueError, TypeError, AttributeError):
        return None  # only for display: a damaged one counts as none
