"""docs/faults.md is made of the rows, every row's tests exist, and no fault of the list is without a row."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.faults.fault_page import PAGE, ROOT, page_of, read_outcomes, result_of
from tests.faults.fault_rows import ROWS, FaultRow

LIST = """
driver SIGKILL ×20 in one study · driver SIGSTOP 90 s while another takes over · Ctrl-C once · Ctrl-C twice · Ctrl-C
during Ray's start · Ctrl-C during the report · worker SIGKILL · worker OOM · slot actor death · raylet SIGKILL of a
node · node joins, node drains · GCS restart where Ray supports it · a node's network cut with its orphan reporting ·
MLflow down at start · MLflow down mid-run · MLflow flapping · MLflow 500s · MLflow slow · MLflow 403 · S3 down ·
S3 503s, slow · S3 truncated upload · S3 stale listing · S3 conditions ignored · PostgreSQL restarted · disk full for
the storage · disk full for temporary files · read-only storage in mid-run · corrupt, truncated, zero-length ledger
file · corrupt, truncated, zero-length checkpoint · corrupt journal (tail and middle) · a pickle in a checkpoint's
place · clock backwards · two drivers at once, local · two drivers at once, S3 · Ray cluster full · Ray address dead ·
a trainable that hangs · a trainable that exits · a trainable that forks · a trainable that prints without end ·
a trainable that reports NaN · a trainable with 100,000 reports · a trainable with 500 MB of arrays
"""
"""The faults that were asked for when the table was drawn up."""


@cache
def names_in(path: str) -> set[str]:
    """The tests and classes of tests in a file, and how the tests in its classes are called."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test"):
            names.add(node.name)
    return names


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_test_of_a_row_exists(row: FaultRow) -> None:
    assert row.tests
    for test in row.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), path
        assert name in names_in(path), test


def test_only_outcomes_of_the_rows_are_kept() -> None:
    tests = {test for row in ROWS for test in row.tests}
    outcomes = read_outcomes()
    assert outcomes
    assert set(outcomes) <= tests


def test_every_fault_of_the_list_has_a_row() -> None:
    listed = {" ".join(fault.split()) for fault in LIST.split("·")}
    assert listed - {row.name for row in ROWS} == set()
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_page_is_made_of_the_rows_and_the_last_results() -> None:
    assert PAGE.read_text() == page_of(ROWS, read_outcomes()), "run python -m tests.faults.fault_page"


def test_a_failure_is_shown_before_what_passed_or_was_never_run() -> None:
    row = FaultRow("f", "", ("a", "b", "c"))
    passed = {"outcome": "passed", "date": "2026-01-02"}
    assert result_of(row, {}) == "3 not yet run"
    assert result_of(row, {"a": passed, "b": passed, "c": {**passed, "date": "2026-01-01"}}) == "passed 2026-01-01"
    assert result_of(row, {"a": passed, "b": {"outcome": "failed", "date": "2026-01-03"}}) == (
        "failed 2026-01-03; 1 not yet run"
    )
