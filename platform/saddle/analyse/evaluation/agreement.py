"""Whether blocks of an ablation rank its arms the same way: a low-fidelity rung and full strength, or two datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import measure
from saddle.analyse.statistics.ranks import RankComparison, compare_ranks
from saddle.design import Arm, labels
from saddle.design.blocks import block_list
from saddle.study.ablation import Ablation
from saddle.study.values import same
from saddle.trial.record import TrialRecord

FEWEST_ARMS = 3
"""Two arms have one order or the other; nothing about agreement can be learnt from that."""


@dataclass(frozen=True)
class Agreement:
    """How the arms' means at `other` rank them, compared with those at `reference`, the block's first level.

    `chosen` is the best arm at `other`. Seeds are shared between levels, so part of an agreement may be their noise;
    with several seeds it averages out.
    """

    factor: str
    reference: Any
    other: Any
    arms: int
    seeds: int
    chosen: str
    ranks: RankComparison


def agreements(
    ablation: Ablation, arms: Sequence[Arm], entries: Sequence[TrialRecord], spec: ComparisonSpec
) -> list[Agreement]:
    """Each level of each block against its first, over the arms that are in both and the seeds that all completed."""
    agreeing = []
    for factor, (reference, *others) in ablation.blocks.items():
        for other in others:
            agreement = _agreement(ablation, arms, entries, spec, factor, reference, other)
            if agreement is not None:
                agreeing.append(agreement)
    return agreeing


def _agreement(
    ablation: Ablation,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    spec: ComparisonSpec,
    factor: str,
    reference: Any,
    other: Any,
) -> Agreement | None:
    names, metric = labels(arms), spec.metric.name
    sides = []
    for level in (reference, other):
        blocks = [block for block in block_list(ablation.blocks) if same(block[factor], level)]
        sides.append(
            [measure(entries, a, metric, ablation.seed_list, n, blocks) for a, n in zip(arms, names, strict=True)]
        )
    pairs = [(a, b) for a, b in zip(*sides, strict=True) if a.values.keys() & b.values.keys()]
    seeds = [s for s in ablation.seed_list if all(s in arm.values for pair in pairs for arm in pair)]
    if not seeds or len(pairs) < FEWEST_ARMS:
        return None
    at_first, at_other = (
        [fmean(arm.values[seed] for seed in seeds) for arm in side] for side in zip(*pairs, strict=True)
    )
    ranks = compare_ranks(at_other, at_first, spec.direction)
    return Agreement(factor, reference, other, len(pairs), len(seeds), pairs[ranks.chosen][0].arm, ranks)
