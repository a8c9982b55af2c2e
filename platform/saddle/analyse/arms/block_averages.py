"""What an average over blocks, such as datasets, says about blocks that the study doesn't have.

The verdicts are about the average over the study's own blocks: their intervals are over seeds, and seeds say nothing
about other datasets. With three or more levels of a block, the interval over the levels' means is reported with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, variance
from typing import Any

from saddle.analyse.arms.blocks import comparisons_in
from saddle.analyse.arms.comparison import Comparison
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.statistics.regression.random_effects import FEWEST_BLOCKS, BlockMeans, block_means
from saddle.analyse.statistics.scales import ScaleName
from saddle.analyse.text.formatting import listed, plural, scale_of_differences
from saddle.design import Arm
from saddle.design.blocks import MACHINE, Block, block_list
from saddle.study.ablation import Ablation
from saddle.study.values import canonical, readable
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def averaged_over(ablation: Ablation) -> str:
    """The blocks that every effect is an average over, to end a sentence; empty if there are none."""
    names = [f"{listed(map(readable, levels))} ({name})" for name, levels in ablation.blocks.items()]
    return f" On average over {listed(names)}, these only." if names else ""


def averages_over_blocks(
    ablation: Ablation, arms: Sequence[Arm], entries: Sequence[TrialRecord], spec: ComparisonSpec
) -> Iterator[str]:
    """For each effect, and each block with three levels or more, the interval over the levels' means, as a sentence."""
    for factor, levels in ablation.blocks.items():
        if len(levels) < FEWEST_BLOCKS or factor == MACHINE:
            continue
        by_level = [comparisons_in(ablation, arms, entries, spec, _blocks_at(ablation, factor, at)) for at in levels]
        for comparisons in zip(*by_level, strict=True):
            if all(len(comparison.values) > 1 for comparison in comparisons):
                means = _over_levels(comparisons, spec.alpha)
                yield _sentence(comparisons[0].name, factor, means, spec.metric, spec.scale)


def _blocks_at(ablation: Ablation, factor: str, level: Any) -> list[Block]:
    return [block for block in block_list(ablation.blocks) if canonical(block[factor]) == canonical(level)]


def _over_levels(comparisons: Sequence[Comparison], alpha: float) -> BlockMeans:
    at_levels = [comparison.values for comparison in comparisons]
    variances = [variance(values) / len(values) for values in at_levels]
    return block_means([fmean(values) for values in at_levels], variances, alpha)


def _sentence(name: str, factor: str, means: BlockMeans, metric: Metric, on: ScaleName) -> str:
    scale = scale_of_differences(metric, on, [(means.high - means.low) / 2])
    tau = f"{scale.amount(means.tau)}{scale.difference_suffix}"
    return (
        f"{name} over {plural(means.blocks, f'{factor} mean')}: {scale.difference(means.mean)}"
        f" ({scale.interval(means.low, means.high)}, as if they were drawn from others like them); they differ with a"
        f" standard deviation of {tau}, and another {factor} is expected at"
        f" {scale.interval(means.predicted_low, means.predicted_high)}."
    )
