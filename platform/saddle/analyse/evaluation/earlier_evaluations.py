"""A study under each evaluation that its trials were measured with, so that both answers can be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import settings
from saddle.study.values import canonical
from saddle.trial.measurement import Measurement
from saddle.trial.record import TrialRecord


@dataclass(frozen=True)
class UnderEvaluation:
    """The results as one evaluation gives them; `name` states its settings, such as `attacks = [fgsm]`."""

    name: str
    results: StudyResults


def earlier_evaluations(results: StudyResults) -> list[UnderEvaluation]:
    """The results under each evaluation but the present one, earliest first; none if no trial was measured again.

    Trials that lack a measurement with one of them have no test metrics there. Of several measurements with the same
    settings the latest counts.
    """
    if not any(record.earlier for record in results.records):
        return []
    ways = ways_of(results.records)
    present = canonical(dict(max(results.records, key=lambda record: record.measured).evaluation))
    names = list(dict.fromkeys(name for way in ways.values() for name in way))
    return [
        UnderEvaluation(settings(described(results.records, way, names).items()), under(results, key))
        for key, way in ways.items()
        if key != present
    ]


def present_name(results: StudyResults) -> str:
    """The settings of the present evaluation, named as those of the earlier ones are."""
    names = list(dict.fromkeys(name for way in ways_of(results.records).values() for name in way))
    latest = max(results.records, key=lambda record: record.measured)
    return settings(described(results.records, latest.evaluation, names).items())


def ways_of(records: Sequence[TrialRecord]) -> dict[str, Mapping[str, Any]]:
    """The settings of each evaluation by their canonical form, ordered by first use."""
    measured = sorted(
        (measurement for record in records for measurement in measurements_of(record)),
        key=lambda measurement: measurement.when,
    )
    return {
        canonical(dict(measurement.evaluation)): measurement.evaluation
        for measurement in measured
        if measurement.metrics
    }


def measurements_of(record: TrialRecord) -> list[Measurement]:
    """Every measurement of a trial, earliest first; one that was part of the training has time 0."""
    first, *later = [*record.earlier, record.measurement]
    return [replace(first, when=0.0) if not first.evaluation else first, *later]


def described(records: Sequence[TrialRecord], way: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The values that these settings have in an evaluation, those of the training if it does not set them."""
    trained = next((record.params for record in records if any(name in record.params for name in names)), {})
    return {name: way.get(name, trained.get(name)) for name in names}


def under(results: StudyResults, way: str) -> StudyResults:
    """The results as the evaluation with this canonical form gives them."""
    return replace(results, records=[measured_so(record, way) for record in results.records])


def measured_so(record: TrialRecord, way: str) -> TrialRecord:
    """The record with its measurement of an evaluation as the only one; without test metrics if it has none."""
    of_way = [measurement for measurement in measurements_of(record) if canonical(dict(measurement.evaluation)) == way]
    without_test = {name: value for name, value in record.metrics.items() if not name.startswith("test/")}
    if not of_way:
        bare = replace(record.measurement, metrics=without_test, test_last={}, arrays={}, evaluation={}, when=0.0)
        return replace(record, measurement=bare, earlier=())
    measurement = of_way[-1]
    tested = {name: value for name, value in measurement.metrics.items() if name.startswith("test/")}
    # time 0, so that it does not count as one of several
    return replace(record, measurement=replace(measurement, metrics={**without_test, **tested}, when=0.0), earlier=())
