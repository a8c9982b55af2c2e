"""The answer's own table."""

from __future__ import annotations

from saddle.analyse.statistics.corrections import NAMES
from saddle.report.blocks import Block, Table, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport


def page(report: StudyReport) -> list[Block]:
    return markdown(report) or [Text(["There is nothing to compare yet."], "empty")]


def markdown(report: StudyReport) -> list[Block]:
    answer = report.answer
    return [Table(answer.columns, answer.rows, note_of(report))] if answer.rows else []


def note_of(report: StudyReport) -> str:
    """What the columns are."""
    ablation = report.study.ablation
    if ablation is None:
        more = len(report.records) > len(report.answer.rows)
        return "Completed trials, the best first; more of them are listed below." if more else ""
    name, conditional = NAMES[ablation.compare.correction], report.answer.conditional
    return (
        "Means ± standard deviation over seeds, of the checkpoint chosen on validation data. An interval leaves out"
        f" zero exactly where {name}’s procedure rejects; the permutation p flips signs exactly and decides nothing."
        " Differences are over the seeds that both arms completed, so they may differ from the difference of the means."
        + (f" {conditional}" if conditional else "")
    )


RESULTS = Section("results", "Results", 20, page, markdown)
