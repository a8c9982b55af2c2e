"""What MLflow gets of a unit of a relation: its gain, its predictors and its part in the answer."""

from __future__ import annotations

import math

from saddle.analyse.relations.findings import Findings
from saddle.analyse.relations.measured_units import MeasuredUnit
from saddle.analyse.study_results import StudyResults
from saddle.track.base import METRIC_TAG, ArmSummary, rounded

GAIN, X = "relation.gain", "relation.x"


def describe_units(results: StudyResults, *, finished: bool) -> dict[str, ArmSummary]:
    """Every unit that has a trial, by its name; unless the study is `finished`, what is said of it is preliminary."""
    findings = results.answer.relation
    if findings is None:
        return {}
    trained = [each for each in findings.units if each.arm is not None and each.over is not None]
    return {
        each.unit.name: _summary(results, findings, each, finished=finished)
        for each in trained
        if each.unit.gains or each.lost or (each.arm and each.arm.values) or (each.over and each.over.values)
    }


def _summary(results: StudyResults, findings: Findings, each: MeasuredUnit, *, finished: bool) -> ArmSummary:
    unit, estimate = each.unit, findings.estimates.get(each.unit.name)
    predictor = findings.answer.predictor
    numbers: dict[str, float] = {f"predictor.{name}": value for name, value in unit.predictors.items()}
    numbers |= {X: unit.predictors[predictor]} if predictor in unit.predictors else {}
    numbers |= {"relation.seeds": float(len(unit.gains)), "relation.failed": float(unit.failed)}
    if estimate is not None:
        gain = {GAIN: estimate.y, "relation.weight": estimate.weight}
        gain |= {} if estimate.low is None or estimate.high is None else {
            "relation.low": estimate.low, "relation.high": estimate.high
        }  # fmt: skip
        numbers |= gain
    preliminary = "" if finished else "preliminary: "
    why = findings.reasons.get(unit.name, "")
    said = f"left out, as {why}" if why else f"{findings.written.change(estimate.y)}" if estimate is not None else ""
    note = (
        f"{preliminary}{findings.gain} at {unit.name}: {said}{findings.written.difference_suffix if not why else ''}."
    )
    tags = {
        "saddle.question": results.study.question,
        METRIC_TAG: findings.metric.name,
        "saddle.family": unit.family,
        "saddle.predictor": predictor,
        "mlflow.note.content": note,
    }
    return ArmSummary(rounded({name: value for name, value in numbers.items() if math.isfinite(value)}), tags)
