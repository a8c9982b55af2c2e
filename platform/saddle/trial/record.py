"""One finished trial, as the ledger keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.redaction import redact
from trainables.contract import CheckItem

SCHEMA_VERSION = 3
"""Since 3 the paths in its file are relative to the folder of the study's run."""

OF_OUR_OWN_WORDS = ("completed", "pruned")
"""Outcomes whose reason, if any, is the driver's: it takes 0.1 ms to redact one, and a ledger has 100,000 entries."""

_OF_EPOCH = re.compile(r"epoch \d+, ")


def image_of_epoch(epoch: int, name: str) -> str:
    """What an image is called that a trial shows in mid-training, so that names are in the order of epochs."""
    return f"epoch {epoch:05d}, {name}"


def is_of_epoch(name: str) -> bool:
    """Whether an image was shown in mid-training."""
    return _OF_EPOCH.match(name) is not None


@dataclass(frozen=True)
class Measurement:
    """What testing a trial's checkpoints once gave.

    `evaluation` are the settings in which it differed from the configuration that the trial was trained with, `metrics`
    those of the selected checkpoint's test, `test_last` of the last one's; `when` in Unix seconds.
    """

    evaluation: Mapping[str, Any]
    metrics: Mapping[str, float]
    test_last: Mapping[str, float]
    arrays: Mapping[str, str]
    images: Mapping[str, str]
    fingerprints: Mapping[str, Any]
    when: float


@dataclass(frozen=True)
class TrialRecord:
    """Everything known of a finished trial; Optuna, MLflow and the report are derivable from these.

    `params` is the complete configuration, `settings` only what this trial was given beyond the study's own.
    `metrics` are the selected checkpoint's (`validation/…` and `test/…`), `test_last` the test metrics of the last
    epoch, `curve` the metrics of every epoch; from the ledger it and `times` come as a `JsonList`. `arrays`,
    `images` and `checkpoints` are paths in the store.
    """

    key: str
    study: str
    seed: int
    outcome: str
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    arm: str | None = None
    block: Mapping[str, Any] = field(default_factory=dict)
    """Where the factors of an ablation's blocks stand, such as `{"dataset": "mnist"}`; since version 2."""
    number: int | None = None
    """Optuna's number of the trial, in a search."""
    why: str = ""
    """Why it ended, when it did not complete; a traceback for `failed`."""
    test_last: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Mapping[str, float]] = ()
    selected_epoch: int | None = None
    epochs: int = 0
    seconds: float = 0.0
    attempts: int = 1
    started: float = 0.0
    ended: float = 0.0
    times: Sequence[float] = ()
    """When each epoch of the curve was over, in Unix seconds."""
    arrays: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, Any] = field(default_factory=dict)
    token: int | None = None
    """The fencing token of the driver that wrote it; since version 3."""
    version: int = SCHEMA_VERSION
    checks: Sequence[CheckItem] = ()
    """What the checklist found, where it was run; it is not in the entry's own file, which never changes."""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """Settings that replaced those of `params` when its checkpoints were measured again; not in its own file, which
    never changes (see `measurements`)."""
    measured: float = 0.0
    """When its checkpoints were measured again, in Unix seconds; 0 where its test is that of the training's end."""
    earlier: Sequence[Measurement] = ()
    """What was measured before, the first one first."""

    def __post_init__(self) -> None:
        """Let nothing secret get into ledger, report and MLflow, nor out of a ledger that an older saddle wrote."""
        if self.why and self.outcome not in OF_OUR_OWN_WORDS:
            object.__setattr__(self, "why", redact(self.why))

    @property
    def measured_params(self) -> Mapping[str, Any]:
        """The configuration that its test metrics were measured with."""
        return {**self.params, **self.evaluation} if self.evaluation else self.params

    @property
    def settled(self) -> float:
        """When its numbers became what they are, in Unix seconds."""
        return max(self.ended, self.measured)

    @property
    def closing_images(self) -> dict[str, str]:
        """Those of the test, or of the method's failure: without what was shown in mid-training."""
        return {name: path for name, path in self.images.items() if not is_of_epoch(name)}

    @property
    def epoch_times(self) -> list[float]:
        """When each epoch was over; evenly spaced where an older saddle did not note it."""
        if len(self.times) == len(self.curve):
            return list(self.times)
        pace = (self.ended - self.started) / (len(self.curve) + 1)
        return [self.started + pace * epoch for epoch in range(1, len(self.curve) + 1)]
