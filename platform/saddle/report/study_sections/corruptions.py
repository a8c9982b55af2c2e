"""Accuracy under each corruption, arm by arm, and the mean corruption error relative to the study's own baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from saddle.analyse.arms.corruption_error import LEAST_LOSS, CorruptionError, corruption_error
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import DASH, Scale, label
from saddle.report.blocks import Block, Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from trainables.contract import Metric

MOST_ABREAST = 7
ERROR, RELATIVE = "mean corruption error (% of the baseline’s)", "relative corruption error (% of the baseline’s)"


def blocks(report: StudyReport) -> list[Block]:
    """A row for each corruption with the arms side by side, or a row for each of many arms."""
    results = report.results
    kinds = corruptions_of(results)
    if results.study.ablation is None or not kinds:
        return []
    table = {arm: accuracies_of(results, arm, [*kinds, *cleans_of(kinds)]) for arm in results.named_arms}
    cells = {arm: [_percent(values.get(kind.name)) for kind in kinds] for arm, values in table.items()}
    summary = {arm: _errors(table, arm, kinds, results.baseline or "") for arm in table}
    heads = [_title(kind) for kind in kinds]
    if len(table) <= MOST_ABREAST:
        rows = [(head, *(column[at] for column in cells.values())) for at, head in enumerate(heads)]
        rows += [(name, *(errors[at] for errors in summary.values())) for at, name in enumerate((ERROR, RELATIVE))]
        return [Table(("accuracy (%)", *table), tuple(rows), note_of(table, kinds, results.baseline or ""))]
    rows = [(arm, *summary[arm], *cells[arm]) for arm in table]
    return [Table(("arm", ERROR, RELATIVE, *heads), tuple(rows), note_of(table, kinds, results.baseline or ""))]


def corruptions_of(results: StudyResults) -> list[Metric]:
    """The metrics of corruptions that trials have, in the order of their declaration."""
    measured = {name for record in results.comparable for name in record.metrics}
    return [
        metric for name, metric in results.declared.metrics.items() if metric.role == "corruption" and name in measured
    ]


def cleans_of(kinds: Sequence[Metric]) -> list[Metric]:
    """The accuracy on clean images that the corruptions' metrics name."""
    return [Metric("maximize", name=name) for name in dict.fromkeys(kind.clean for kind in kinds) if name]


def accuracies_of(results: StudyResults, arm: str, metrics: Sequence[Metric]) -> dict[str, float]:
    """Means over the arm's seeds, by the names of the metrics."""
    values = {metric.name: _of_arm(results, arm, metric.name) for metric in metrics}
    return {name: fmean(numbers) for name, numbers in values.items() if numbers}


def _of_arm(results: StudyResults, arm: str, metric: str) -> list[float]:
    return [
        value
        for arm_values in results.measured(metric)
        if arm_values.arm == arm
        for value in arm_values.values.values()
    ]


def _errors(table: Mapping[str, Mapping[str, float]], arm: str, kinds: Sequence[Metric], baseline: str) -> list[str]:
    error = _error_of(table, arm, kinds, baseline)
    return [_percent(error.mean), _percent(error.relative)]


def _error_of(
    table: Mapping[str, Mapping[str, float]], arm: str, kinds: Sequence[Metric], baseline: str
) -> CorruptionError:
    clean, names = kinds[0].clean, [kind.name for kind in kinds]
    own, base = table[arm], table.get(baseline, {})
    of_kinds = [{name: values[name] for name in names if name in values} for values in (own, base)]
    return corruption_error(of_kinds[0], own.get(clean), of_kinds[1], base.get(clean))


def note_of(table: Mapping[str, Mapping[str, float]], kinds: Sequence[Metric], baseline: str) -> str:
    """What the rows are, and over how many corruptions the relative error is."""
    count = _error_of(table, baseline, kinds, baseline).relative_kinds if baseline in table else 0
    return (
        "Means over seeds and severities, of images under C-style corruptions; these are not the images of a published"
        " benchmark, and errors are relative to this study’s own baseline. Below 100 % is better. The relative"
        f" error, of the accuracy that a corruption costs, is over the {count} of {len(kinds)} corruptions that"
        f" cost the baseline {100 * LEAST_LOSS:g} points or more."
    )


def _title(metric: Metric) -> str:
    return metric.label or label(metric.name)


def _percent(share: float | None) -> str:
    return DASH if share is None else Scale(100, "", "", 1).bare(share)


CORRUPTIONS = Section("corruptions", "Under corruptions", 45, blocks)
