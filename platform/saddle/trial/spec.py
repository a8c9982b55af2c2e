"""What a trial is, before anything of it has run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from saddle.trial.run_id import RunId


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """One trial of a run: nothing here changes while it is trained, resumed or measured again.

    A source proposes it without `params` and `sources`; the scheduler resolves them once, before the trial starts.
    """

    key: str
    run: RunId
    settings: Mapping[str, Any]
    """What this trial is given beyond the study's own settings."""
    seed: int
    arm: str | None = None
    block: Mapping[str, Any] = field(default_factory=dict)
    """The levels of an ablation's blocks, such as `{"dataset": "mnist"}`; part of `settings`, too."""
    number: int | None = None
    """Optuna's number of the trial, in a search."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The complete configuration."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each value of `params` comes from."""
