"""No piece of a page that tests run gets lost when pages are rewritten: `blocks.json` lists them, with their tests.

After a piece was changed on purpose, or a test that runs one was renamed, the list is recreated from the tests:
`pytest --collect-only -q --page-pieces=tests/pages/blocks.json tests`; the difference shows what is run no longer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import PAGES, ROOT, BrokenPage, Piece, parse_blocks, pieces, pieces_of

LISTED = json.loads((Path(__file__).parent / "blocks.json").read_text())


def rows_by_piece(rows: list[dict[str, Any]]) -> dict[Piece, set[str]]:
    """The functions that run each piece; the files they are in may be moved."""
    return {Piece(row["kind"], row["text"]): {name.rpartition("::")[2] for name in row["tests"]} for row in rows}


@pytest.fixture(scope="module")
def run_today(tmp_path_factory: pytest.TempPathFactory) -> dict[Piece, set[str]]:
    """The pieces that tests run, as pytest collects them in a process of its own."""
    target = tmp_path_factory.mktemp("pages") / "pieces.json"
    sources = [path for path in (ROOT / "tests").rglob("test_*.py") if "tests.support.pages import" in path.read_text()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", f"--page-pieces={target}", *map(str, sources)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return rows_by_piece(json.loads(target.read_text()))


@pytest.mark.parametrize("kind", ["command", "yaml", "python", "toml", "diff"])
def test_every_listed_piece_is_still_run(kind: str, run_today: dict[Piece, set[str]]) -> None:
    listed = {piece: tests for piece, tests in rows_by_piece(LISTED).items() if piece.kind == kind}
    assert listed
    lost = {piece: tests - run_today.get(piece, set()) for piece, tests in listed.items()}
    assert {piece.text: sorted(tests) for piece, tests in lost.items() if tests} == {}


WORDS_ONLY = ("docs/ARCHITECTURE.md", "docs/glossary.md")
"""Pages that explain words and show nothing to run."""


@pytest.mark.parametrize("page", [page for page in PAGES if page not in WORDS_ONLY])
def test_every_page_has_a_piece_that_is_run(page: str, run_today: dict[Piece, set[str]]) -> None:
    assert pieces_of(page) & set(run_today)


def test_what_is_run_stands_on_a_page(run_today: dict[Piece, set[str]]) -> None:
    assert set(run_today) <= {piece for page in PAGES for piece in pieces_of(page)}


@pytest.mark.parametrize("fence", ["``` yaml", "  ```yaml", "```yaml title=x", "````yaml", "~~~yaml"])
def test_a_fence_that_would_be_passed_over_is_refused(fence: str) -> None:
    with pytest.raises(BrokenPage, match=r"page\.md:2"):
        list(parse_blocks("page.md", f"text\n{fence}\nstudy: x\n```\n"))


def test_a_block_without_an_end_is_refused() -> None:
    with pytest.raises(BrokenPage, match="has no end"):
        list(parse_blocks("page.md", "```yaml\nstudy: x\n"))


def test_a_block_knows_its_headings_whatever_comments_it_holds() -> None:
    page = "# A\n## B\n```sh\n# no heading\nls\n```\n## C\n### D\n```yaml\nx: 1\n```\n# E\n```toml\n```\n"
    read = list(parse_blocks("page.md", page))
    assert [(block.headings, block.language, block.text) for block in read] == [
        (("A", "B"), "sh", "# no heading\nls\n"),
        (("A", "C", "D"), "yaml", "x: 1\n"),
        (("E",), "toml", ""),
    ]


def test_a_section_without_such_a_piece_is_no_empty_list() -> None:
    with pytest.raises(LookupError, match="under the heading 'No such section'"):
        pieces("yaml", under="No such section")
