"""Makes docs/faults.md of the rows and of how their tests last ended: `python -m tests.faults.fault_page`.

`make faults` and the other targets write how tests of faults ended to `outcomes.json` (see `fault_table`) where
SADDLE_FAULT_OUTCOMES names that file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from tests.faults.fault_rows import ROWS, FaultRow

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/faults.md"
OUTCOMES = Path(__file__).with_name("outcomes.json")

HEAD = """\
# Faults

What a study survives, each row with the tests that inject the fault. After every fault `saddle verify` is clean or
`--repair` makes it so; no trial is lost, none is counted twice, no MLflow run stays RUNNING, and no started process is
left. This page is made by `python -m tests.faults.fault_page` from the tests' last results; `make faults`
runs those that take less than some minutes, `make test-all` all.

| fault | what follows | tests | last result |
|---|---|---|---|
"""


class Outcome(TypedDict):
    """How the tests of one function ended, and on which day."""

    outcome: str
    date: str


def read_outcomes() -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = json.loads(OUTCOMES.read_text()) if OUTCOMES.exists() else {}
    return outcomes


def keep_outcomes(rows: Sequence[FaultRow], outcomes: Mapping[str, Outcome]) -> None:
    """Leave only the outcomes of the rows' tests in the file: a run notes all of its tests."""
    tests = {test for row in rows for test in row.tests}
    of_rows = {test: outcome for test, outcome in outcomes.items() if test in tests}
    OUTCOMES.write_text(json.dumps(dict(sorted(of_rows.items())), indent=1) + "\n")


def result_of(row: FaultRow, outcomes: Mapping[str, Outcome]) -> str:
    """The worst result of a row's tests with the earliest day; `not yet run` for those without one."""
    ended = [outcomes[test] for test in row.tests if test in outcomes]
    missing = len(row.tests) - len(ended)
    failed = [outcome for outcome in ended if outcome["outcome"] == "failed"]
    skipped = [outcome for outcome in ended if outcome["outcome"] == "skipped"]
    word = "failed" if failed else "skipped" if skipped else "passed"
    worst = f"{word} {min(outcome['date'] for outcome in failed or skipped or ended)}" if ended else ""
    waits = f"{missing} not yet run" if missing else ""
    return "; ".join(filter(None, (worst, waits)))


def line_of(row: FaultRow, outcomes: Mapping[str, Outcome]) -> str:
    tests = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in row.tests)
    follows = f"{row.follows} ({row.limit})" if row.limit else row.follows
    return f"| {row.name} | {follows} | {tests} | {result_of(row, outcomes)} |\n"


def page_of(rows: Sequence[FaultRow], outcomes: Mapping[str, Outcome]) -> str:
    """The whole page."""
    return HEAD + "".join(line_of(row, outcomes) for row in rows)


if __name__ == "__main__":
    noted = read_outcomes()
    PAGE.write_text(page_of(ROWS, noted))
    keep_outcomes(ROWS, noted)
