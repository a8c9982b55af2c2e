"""How a relation was planned and what else was computed: its hash, further predictors, slopes without each unit."""

from __future__ import annotations

import math

from saddle.analyse.relations.answer import PLAN_NOTE
from saddle.analyse.relations.findings import Findings
from saddle.analyse.relations.sentence import slope_scale, slope_step
from saddle.analyse.text.formatting import DASH, p_value, setting, signed
from saddle.report.blocks import Block, Code, Folded, Heading, Table, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.history import SeedPlan

PREDICTORS = (
    "Correlations of the mean gain with each predictor, within families. p is the permutation p of the one predictor;"
    " the last column allows for all that were tried (largest |r| in each permutation). The answer is about the first,"
    " which was declared before."
)


def blocks(report: StudyReport) -> list[Block]:
    findings = report.answer.relation
    if findings is None:
        return []
    shown: list[Block] = [*_plan(report)]
    if findings.answer.tried:
        shown += [Heading("Predictors"), predictor_table(findings)]
    if findings.answer.fitted is not None:
        shown.append(Folded("The slope without each unit", [without_table(findings)], id="without-each"))
    if findings.published:
        shown += [Heading("Published points"), published_table(report, findings)]
    return shown


def _plan(report: StudyReport) -> list[Block]:
    plans = [plan for plan in report.results.history.plans if plan.analysis]
    if not plans:
        return []
    parts = [report.answer.conditional, " Hash of gain, predictors, units, seeds and level."]
    rows = tuple((str(number), *_row(plan)) for number, plan in enumerate(plans, start=1))
    changed = [Text(["Changes after data existed: ", Code(str(len(report.results.history.analysis_changes))), "."])]
    table = Table(("plan", "fixed", "hash", "trials that had ended", "predictor", "units", "seeds"), rows, PLAN_NOTE)
    return [Text(parts), *(changed if len(plans) > 1 else []), table]


def _row(plan: SeedPlan) -> tuple[str, ...]:
    units = plan.analysis.get("units", {})
    facts = (str(plan.analysis.get("predictor")), str(len(units)), str(len(plan.seeds)))
    return plan.made, plan.digest, str(plan.finished), *facts


def predictor_table(findings: Findings) -> Table:
    """Every predictor that was looked at, the declared one first."""
    rows = tuple(
        (
            predictor.name,
            str(predictor.k),
            DASH if predictor.r is None else signed(f"{predictor.r:.2f}"),
            p_value(predictor.p),
            p_value(predictor.max_r_p),
        )
        for predictor in findings.answer.tried
    )
    return Table(("predictor", "units", "r", "p", "p over all"), rows, PREDICTORS, "narrow")


def without_table(findings: Findings) -> Table:
    """The slope that is left when a unit is left out, and its p."""
    fitted = findings.answer.fitted
    assert fitted is not None
    step = slope_step(findings.answer)
    written = slope_scale(findings.answer, findings.metric, findings.scale)
    rows = tuple(
        (
            unit.name,
            DASH if unit.slope is None or math.isnan(unit.slope) else written.change(unit.slope * step),
            p_value(unit.p),
        )
        for unit in fitted.without_each
    )
    head = f"slope for {setting(step)} of {findings.answer.predictor}{written.difference_unit}"
    return Table(("without", head, "p"), rows, look="narrow")


def published_table(report: StudyReport, findings: Findings) -> Table:
    """The published points and ours of the same units; they take no part in the answer."""
    rows = []
    for point in findings.published:
        ours = findings.estimates.get(point.unit)
        rows.append(
            (
                point.unit,
                setting(point.x),
                findings.written.change(point.y),
                DASH if ours is None else setting(ours.x),
                DASH if ours is None else findings.written.change(ours.y),
                point.source or DASH,
            )
        )
    predictor, unit = findings.answer.predictor, findings.written.difference_unit
    columns = ("unit", f"{predictor}, published", f"gain, published{unit}", f"{predictor}, ours", f"gain, ours{unit}",
               "source")  # fmt: skip
    notes = report.study.published.notes if report.study.published is not None else []
    return Table(columns, tuple(rows), " ".join(notes))


RELATION = Section("relation", "Plan and predictors", 35, blocks)
