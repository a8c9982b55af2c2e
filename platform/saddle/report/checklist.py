"""The report's section on the checklist: what was checked of which trial, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saddle.analyse.result import Answer
from saddle.analyse.text.formatting import listed, setting
from saddle.design.blocks import replicate_name
from saddle.report.tables import Table
from saddle.trial.record import TrialRecord

ORDER = ("fail", "warn", "not run", "pass")
"""What a reader looks for first."""


@dataclass(frozen=True)
class Checked:
    """The checklist of one trial: `lead` counts its verdicts, `failed` says whether an item fails."""

    name: str
    lead: str
    failed: bool
    table: Table


def checked_trials(entries: Sequence[TrialRecord]) -> list[Checked]:
    """Every trial that the checklist was run on."""
    return [_checked(entry) for entry in entries if entry.checks]


def badge_text(answer: Answer, entries: Sequence[TrialRecord]) -> str:
    """What stands beside a search's answer: `best`, or nothing where nobody has the badge."""
    if not answer.badge.holders:
        return ""
    checked = any(entry.checks for entry in entries if entry.key in answer.badge.holders)
    return "best, checked" if checked else "best"


def _checked(entry: TrialRecord) -> Checked:
    counts = {verdict: sum(check.verdict == verdict for check in entry.checks) for verdict in ORDER}
    words = {"pass": "passed", "warn": "to be warned of", "fail": "failed", "not run": "not run"}
    lead = listed(f"{counts[verdict]} {words[verdict]}" for verdict in reversed(ORDER) if counts[verdict])
    rows = tuple(
        (check.item.replace("_", " "), check.verdict, check.says, numbers_text(check.numbers))
        for check in sorted(entry.checks, key=lambda check: ORDER.index(check.verdict))
    )
    name = entry.key if entry.arm is None else replicate_name(entry.arm, entry.seed, entry.block)
    note = (
        "Counts are of test images. An item fails where an exact one-sided 99 % binomial bound excludes what an honest"
        " model may have; what lacks its evidence is not run."
    )
    return Checked(name, lead, counts["fail"] > 0, Table(("item", "verdict", "what was found", "numbers"), rows, note))


def numbers_text(numbers: Mapping[str, float]) -> str:
    """`n 500, by square alone 1`."""
    return ", ".join(f"{name.replace('_', ' ')} {setting(_plain(value))}" for name, value in numbers.items())


def _plain(value: float) -> float | int:
    return int(value) if value == value and abs(value) < 1e15 and value == int(value) else value
