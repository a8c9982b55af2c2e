"""The table of injected faults: a row for each fault, with how its tests ended, printed after a run of them.

A test that injects a fault is marked `fault("name of the fault")`; tests with the same name share a row.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

PROPERTY = "fault"
NOTED_IN = "SADDLE_FAULT_OUTCOMES"
"""The file with the tests' outcomes, from which docs/faults.md is made (see `tests.faults.fault_page`)."""


@dataclass
class Row:
    """The tests of one fault: their number by outcome, and the seconds they took together."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def count(self, report: pytest.TestReport) -> None:
        """Add one phase of a test; only its call shows that it passed, any phase can fail or skip it."""
        self.seconds += report.duration
        self.passed += report.when == "call" and report.passed
        self.failed += report.failed
        self.skipped += report.skipped


def fault_of(item: pytest.Item) -> str | None:
    """The name of the nearest `fault` mark that has any."""
    return next((str(mark.args[0]) for mark in item.iter_markers("fault") if mark.args), None)


def rows_of(reports: Iterable[pytest.TestReport]) -> dict[str, Row]:
    """The rows of the table by their name, sorted."""
    rows: defaultdict[str, Row] = defaultdict(Row)
    for report in reports:
        name = dict(report.user_properties).get(PROPERTY)
        if name is not None:
            rows[str(name)].count(report)
    return dict(sorted(rows.items()))


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    # a property travels with the report, also from a worker of pytest-xdist
    for item in items:
        name = fault_of(item)
        if name is not None:
            item.user_properties.append((PROPERTY, name))


def outcome_of(reports: Sequence[pytest.TestReport]) -> str:
    """How the tests of one function ended together."""
    if any(report.failed for report in reports):
        return "failed"
    return "passed" if any(report.when == "call" and report.passed for report in reports) else "skipped"


def note_outcomes(path: Path, reports: Iterable[pytest.TestReport], day: str) -> None:
    """Add to the file at `path` how the tests ended, by FILE::FUNCTION and FILE::CLASS."""
    by_test: defaultdict[str, list[pytest.TestReport]] = defaultdict(list)
    for report in reports:
        file, *names = report.nodeid.partition("[")[0].split("::")
        for name in {names[0], names[-1]}:
            by_test[f"{file}::{name}"].append(report)
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= {test: {"outcome": outcome_of(ended), "date": day} for test, ended in by_test.items()}
    path.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report
        for outcome in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(outcome, ())
        if isinstance(report, pytest.TestReport)
    ]
    reports += terminalreporter.stats.get("", ())
    if noted := os.environ.get(NOTED_IN):
        note_outcomes(Path(noted), reports, datetime.now(UTC).date().isoformat())
    rows = rows_of(reports)
    if not rows:
        return
    terminalreporter.section("injected faults")
    width = max(map(len, rows))
    terminalreporter.write_line(f"{'fault':{width}}  passed  failed  skipped  seconds")
    for name, row in rows.items():
        figures = f"{row.passed:6}  {row.failed:6}  {row.skipped:7}  {row.seconds:7.1f}"
        terminalreporter.write_line(f"{name:{width}}  {figures}")
