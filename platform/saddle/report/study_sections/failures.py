"""How often each arm failed as a method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.analyse.arms.collapse import FailureRate
from saddle.analyse.text.formatting import DASH, p_value, percent
from saddle.report.blocks import Block, Table
from saddle.report.drawing.arm_order import rows_in_order
from saddle.report.section import Section
from saddle.report.study_report import StudyReport


def failure_table(failures: Sequence[FailureRate]) -> Table | None:
    """How often each arm failed as a method, tested seed by seed against the baseline; None if nothing failed."""
    if not failures:
        return None
    compared = len(failures) > 1
    columns = ("arm", "failed", "of", "rate", "exact 95 % interval")
    rows = [
        (
            rate.arm,
            str(rate.failed),
            str(rate.trained),
            percent(rate.rate),
            f"{percent(rate.low)} to {percent(rate.high)}",
            *((DASH, DASH) if index == 0 else (" / ".join(map(str, rate.discordant)), p_value(rate.p))),
        )
        for index, rate in enumerate(failures)
    ]
    note = (
        "Replicates that collapsed or diverged, of all that were trained. The interval is Clopper and Pearson’s."
        " “Only here / only baseline” counts the seeds with which one of the two failed and the other did not;"
        " p is McNemar’s exact test of these, not adjusted."
    )
    if not compared:
        return Table(columns, tuple(row[: len(columns)] for row in rows), note, "narrow")
    return Table((*columns, "only here / only baseline", "p (McNemar)"), tuple(rows), note, "narrow")


def blocks(report: StudyReport) -> list[Block]:
    table = failure_table(report.answer.failures)
    if table is None:
        return []
    return [replace(table, rows=tuple(rows_in_order(report.results, table.rows)))]


FAILURES = Section("failures", "Failure rates", 40, blocks)
