"""What MLflow gets about a unit of a relation: its gain, its predictors and its part in the answer."""

from __future__ import annotations

import math

from saddle.analyse.relations.findings import Findings
from saddle.analyse.relations.measured_units import MeasuredUnit
from saddle.analyse.study_results import StudyResults
from saddle.track.base import METRIC_TAG, ArmSummary, rounded

GAIN, X = "relation.gain", "relation.x"


def describe_units(results: StudyResults, *, finished: bool) -> dict[str, ArmSummary]:
    """Every unit that has a trial, by its name; unless the study is `finished`, its note is preliminary."""
    findings = results.answer.relation
    if findings is None:
        return {}
    trained = [measured for measured in findings.units if measured.arm is not None and measured.over is not None]
    return {
        measured.unit.name: _summary(results, findings, measured, finished=finished)
        for measured in trained
        if measured.unit.gains
        or measured.lost
        or (measured.arm and measured.arm.values)
        or (measured.over and measured.over.values)
    }


def _summary(results: StudyResults, findings: Findings, measured: MeasuredUnit, *, finished: bool) -> ArmSummary:
    unit, estimate = measured.unit, findings.estimates.get(measured.unit.name)
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
    reason = findings.reasons.get(unit.name, "")
    if reason:
        result = f"left out, as {reason}"
    else:
        gain_text = "" if estimate is None else findings.written.change(estimate.y)
        result = f"{gain_text}{findings.written.difference_suffix}"
    note = f"{preliminary}{findings.gain} at {unit.name}: {result}."
    tags = {
        "saddle.question": results.study.question,
        METRIC_TAG: findings.metric.name,
        "saddle.family": unit.family,
        "saddle.predictor": predictor,
        "mlflow.note.content": note,
    }
    return ArmSummary(rounded({name: value for name, value in numbers.items() if math.isfinite(value)}), tags)
