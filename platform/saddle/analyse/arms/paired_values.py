"""From the ledger's entries to values paired by seed, with every lost pair named.

In an ablation with blocks a seed's value is the mean over the blocks, and a seed that is lost in one block is lost. So
there is one difference per seed for any number of blocks: the seed is the unit of inference, because two blocks of
one seed share its random numbers and are not two independent observations. An answer holds for the average of
the study's blocks, not for a population that they were drawn from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from saddle.analyse.best import value_of
from saddle.analyse.statistics.scales import ScaleName, mean_on
from saddle.design.arm import Arm
from saddle.design.blocks import Block, shown_block
from saddle.study.values import canonical
from saddle.trial.outcome import FAILURES, Outcome
from saddle.trial.record import TrialRecord

MISSING = "not trained yet"
NO_VALUE = "no value"
"""The trial completed and never reported the metric."""
NOT_FINITE = "not a finite value"
"""The trial completed and reported the metric as NaN or infinite."""
NOT_NEEDED = "not needed"
"""A race was settled without it."""


@dataclass(frozen=True)
class ArmValues:
    """One arm's values by seed, and why the other seeds have none (an outcome, or `not trained yet`)."""

    arm: str
    values: Mapping[int, float]
    lost: Mapping[int, str] = field(default_factory=dict)
    lost_in: Mapping[int, str] = field(default_factory=dict)
    """The block in which a lost seed was lost, such as `dataset=mnist`, in an ablation with blocks."""

    def why(self, seed: int) -> str:
        """Why a lost seed has no value: `diverged`, or `diverged in dataset=mnist`."""
        return f"{self.lost[seed]} in {self.lost_in[seed]}" if seed in self.lost_in else self.lost[seed]

    @property
    def counts(self) -> Counter[str]:
        """How many replicates ended in each way."""
        return Counter({Outcome.COMPLETED.value: len(self.values)}) + Counter(self.lost.values())

    @property
    def failures(self) -> dict[int, str]:
        """Why replicates failed, by seed: failures are results, which no mean over the others shows."""
        return {seed: reason for seed, reason in self.lost.items() if reason in FAILURES or reason == NOT_FINITE}

    @property
    def trained(self) -> int:
        """Seeds that have a result: a value, or a failure."""
        return len(self.values) + len(self.failures)

    def with_failures_at(self, value: float) -> ArmValues:
        """The arm as if each replicate that failed had this value."""
        failures = self.failures
        lost = {seed: reason for seed, reason in self.lost.items() if seed not in failures}
        return replace(self, values={**self.values, **dict.fromkeys(failures, value)}, lost=lost)


@dataclass(frozen=True)
class Pairs:
    """Differences arm - baseline on the seeds that both completed, and why other seeds have no pair."""

    arm: ArmValues
    baseline: ArmValues
    differences: Mapping[int, float]
    lost: Mapping[int, str]


def of_arm(entries: Iterable[TrialRecord], arm: Arm) -> list[TrialRecord]:
    """The entries of an arm, which the ledger may store under its name or its key."""
    names = (arm.name, arm.key)  # computed once: the key is a hash, and there are many entries
    return [entry for entry in entries if entry.arm in names]


def measure(
    entries: Iterable[TrialRecord],
    arm: Arm,
    metric: str,
    seeds: Sequence[int],
    label: str | None = None,
    blocks: Sequence[Block] = ({},),
    scale: ScaleName = "linear",
) -> ArmValues:
    """An arm's values of a metric by seed, each the mean over the blocks, taken on `scale`.

    A replicate's latest entry counts.
    """
    ordered = sorted(of_arm(entries, arm), key=lambda entry: entry.started)
    latest = {(entry.seed, canonical(entry.block)): entry for entry in ordered}
    values: dict[int, float] = {}
    lost: dict[int, str] = {}
    lost_in: dict[int, str] = {}
    for seed in seeds:
        in_blocks = [_value(latest.get((seed, canonical(block))), metric) for block in blocks]
        without_value = [
            (value, shown_block(block))
            for value, block in zip(in_blocks, blocks, strict=True)
            if isinstance(value, str)
        ]
        if without_value:
            # how a trial ended decides for its seed, even if other blocks are still to be trained
            lost[seed], block = min(without_value, key=lambda reason: reason[0] == MISSING)
            lost_in |= {seed: block} if block else {}
        else:
            values[seed] = mean_on([value for value in in_blocks if not isinstance(value, str)], scale)
    return ArmValues(label or arm.name, values, lost, lost_in)


def _value(entry: TrialRecord | None, metric: str) -> float | str:
    """A replicate's value, or why it has none."""
    if entry is None:
        return MISSING
    if entry.outcome != Outcome.COMPLETED:
        return str(entry.outcome)
    value = value_of(entry, metric)
    lacking = NOT_FINITE if metric in entry.not_finite else NO_VALUE
    return lacking if value is None else value


def pair(arm: ArmValues, baseline: ArmValues) -> Pairs:
    """The paired differences on the seeds that both arms completed."""
    differences = {seed: value - baseline.values[seed] for seed, value in arm.values.items() if seed in baseline.values}
    lost: dict[int, str] = {}
    for seed in sorted({*arm.values, *arm.lost, *baseline.values, *baseline.lost} - set(differences)):
        reasons = [f"{side.arm} {side.why(seed)}" for side in (arm, baseline) if seed in side.lost]
        lost[seed] = " and ".join(reasons)
    return Pairs(arm, baseline, differences, lost)
