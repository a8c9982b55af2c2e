"""The report's section on the checklist: what was checked for which trial, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from saddle.analyse.text.formatting import listed, setting
from saddle.report.blocks import Block, Folded, Heading, Table, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.report.trial_name import trial_name
from saddle.trial.record import TrialRecord

ORDER = ("fail", "warn", "not run", "pass")
"""Verdicts in the order in which a reader looks for them."""


@dataclass(frozen=True)
class Checked:
    """The checklist of one trial: `lead` counts its verdicts, `failed` says whether an item fails."""

    name: str
    lead: str
    failed: bool
    table: Table


def checked_trials(report: StudyReport) -> list[Checked]:
    """Every trial that the checklist was run on."""
    entries, names = report.records, report.results.arm_names
    return [_checked(entry, names) for entry in entries if entry.checks]


def page(report: StudyReport) -> list[Block]:
    """Each trial's checklist, the first one and those with a fail open."""
    return [
        Folded(f"{checked.name}: {checked.lead}", [checked.table], look="checked", open=checked.failed or index == 0)
        for index, checked in enumerate(checked_trials(report))
    ]


def markdown(report: StudyReport) -> list[Block]:
    """Each trial's checklist below its name."""
    blocks: list[Block] = []
    for checked in checked_trials(report):
        blocks += [Heading(f"Checklist of {checked.name}"), Text([f"{checked.lead}."]), checked.table]
    return blocks


def _checked(entry: TrialRecord, names: Mapping[str, str]) -> Checked:
    counts = {verdict: sum(check.verdict == verdict for check in entry.checks) for verdict in ORDER}
    words = {"pass": "passed", "warn": "to note", "fail": "failed", "not run": "not run"}
    lead = listed(f"{counts[verdict]} {words[verdict]}" for verdict in reversed(ORDER) if counts[verdict])
    rows = tuple(
        (check.item.replace("_", " "), check.verdict, check.says, numbers_text(check.numbers))
        for check in sorted(entry.checks, key=lambda check: ORDER.index(check.verdict))
    )
    name = trial_name(entry, names)
    note = (
        "Counts are of test images. An item fails where an exact one-sided 99 % binomial bound excludes what an honest"
        " model may have; items without their evidence are not run."
    )
    table = Table(("item", "verdict", "what was found", "numbers"), rows, note, "checklist")
    return Checked(name, lead, counts["fail"] > 0, table)


def numbers_text(numbers: Mapping[str, float]) -> str:
    """`n 500, by square alone 1`."""
    return ", ".join(f"{name.replace('_', ' ')} {setting(_plain(value))}" for name, value in numbers.items())


def _plain(value: float) -> float | int:
    return int(value) if value == value and abs(value) < 1e15 and value == int(value) else value


CHECKLIST = Section("checklist", "Checks for overestimated robustness", 100, page, markdown)
