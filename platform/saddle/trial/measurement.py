"""What a trial's checkpoints measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_OF_EPOCH = re.compile(r"epoch \d+, ")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What testing a trial's checkpoints once gave; paths are in the store.

    A record's latest one also has the selected epoch's validation among its metrics, and images shown in training.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Those of the selected checkpoint, or of the best epoch of a trial that was never tested."""
    test_last: Mapping[str, float] = field(default_factory=dict)
    """Those of the last checkpoint's test."""
    arrays: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """The settings in which it differed from the configuration that the trial was trained with."""
    when: float = 0.0
    """Unix seconds; 0 if it was part of the training."""
    not_finite: Sequence[str] = field(default_factory=list)
    """The metrics that were reported as NaN or infinite, which `metrics` leaves out."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Measurement:
        """The measurement from the JSON of its fields, where numbers that weren't finite are null."""
        rest: dict[str, Any] = {name: dict(raw[name]) for name in ("arrays", "images", "fingerprints", "evaluation")}
        lacking = [name for name, value in sorted(raw["metrics"].items()) if value is None]
        rest["not_finite"] = [*raw.get("not_finite", ()), *lacking]
        return cls(finite(raw["metrics"]), finite(raw["test_last"]), **rest, when=float(raw["when"]))

    def with_paths(self, change: Callable[[str], str]) -> Measurement:
        """The measurement with every path changed, such as those of a run that was renamed."""
        arrays = {name: change(path) for name, path in self.arrays.items()}
        return replace(self, arrays=arrays, images={name: change(path) for name, path in self.images.items()})

    @property
    def closing_images(self) -> dict[str, str]:
        """Those of the test, or of the method's failure: without what was shown in mid-training."""
        return {name: path for name, path in self.images.items() if not is_of_epoch(name)}


def finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that are numbers."""
    return {name: float(value) for name, value in metrics.items() if value is not None}


def image_of_epoch(epoch: int, name: str) -> str:
    """What an image is called that a trial shows in mid-training, so that names are in the order of epochs."""
    return f"epoch {epoch:05d}, {name}"


def is_of_epoch(name: str) -> bool:
    """Whether an image was shown in mid-training."""
    return _OF_EPOCH.match(name) is not None
