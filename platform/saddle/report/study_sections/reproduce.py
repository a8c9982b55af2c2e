"""How to run the study again: its file and the command."""

from __future__ import annotations

import time
from importlib import metadata

from saddle.report.blocks import Block, Code, Source, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.imported_table import ImportedTable


def page(report: StudyReport) -> list[Block]:
    study, table = report.study, report.results.declared.imported
    if table is not None:
        return imported(table)
    parts = ["Save this as ", Code(f"{study.study}.yaml"), " and run ", Code(command_of(report))]
    if study.ablation is not None and study.ablation.best_of:
        parts += [" after the study ", Code(study.ablation.best_of), ", whose best trial is the baseline"]
    return [Text([*parts, "."]), Source(file_of(report), "yaml")]


def markdown(report: StudyReport) -> list[Block]:
    table = report.results.declared.imported
    if table is not None:
        return imported(table)
    version, written = metadata.version("saddle"), time.strftime("%Y-%m-%d %H:%M")
    parts = [Code("saddle"), f" {version}, {written}. Save as ", Code(f"{report.study.study}.yaml"), ":"]
    return [Text(parts), Source(file_of(report), "yaml"), Source(command_of(report), "sh")]


def imported(table: ImportedTable) -> list[Block]:
    """How a study of results that were trained elsewhere is made again."""
    parts = ["Nothing was trained here. This command imports ", Code(table.file), f" (SHA-256 {table.sha256}) again:"]
    return [Text(parts), Source(table.command, "sh")]


def command_of(report: StudyReport) -> str:
    """The command that runs the study."""
    return report.command or f"saddle run {report.study.study}.yaml"


def file_of(report: StudyReport) -> str:
    """The study file."""
    from saddle.studyfile.loader import dump_study

    return dump_study(report.study) if report.study_file is None else report.study_file


REPRODUCE = Section("reproduce", "How to reproduce", 170, page, markdown)
