"""The answer's own tables."""

from __future__ import annotations

from saddle.analyse.arms.blocks import DESCRIPTIVE
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.report.blocks import Block, Folded, Table, Text
from saddle.report.drawing.arm_order import rows_in_order
from saddle.report.section import Section
from saddle.report.study_report import StudyReport

OF_BLOCKS = "In single blocks"
OF_UNITS = (
    "The gain of a unit is the mean over its paired seeds. Its interval is that of this mean alone, with the variance"
    " of seeds shrunk to that of all units; its weight is its share in the slope. Failed seeds have no pair."
)
FEW_ROWS = 12
"""A table with at most this many rows is open from the start."""


def results_in_page(report: StudyReport) -> list[Block]:
    return results(report) or [Text(["Nothing can be compared yet."], "empty")]


def results(report: StudyReport) -> list[Block]:
    answer = report.answer
    if not answer.rows:
        return []
    rows = answer.rows if report.study.ablation is None else rows_in_order(report.results, answer.rows)
    return [Table(answer.columns, tuple(rows), note_of(report))]


def note_of(report: StudyReport) -> str:
    """The meaning of the columns."""
    ablation = report.study.ablation
    if report.answer.relation is not None:
        return OF_UNITS
    if ablation is None:
        more = len(report.records) > len(report.answer.rows)
        return "Completed trials, the best first; more of them are listed below." if more else ""
    name, conditional = NAMES[ablation.compare.correction], report.answer.conditional
    chosen = "" if report.results.declared.imported is not None else ", of the checkpoint chosen on validation data"
    return (
        f"Means ± standard deviation over seeds{chosen}. An interval leaves out"
        f" zero exactly where {name}’s procedure rejects; the permutation p flips signs exactly and decides nothing."
        " Differences are over the seeds that both arms completed, so they may differ from the difference of the means."
        + (f" {conditional}" if conditional else "")
    )


def blocks_in_page(report: StudyReport) -> list[Block]:
    is_short = len(report.answer.block_rows) <= FEW_ROWS
    return [Folded(OF_BLOCKS, single_blocks(report), id="blocks", open=is_short)] if report.answer.block_rows else []


def single_blocks(report: StudyReport) -> list[Block]:
    rows = report.answer.block_rows
    return [Table(report.answer.block_columns, rows, DESCRIPTIVE)] if rows else []


RESULTS = Section("results", "Results", 20, results_in_page, results)
SINGLE_BLOCKS = Section("blocks", OF_BLOCKS, 30, blocks_in_page, single_blocks, within="results")
