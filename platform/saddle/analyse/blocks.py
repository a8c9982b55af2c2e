"""Effects in single blocks, such as on one dataset: what the averages over blocks consist of, judged by nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.analyse.effect import Effect
from saddle.analyse.effects import Comparison, Rule, describe
from saddle.analyse.factorial import comparison_of, contrasts_of
from saddle.analyse.pairs import measure, pair
from saddle.analyse.student import paired_t
from saddle.design import Arm, labels
from saddle.design.blocks import block_list, block_name
from saddle.store.entry import Entry
from saddle.study.ablation import Ablation

DESCRIPTIVE = (
    "Rows of single blocks are descriptive: their intervals are not adjusted for how many there are, and they carry no"
    " verdict. The verdicts are of the means over all blocks, seed by seed."
)


def effects_in_blocks(ablation: Ablation, arms: Sequence[Arm], entries: Sequence[Entry], rule: Rule) -> list[Effect]:
    """The study's effects in each block by itself, with plain t intervals; none without blocks.

    Their names begin with `in dataset=mnist: `. A race's late replicates count here, for nothing is decided.
    """
    if not ablation.blocks:
        return []
    designed = contrasts_of(ablation, arms)
    found = []
    for block in block_list(ablation.blocks):
        measured = [
            measure(entries, arm, rule.metric, ablation.seed_list, label, [block])
            for arm, label in zip(arms, labels(arms), strict=True)
        ]
        if designed is None:
            comparisons = [Comparison(arm.arm, pair(arm, measured[0])) for arm in measured[1:]]
        else:
            comparisons = [comparison_of(contrast, measured) for contrast in designed.found]
        found += [_described(comparison, rule, block_name(block)) for comparison in comparisons]
    return found


def _described(comparison: Comparison, rule: Rule, block: str) -> Effect:
    effect = replace(describe(comparison, rule), name=f"in {block}: {comparison.name}")
    if not comparison.testable:
        return effect
    low, high = paired_t(comparison.values).interval(rule.alpha)
    return replace(effect, low=float(low), high=float(high), level=1 - rule.alpha)
