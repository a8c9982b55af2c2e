"""The plans of an ablation, if there was more than one."""

from __future__ import annotations

from collections.abc import Mapping

from saddle.analyse.text.formatting import DASH
from saddle.report.blocks import Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.history import SeedPlan

COLUMNS = ("plan", "made", "seeds", "looks after", "trials that had ended", "arms added", "judged otherwise")
NOTE = (
    "Seeds that are added after results could be seen are judged by the bound that holds whenever one stops; what was"
    " planned before is never overwritten."
)


def blocks(report: StudyReport) -> list[Table]:
    plans = report.results.history.plans if report.study.ablation is not None else ()
    names = {arm.key: name for name, arm in report.results.named_arms.items()}
    rows = [(str(number), *_row(plan, names)) for number, plan in enumerate(plans, start=1)]
    grown = any(plan.growth for plan in plans)
    width = len(COLUMNS) if grown else len(COLUMNS) - 2
    return [Table(COLUMNS[:width], tuple(row[:width] for row in rows), NOTE)] if len(plans) > 1 else []


def _row(plan: SeedPlan, names: Mapping[str, str]) -> tuple[str, ...]:
    added = ", ".join(names.get(key, key) for key in plan.growth.added)
    changes = "; ".join(change.removeprefix("ablation.compare.") for change in plan.growth.judged_otherwise)
    created = plan.made if plan.when else DASH
    return created, _numbers(plan.seeds), _numbers(plan.looks), str(plan.finished), added or DASH, changes or DASH


def _numbers(values: tuple[int, ...]) -> str:
    """The numbers, those in the middle of a long run left out."""
    if len(values) > 4 and values == tuple(range(values[0], values[0] + len(values))):
        return f"{values[0]}, …, {values[-1]}"
    return ", ".join(map(str, values))


PLANS = Section("plans", "History of the plan", 145, blocks)
