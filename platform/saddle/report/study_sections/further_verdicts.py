"""The verdicts on further metrics that an ablation asks for (`compare: {each: …}`)."""

from __future__ import annotations

from saddle.analyse.arms.further_verdicts import FurtherVerdict
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.analyse.text.formatting import DASH, Scale, label, p_value
from saddle.report.blocks import Block, Folded, Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.ablation import Ablation

MOST_ABREAST = 7
"""Arms or metrics that a table has room for side by side."""
DETAILS = "Intervals and p-values of these verdicts"
ALONE = " †"
"""Follows a verdict that does not hold where all metrics are one family."""


def page(report: StudyReport) -> list[Block]:
    """The verdicts, and their numbers folded."""
    return [*overview(report), *(Folded(DETAILS, details(report), id="each-details") for _ in details(report)[:1])]


def markdown(report: StudyReport) -> list[Block]:
    """The same without a fold."""
    return [*overview(report), *details(report)]


def overview(report: StudyReport) -> list[Block]:
    """Metrics against arms, the fewer of the two side by side; none if nothing is asked."""
    ablation, further = report.study.ablation, report.results.further
    if ablation is None or not further:
        return []
    cells = {(verdict.effect.metric.name, verdict.effect.name): _cell(verdict, ablation) for verdict in further}
    metrics = {verdict.effect.metric.name: _named(verdict) for verdict in further}
    effects = list(dict.fromkeys(verdict.effect.name for verdict in further))
    note = note_of(ablation, len(further))
    if len(effects) > MOST_ABREAST >= len(metrics):
        rows = tuple((name, *(cells.get((metric, name), DASH) for metric in metrics)) for name in effects)
        return [Table(("arm", *metrics.values()), rows, note)]
    if len(effects) <= MOST_ABREAST:
        rows = tuple(
            (title, *(cells.get((metric, name), DASH) for name in effects)) for metric, title in metrics.items()
        )
        return [Table(("metric", *effects), rows, note)]
    rows = tuple(
        (name, title, cells.get((metric, name), DASH)) for metric, title in metrics.items() for name in effects
    )
    return [Table(("arm", "metric", "difference and verdict"), rows, note)]


def details(report: StudyReport) -> list[Block]:
    """A row for each verdict with all that it rests on."""
    further = report.results.further
    columns = (
        "metric",
        "arm",
        "seeds",
        "baseline",
        "with the arm",
        "difference",
        "interval",
        "p",
        "p over all",
        "verdict",
    )
    rows = []
    for verdict in further:
        effect, scale = verdict.effect, scale_of([verdict.effect], verdict.effect.metric)
        values = Scale.of(effect.metric)
        rows.append(
            (
                label(effect.metric.name),
                effect.name,
                str(effect.n),
                values.value(effect.baseline_mean),
                values.value(effect.arm_mean),
                scale.difference(effect.mean),
                scale.interval(effect.low, effect.high),
                p_value(effect.p_adjusted),
                p_value(verdict.p_over_all),
                effect.verdict_text,
            )
        )
    return [Table(columns, tuple(rows))] if rows else []


def note_of(ablation: Ablation, count: int) -> str:
    """What the cells are, and what their error rate refers to."""
    alpha = f"{100 * ablation.compare.alpha:g} %"
    return (
        "Mean differences from the baseline over paired seeds, and verdicts: each metric is a separate question, with"
        f" {NAMES[ablation.compare.correction]}’s procedure over its arms, so {alpha} of such questions without any"
        f" difference have a wrong claim. †: not shown where all {count} comparisons are one family (Holm)."
    )


def _named(verdict: FurtherVerdict) -> str:
    return label(verdict.effect.metric.name).removeprefix("test ") + Scale.of(verdict.effect.metric).difference_unit


def _cell(verdict: FurtherVerdict, ablation: Ablation) -> str:
    effect = verdict.effect
    if effect.mean is None:
        return str(effect.verdict)
    shown = f"{scale_of([effect], effect.metric).change(effect.mean)} {effect.verdict}"
    is_claim = effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high
    return shown + (ALONE if is_claim and not verdict.holds_over_all(ablation.compare.alpha) else "")


EACH = Section("each", "Verdicts on further metrics", 42, page, markdown)
