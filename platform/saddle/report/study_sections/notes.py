"""The notes on the study, its arms and its trials."""

from __future__ import annotations

import time

from saddle.report.blocks import Block, Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport


def blocks(report: StudyReport) -> list[Block]:
    """A row for each note, the earliest first; none if there is none."""
    rows = tuple(
        (time.strftime("%Y-%m-%d", time.localtime(note.when)), note.about, ", ".join(note.tags), note.text)
        for note in report.notes
    )
    return [Table(("written", "about", "tags", "note"), rows)] if rows else []


NOTES = Section("notes", "Notes", 142, blocks)
