"""The page `docs/nightly.md`: its schedules are printed, its history is listed."""

from __future__ import annotations

import shlex

import pytest
from typer.testing import CliRunner

from saddle.cli.app import app
from tests.support.pages import Piece, pieces, runs_each

PAGE = "docs/nightly.md"
QUICK = [piece for piece in pieces("command", page=PAGE) if " install " in piece.text or " history " in piece.text]


@runs_each(QUICK)
def test_commands_that_train_nothing(piece: Piece, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    words = shlex.split(piece.text)[1:]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "nightly" in done.output or done.output.strip() == "[]"
