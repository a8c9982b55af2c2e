"""The plans of an ablation's seeds, where there was more than one."""

from __future__ import annotations

from saddle.analyse.text.formatting import DASH
from saddle.report.blocks import Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.history import SeedPlan

COLUMNS = ("plan", "made", "seeds", "looks after", "trials that had ended")
NOTE = (
    "Seeds that are added after results could be seen are judged by the bound that holds whenever one stops; what was"
    " planned before is never overwritten."
)


def blocks(report: StudyReport) -> list[Table]:
    plans = report.results.history.plans if report.study.ablation is not None else ()
    rows = [(str(number), *_row(plan)) for number, plan in enumerate(plans, start=1)]
    return [Table(COLUMNS, tuple(rows), NOTE)] if len(plans) > 1 else []


def _row(plan: SeedPlan) -> tuple[str, str, str, str]:
    return plan.made if plan.when else DASH, _numbers(plan.seeds), _numbers(plan.looks), str(plan.finished)


def _numbers(values: tuple[int, ...]) -> str:
    """The numbers, those in the middle of a long run left out."""
    if len(values) > 4 and values == tuple(range(values[0], values[0] + len(values))):
        return f"{values[0]}, …, {values[-1]}"
    return ", ".join(map(str, values))


PLANS = Section("plans", "How the seeds were planned", 145, blocks)
