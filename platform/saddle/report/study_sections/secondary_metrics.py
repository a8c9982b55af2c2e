"""Further metrics of an ablation's arms, described and not judged."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import DASH, Scale, label
from saddle.report.blocks import Block, Table
from saddle.report.section import Section, present
from saddle.report.study_report import StudyReport
from saddle.study.trainable.metrics import matching
from trainables.contract import Metric

MOST_ABREAST = 7
"""Arms that a table has room for side by side; with more, each has a row."""
NOTE = "Means ± standard deviation over seeds. They were not tested, and no verdict rests on them."


def also_table(results: StudyResults) -> Table | None:
    """The metrics that `compare: {also: …}` names, arm by arm; None if it names none that was measured."""
    ablation = results.study.ablation
    if ablation is None or not ablation.compare.also:
        return None
    names = matching(ablation.compare.also, {name for record in results.comparable for name in record.metrics})
    columns, words = [], []
    for metric in map(results.declared.metric, names):
        measured = results.measured(metric.name)
        values = [list(arm.values.values()) for arm in measured]
        if any(values):
            words.append([arm.arm for arm in measured])
            columns.append((metric, _cells(metric, values)))
    if not columns:
        return None
    if len(results.arms) <= MOST_ABREAST:
        rows = tuple((_named(metric), *cells) for metric, cells in columns)
        return Table(("metric", *words[0]), rows, NOTE)
    rows = tuple(zip(words[0], *(cells for _, cells in columns), strict=True))
    return Table(("arm", *(_named(metric) for metric, _ in columns)), rows, NOTE)


def _named(metric: Metric) -> str:
    """The metric with its unit, which then need not be repeated in every cell."""
    return label(metric.name) + Scale.of(metric).unit


def _cells(metric: Metric, values: Sequence[Sequence[float]]) -> list[str]:
    spreads = [stdev(of_arm) if len(of_arm) > 1 else None for of_arm in values]
    scale = Scale.of(metric, spreads)
    return [
        DASH if not of_arm else scale.bare(fmean(of_arm)) + ("" if spread is None else f" ± {scale.bare(spread)}")
        for of_arm, spread in zip(values, spreads, strict=True)
    ]


def blocks(report: StudyReport) -> list[Block]:
    return present(also_table(report.results))


ALSO = Section("also", "Also measured", 80, blocks)
