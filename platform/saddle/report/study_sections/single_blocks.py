"""The effects in single blocks."""

from __future__ import annotations

from saddle.analyse.blocks import DESCRIPTIVE
from saddle.report.blocks import Block, Folded, Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport

TITLE = "In single blocks"
FEW_ROWS = 12
"""A table of so many is open from the start."""


def page(report: StudyReport) -> list[Block]:
    rows = report.answer.block_rows
    return [Folded(TITLE, markdown(report), id="blocks", open=len(rows) <= FEW_ROWS)] if rows else []


def markdown(report: StudyReport) -> list[Block]:
    rows = report.answer.block_rows
    return [Table(report.answer.block_columns, rows, DESCRIPTIVE)] if rows else []


SINGLE_BLOCKS = Section("blocks", TITLE, 30, page, markdown, within="results")
