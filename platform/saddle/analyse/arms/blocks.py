"""Effects in single blocks, such as on one dataset: what the averages over blocks consist of, without verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.analyse.arms.comparison import Comparison, compare
from saddle.analyse.arms.contrast_effects import comparison_of, contrasts_of
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, describe
from saddle.analyse.arms.on_scale import in_units, on_scale
from saddle.analyse.arms.paired_values import measure
from saddle.design import Arm, labels
from saddle.design.blocks import Block, block_list, shown_block
from saddle.study.ablation import Ablation
from saddle.trial.record import TrialRecord

DESCRIPTIVE = (
    "Single blocks are only described: their intervals are not adjusted for the number of blocks, and they have no "
    "verdict. The verdicts are of the means over all blocks, seed by seed."
)


def effects_in_blocks(
    ablation: Ablation, arms: Sequence[Arm], entries: Sequence[TrialRecord], spec: ComparisonSpec
) -> list[tuple[str, Effect]]:
    """Each effect of the study in each block by itself, with the block's name and a plain t interval.

    Ordered by effect, so that its blocks are adjacent. A race's late replicates count here, as nothing is decided.
    """
    if not ablation.blocks:
        return []
    comparisons = [
        [(shown_block(block), _described(comparison, spec)) for comparison in in_blocks]
        for block in block_list(ablation.blocks)
        for in_blocks in [comparisons_in(ablation, arms, entries, spec, [block])]
    ]
    return [block_effect for of_effect in zip(*comparisons, strict=True) for block_effect in of_effect]


def comparisons_in(
    ablation: Ablation,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    spec: ComparisonSpec,
    blocks: Sequence[Block],
) -> list[Comparison]:
    """What each effect of the study compares in these blocks alone, seed by seed."""
    measured = [
        on_scale(measure(entries, arm, spec.metric.name, ablation.seed_list, label, blocks, spec.scale), spec.scale)
        for arm, label in zip(arms, labels(arms), strict=True)
    ]
    designed = contrasts_of(ablation, arms)
    if designed is None:
        return [compare(arm, measured[0], spec.direction) for arm in measured[1:]]
    return [comparison_of(contrast, measured, spec.direction) for contrast in designed.effects]


def _described(comparison: Comparison, spec: ComparisonSpec) -> Effect:
    effect = in_units(describe(comparison, spec), spec.scale)
    if comparison.test is None:
        return effect
    low, high = comparison.test.interval(spec.alpha)
    return replace(effect, low=float(low), high=float(high), level=1 - spec.alpha)
