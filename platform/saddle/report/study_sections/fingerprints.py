"""The data, code and environment that the results rest on."""

from __future__ import annotations

from collections.abc import Iterable

from saddle.analyse.text.formatting import setting
from saddle.report.blocks import Block, Fact, Facts
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport
from saddle.trial.nested_values import flatten
from saddle.trial.record import TrialRecord


def page(report: StudyReport) -> list[Block]:
    facts = fingerprints(report.records)
    return [Facts(facts)] if facts else []


def fingerprints(entries: Iterable[TrialRecord]) -> list[Fact]:
    """Nested facts under dotted names; one that is not the same in all trials differs, except seeds, which should."""
    values: dict[str, dict[str, None]] = {}
    for entry in entries:
        for name, value in flatten(entry.fingerprints).items():
            values.setdefault(name, {})[str(setting(value))] = None
    return [Fact(name, tuple(texts), name != "seed" and len(texts) > 1) for name, texts in values.items()]


FINGERPRINTS = Section("fingerprints", "Environment", 160, page, left_out)
