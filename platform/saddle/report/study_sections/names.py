"""The meaning of short names in a report: levels of factors, components, and the metric that is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import label
from saddle.report.blocks import Fact, Facts
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.values import readable
from trainables.contract import Metric


def names_of(results: StudyResults) -> list[Fact]:
    """Each name that is explained anywhere, with its meaning; the metric first."""
    return [*_of_metric(results.answer.metric), *_of_arms(results), *_of_components(results)]


def _of_metric(metric: Metric) -> Iterator[Fact]:
    """What the metric measures, and the name that study files have for it."""
    if metric.role == "robust" and metric.worst_case:
        meaning = "the share that is classified rightly when clean and under every attack that was run"
    elif metric.role == "robust" and metric.attack:
        meaning = f"the share that is classified rightly when clean and under {metric.attack}"
    else:
        return
    yield Fact(label(metric.name), [f"{meaning} ({metric.name})"])


def _of_arms(results: StudyResults) -> Iterator[Fact]:
    fields: Mapping[str, Any] = results.declared.schema.get("properties", {})
    explained: dict[str, None] = {}
    for arm in results.arms:
        for factor, level in {**arm.settings, **arm.levels}.items():
            meaning = fields.get(factor, {}).get("levels", {}).get(readable(level))
            if meaning:
                explained.setdefault(f"{readable(level)}\n{meaning}")
    for line in explained:
        name, _, meaning = line.partition("\n")
        yield Fact(name, [meaning])


def _of_components(results: StudyResults) -> Iterator[Fact]:
    ablation = results.study.ablation
    for name in ablation.factors if ablation is not None else ():
        if name in results.declared.components:
            yield Fact(name, [results.declared.components[name].description])


def blocks(report: StudyReport) -> list[Facts]:
    facts = names_of(report.results)
    return [Facts(facts, "terms")] if facts else []


NAMES = Section("names", "Names", 7, blocks)
