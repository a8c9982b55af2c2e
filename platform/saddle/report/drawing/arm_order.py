"""The arms of an ablation in the order in which figures show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.result import Answer
from saddle.analyse.study_results import StudyResults
from saddle.trial.record import TrialRecord

SORTED_FROM = 13
"""With as many effects their order in the study file helps nobody: the best come first."""


def arms_in_order(results: StudyResults) -> Sequence[ArmValues]:
    """The values of each arm, of many arms the best ones first."""
    measured = results.measured(results.metric.name)
    return best_first(measured, results.answer) if len(results.arms) >= SORTED_FROM else measured


def groups_in_order(results: StudyResults) -> Mapping[str, Sequence[TrialRecord]]:
    """The trials of each arm, in the same order."""
    groups = results.groups
    return {arm.arm: groups[arm.arm] for arm in arms_in_order(results)}


def best_first(measured: Sequence[ArmValues], answer: Answer) -> list[ArmValues]:
    """The baseline, then the other arms by how good their effects are; those without one last."""
    goodness = {
        effect.arm: effect.mean if effect.direction == "maximize" else -effect.mean
        for effect in answer.effects
        if effect.kind == "arm" and effect.mean is not None
    }
    baseline, *others = measured
    return [baseline, *sorted(others, key=lambda arm: -goodness.get(arm.arm, -math.inf))]
