"""One night: the code, data and machine it ran with, and what its trials measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from pydantic import TypeAdapter

from saddle.trial.outcome import FAILURES, Outcome
from trainables.contract import Metric

NIGHT_VERSION = 1
"""Of a night's JSON."""

Purpose = Literal["pool", "rotation", "comparison", "canary"]
"""What a trial was run for: a reference at the pool's code; the others at tonight's code."""


class Replicate(NamedTuple):
    """One arm with one seed."""

    arm: str
    seed: int


class Host(NamedTuple):
    """What has references of its own: an environment (a hash of versions) on a type of machine."""

    environment: str
    machine: str


@dataclass(frozen=True)
class Code:
    """A commit, with the checksum of uncommitted changes if there are any."""

    commit: str
    dirty: str = ""

    def __str__(self) -> str:
        return f"{self.commit[:10]}+{self.dirty[:8]}" if self.dirty else self.commit[:10]


@dataclass(frozen=True)
class Environment:
    """The fingerprints of what a night ran with."""

    code: Code
    data: str
    environment: str
    machine: str

    @property
    def host(self) -> Host:
        """The key of its references."""
        return Host(self.environment, self.machine)

    def changes_from(self, earlier: Environment) -> tuple[str, ...]:
        """Which of `code` and `data` differ; empty if no fingerprint does, so that the run was not reproducible."""
        return tuple(name for name in ("code", "data") if getattr(self, name) != getattr(earlier, name))


@dataclass(frozen=True)
class Measurement:
    """What one trial measured: exact values of the metrics that its trainable declares reproducible.

    A trial that failed as a method or as code is a measurement, too; one that its machine lost is not.
    """

    arm: str
    seed: int
    metrics: Mapping[str, float]
    outcome: str = Outcome.COMPLETED.value
    purpose: Purpose = "rotation"

    @property
    def replicate(self) -> Replicate:
        """Which arm and seed it is of."""
        return Replicate(self.arm, self.seed)

    @property
    def has_failed(self) -> bool:
        """Whether it counts as a failure, as in an ablation."""
        return self.outcome in FAILURES


def reproducible_metrics(metrics: Mapping[str, float], declared: Mapping[str, Metric]) -> dict[str, float]:
    """The metrics that exactness is asked of; one without a declaration is taken to be reproducible."""
    return {name: value for name, value in metrics.items() if name not in declared or declared[name].reproducible}


@dataclass(frozen=True)
class Night:
    """What was measured on one night, in the order it was asked for; `date` is ISO 8601, `2026-11-29`."""

    date: str
    environment: Environment
    measurements: tuple[Measurement, ...] = ()
    version: int = field(default=NIGHT_VERSION, kw_only=True)

    def with_measurements(self, measurements: Iterable[Measurement]) -> Night:
        """The night with further measurements; one of the same replicate and purpose takes the earlier one's place."""
        by_trial = {(each.purpose, each.replicate): each for each in (*self.measurements, *measurements)}
        return replace(self, measurements=tuple(by_trial.values()))

    def measured(self, *purposes: Purpose) -> dict[Replicate, Measurement]:
        """Its measurements for any of these purposes."""
        return {each.replicate: each for each in self.measurements if each.purpose in purposes}

    @property
    def at_its_code(self) -> dict[Replicate, Measurement]:
        """What was measured with the night's own code."""
        return self.measured("rotation", "comparison")

    def to_json(self) -> str:
        """The night as JSON, floats exact."""
        return _NIGHT.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Night:
        """The night that `to_json` wrote; raises `ValueError` if it is none, or of a later version."""
        night = _NIGHT.validate_json(text)
        if night.version > NIGHT_VERSION:
            raise ValueError(f"this night is of version {night.version}; this saddle reads up to {NIGHT_VERSION}")
        return night


_NIGHT = TypeAdapter(Night)
