"""Which test runs which piece of a page, from pytest's collection of tests with their pieces.

`pytest --collect-only --page-pieces=FILE tests` writes the list to a file; `tests/pages/blocks.json` was made so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.pages import Piece


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--page-pieces", metavar="FILE", help="write which test runs which piece of a page to FILE")


def run_by(item: pytest.Item) -> list[Piece]:
    """The pieces that a collected test runs."""
    return [piece for mark in item.iter_markers("runs_page") for piece in mark.args]


@pytest.fixture
def page_pieces(request: pytest.FixtureRequest) -> list[Piece]:
    """The pieces of pages that the test is marked to run."""
    return run_by(request.node)


@pytest.hookimpl(tryfirst=True)  # before tests are deselected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if run_by(item) and not {"page_pieces", "piece"} & set(getattr(item, "fixturenames", ())):
            raise pytest.UsageError(f"{item.nodeid} is marked to run pieces of a page and takes none of them")
    if config.getoption("--page-pieces"):
        Path(config.getoption("--page-pieces")).write_text(dump(items))


def dump(items: Iterable[pytest.Item]) -> str:
    """Every piece with the tests that run it, as JSON."""
    tests: dict[Piece, set[str]] = defaultdict(set)
    for item in items:
        for piece in run_by(item):
            tests[piece].add(item.nodeid.partition("[")[0])
    rows = [
        {"kind": piece.kind, "text": piece.text, "tests": sorted(names)}
        for piece, names in sorted(tests.items(), key=lambda pair: (pair[0].kind, pair[0].text))
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
