"""The page `docs/relations.md`: its commands are run, and what it says of S3's points is what they print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import Command
from tests.support.pages import Piece, pieces, runs

PAGE = "docs/relations.md"

pytestmark = pytest.mark.long


@runs(*pieces("command", under="The file", page=PAGE))
def test_the_commands_of_the_page(page_pieces: list[Piece], tmp_path: Path) -> None:
    command = Command(tmp_path)
    plan, run = (command.run(*piece.text.split()[1:]) for piece in page_pieces)
    assert "nothing is trained: a table holds the gains" in plan
    assert "Spearman 0.80 (exact p = 0.13)" in " ".join(run.split())
