"""The arms of an ablation in the order in which figures show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from saddle.analyse.arms.effect import LATER
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.result import Answer
from saddle.analyse.study_results import StudyResults
from saddle.trial.record import TrialRecord

Row = tuple[str, ...]
SORTED_FROM = 13
"""From so many effects on, their order in the study file doesn't help: the best come first."""


def arms_in_order(results: StudyResults) -> Sequence[ArmValues]:
    """The values of each arm, of many arms the best ones first."""
    measured = results.measured(results.metric.name)
    return best_first(measured, results.answer) if len(results.arms) >= SORTED_FROM else measured


def groups_in_order(results: StudyResults) -> Mapping[str, Sequence[TrialRecord]]:
    """The trials of each arm, in the same order."""
    groups = results.groups
    return {arm.arm: groups[arm.arm] for arm in arms_in_order(results)}


def rows_in_order(results: StudyResults, rows: Sequence[Row]) -> list[Row]:
    """Rows of a table that begin with an arm in the same order; those of other effects stay last."""
    place = {arm.arm: index for index, arm in enumerate(arms_in_order(results))} if results.arms else {}
    return sorted(rows, key=lambda row: place.get(row[0].removesuffix(LATER), len(place)))


def best_first(measured: Sequence[ArmValues], answer: Answer) -> list[ArmValues]:
    """The baseline, then the other arms by how good their effects are; those without one last."""
    goodness = {
        effect.arm: effect.mean if effect.direction == "maximize" else -effect.mean
        for effect in answer.effects
        if effect.kind == "arm" and effect.mean is not None
    }
    baseline, *others = measured
    return [baseline, *sorted(others, key=lambda arm: -goodness.get(arm.arm, -math.inf))]
