"""From the ledger's entries to values paired by seed, with every lost pair named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from saddle.analyse.best import value_of
from saddle.design.arm import Arm
from saddle.search.outcomes import METHOD_FAILURES, Outcome
from saddle.store.entry import Entry

MISSING = "not trained yet"
NO_VALUE = "no finite value"
NOT_NEEDED = "not needed"
"""A race was settled without it."""


@dataclass(frozen=True)
class Measured:
    """One arm's values by seed, and why the other seeds have none (an outcome, or `not trained yet`)."""

    arm: str
    values: Mapping[int, float]
    lost: Mapping[int, str] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        """How many replicates ended in each way."""
        return Counter({Outcome.COMPLETED.value: len(self.values)}) + Counter(self.lost.values())

    @property
    def method_failures(self) -> int:
        """Replicates that collapsed or diverged: results, which no mean shows."""
        return sum(reason in METHOD_FAILURES for reason in self.lost.values())


@dataclass(frozen=True)
class Pairs:
    """Differences arm - baseline on the seeds that both completed, and why other seeds have no pair."""

    arm: Measured
    baseline: Measured
    differences: Mapping[int, float]
    lost: Mapping[int, str]


def of_arm(entries: Iterable[Entry], arm: Arm) -> list[Entry]:
    """The entries of an arm, which the ledger may call by its name or its key."""
    return [entry for entry in entries if entry.arm in (arm.name, arm.key)]


def measure(
    entries: Iterable[Entry], arm: Arm, metric: str, seeds: Sequence[int], label: str | None = None
) -> Measured:
    """An arm's values of a metric by seed; a seed's latest entry counts."""
    latest = {entry.seed: entry for entry in sorted(of_arm(entries, arm), key=lambda entry: entry.started)}
    values: dict[int, float] = {}
    lost: dict[int, str] = {}
    for seed in seeds:
        entry = latest.get(seed)
        if entry is None:
            lost[seed] = MISSING
        elif entry.outcome != Outcome.COMPLETED:
            lost[seed] = str(entry.outcome)
        elif (value := value_of(entry, metric)) is None:
            lost[seed] = NO_VALUE
        else:
            values[seed] = value
    return Measured(label or arm.name, values, lost)


def pair(arm: Measured, baseline: Measured) -> Pairs:
    """The paired differences on the seeds that both arms completed."""
    differences = {seed: value - baseline.values[seed] for seed, value in arm.values.items() if seed in baseline.values}
    lost: dict[int, str] = {}
    for seed in sorted({*arm.values, *arm.lost, *baseline.values, *baseline.lost} - set(differences)):
        reasons = [f"{side.arm} {side.lost[seed]}" for side in (arm, baseline) if seed in side.lost]
        lost[seed] = " and ".join(reasons)
    return Pairs(arm, baseline, differences, lost)
