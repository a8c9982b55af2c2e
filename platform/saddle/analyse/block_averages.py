"""What an average over blocks, such as datasets, says of blocks that the study doesn't have.

The verdicts are about the average over the study's own blocks: their intervals are over seeds, and seeds say nothing of
other datasets. From three levels of a block on, the interval over the levels' means stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, variance
from typing import Any

from saddle.analyse.contrast_effects import comparison_of, contrasts_of
from saddle.analyse.effects import ComparisonSpec
from saddle.analyse.paired_values import ArmValues, Pairs, measure, pair
from saddle.analyse.statistics.random_effects import FEWEST_BLOCKS, BlockMeans, block_means
from saddle.analyse.text.formatting import Scale, listed, plural
from saddle.design import Arm, labels
from saddle.design.blocks import MACHINE, block_list
from saddle.study.ablation import Ablation
from saddle.study.values import canonical, readable
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def averaged_over(ablation: Ablation) -> str:
    """The blocks that every effect is an average over, to end a sentence; empty where there are none."""
    names = [f"{listed(map(readable, levels))} ({name})" for name, levels in ablation.blocks.items()]
    return f" On average over {listed(names)}, these only." if names else ""


def averages_over_blocks(
    ablation: Ablation, arms: Sequence[Arm], entries: Sequence[TrialRecord], spec: ComparisonSpec
) -> Iterator[str]:
    """For each effect, and each block with three levels or more, the interval over the levels' means, as a sentence."""
    for factor, levels in ablation.blocks.items():
        if len(levels) < FEWEST_BLOCKS or factor == MACHINE:
            continue
        by_level = [_comparisons(ablation, arms, entries, spec, factor, level) for level in levels]
        for place, (name, _) in enumerate(by_level[0]):
            pairs = [comparisons[place][1] for comparisons in by_level]
            if all(len(each.differences) > 1 for each in pairs):
                yield _sentence(name, factor, _over_levels(pairs, spec.alpha), spec.metric)


def _comparisons(
    ablation: Ablation,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    spec: ComparisonSpec,
    factor: str,
    level: Any,
) -> list[tuple[str, Pairs]]:
    """Each effect's pairs at one level of a block, seed by seed."""
    blocks = [block for block in block_list(ablation.blocks) if canonical(block[factor]) == canonical(level)]
    measured = [
        measure(entries, arm, spec.metric.name, ablation.seed_list, label, blocks)
        for arm, label in zip(arms, labels(arms), strict=True)
    ]
    return list(_named_pairs(ablation, arms, measured))


def _named_pairs(ablation: Ablation, arms: Sequence[Arm], measured: Sequence[ArmValues]) -> Iterable[tuple[str, Pairs]]:
    designed = contrasts_of(ablation, arms)
    if designed is None:
        return [(arm.arm, pair(arm, measured[0])) for arm in measured[1:]]
    return [(contrast.name, comparison_of(contrast, measured).pairs) for contrast in designed.effects]


def _over_levels(pairs: Sequence[Pairs], alpha: float) -> BlockMeans:
    values = [list(each.differences.values()) for each in pairs]
    return block_means([fmean(each) for each in values], [variance(each) / len(each) for each in values], alpha)


def _sentence(name: str, factor: str, found: BlockMeans, metric: Metric) -> str:
    scale = Scale.of(metric, [(found.high - found.low) / 2])
    return (
        f"{name} over {plural(found.blocks, f'{factor} mean')}: {scale.difference(found.mean)}"
        f" ({scale.interval(found.low, found.high)}, as if they were drawn from others like them); they differ with a"
        f" standard deviation of {scale.bare(found.tau)}{scale.difference_suffix}, and another {factor} is expected at"
        f" {scale.interval(found.predicted_low, found.predicted_high)}."
    )
