"""From the ledger's entries to the points of a relation: paired gains and predictors of every unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from saddle.analyse.arms.paired_values import MISSING, ArmValues, measure, pair
from saddle.analyse.relations.unit import Unit
from saddle.analyse.statistics.scales import ScaleName, is_defined, to_scale
from saddle.design import Arm
from saddle.study.models import Study
from saddle.study.relations.relation import Predictor, Relation, RelationUnit
from saddle.study.relations.unit_facts import UnitFacts
from saddle.study.relations.unit_predictors import metric_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord


@dataclass(frozen=True)
class MeasuredUnit:
    """A unit as it was trained: the values of both arms, of which `unit` has the paired gains."""

    unit: Unit
    over: ArmValues | None = None
    arm: ArmValues | None = None
    absent: str = ""
    """Why none of it could be trained; empty if its data are there."""
    lost: Mapping[int, str] = field(default_factory=dict)
    """Why a seed has no pair, if one of its trials ended without a value."""
    missing: int = 0
    """Trials that are still to be trained."""


def measure_units(
    study: Study,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    metric: str,
    declared: Declarations,
    facts: UnitFacts,
) -> list[MeasuredUnit]:
    """Every unit of a relation, in the order of its file; entries are those of its ledger."""
    relation = study.relation
    assert relation is not None
    if relation.gain.table is not None:
        return [MeasuredUnit(_of_table(relation, unit)) for unit in relation.unit_list]
    return [_measured(relation, unit, arms, entries, metric, declared, facts) for unit in relation.unit_list]


def _of_table(relation: Relation, unit: RelationUnit) -> Unit:
    assert relation.gain.table is not None
    gain = relation.gain.table.value(unit.settings)
    looked_up = {
        str(predictor): predictor.table.value(unit.settings)
        for predictor in relation.predictors
        if predictor.table is not None
    }
    predictors = {name: value for name, value in looked_up.items() if value is not None}
    return Unit(unit.name, unit.family, predictors, () if gain is None else (gain,))


def _measured(
    relation: Relation,
    unit: RelationUnit,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    metric: str,
    declared: Declarations,
    facts: UnitFacts,
) -> MeasuredUnit:
    over, arm = (measure(entries, member, metric, relation.seed_list, None, [unit.settings]) for member in arms)
    paired = pair(arm, over)
    lost = {seed: reason for seed, reason in paired.lost.items() if _ended_badly(over, seed) or _ended_badly(arm, seed)}
    gains = tuple(
        _gain(arm.values[seed], over.values[seed], relation.gain.scale) for seed in sorted(paired.differences)
    )
    measured = [
        (str(predictor), _predicted(predictor, unit, arms[-1], entries, relation, declared, facts))
        for predictor in relation.predictors
    ]
    predictors = {name: value for name, value in measured if value is not None}
    predictors |= {name: value for name, value in facts.measures.get(unit.name, {}).items() if name not in predictors}
    absent = facts.absent.get(unit.name, "") if not (arm.trained or over.trained) else ""
    missing = arm.counts[MISSING] + over.counts[MISSING]
    point = Unit(unit.name, unit.family, predictors, gains, len(lost))
    return MeasuredUnit(point, over, arm, absent, lost, missing)


def _ended_badly(arm: ArmValues, seed: int) -> bool:
    return seed in arm.lost and arm.lost[seed] != MISSING


def _gain(arm: float, over: float, scale: ScaleName) -> float:
    """The difference on the scale; infinite where a value has no place on it, so that its unit is left out."""
    if not (is_defined(arm, scale) and is_defined(over, scale)):
        return math.inf
    return to_scale(arm, scale) - to_scale(over, scale)


def _predicted(
    predictor: Predictor,
    unit: RelationUnit,
    arm: Arm,
    entries: Sequence[TrialRecord],
    relation: Relation,
    declared: Declarations,
    facts: UnitFacts,
) -> float | None:
    """Its value: from a table, the unit's settings, its data, or the mean over the seeds of the gaining arm."""
    if predictor.table is not None:
        return predictor.table.value(unit.settings)
    name = str(predictor.name)
    if name in unit.settings:
        return float(unit.settings[name])
    if name in facts.measures.get(unit.name, {}):
        return facts.measures[unit.name][name]
    metric = metric_of(name, declared)
    if metric is None:
        return None
    values = measure(entries, arm, metric.name, relation.seed_list, None, [unit.settings]).values
    return fmean(values.values()) if values else None
