"""The page `docs/agents.md`: its loop is gone through once, and its tables name what is there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from saddle.analyse.expectation import Judgement
from saddle.cli.agents.tools import StudyTools
from saddle.studyfile.loader import load_studies
from tests.support.commands import Command
from tests.support.pages import Piece, page_text, pieces, runs

PAGE = "docs/agents.md"
PLAN, RUN, VERDICT, MCP = pieces("command", page=PAGE)
[PROPOSAL] = pieces("yaml", page=PAGE)
[LOOP] = pieces("python", page=PAGE)


@pytest.mark.long
@runs(PROPOSAL, PLAN, RUN, VERDICT, LOOP)
def test_the_loop_is_gone_through(page_pieces: list[Piece], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal, plan, run, verdict, loop = (piece.text for piece in page_pieces)
    (tmp_path / "proposal.yaml").write_text(proposal)
    command = Command(tmp_path)
    [planned] = json.loads(command.run(*plan.split()[1:]))
    assert planned["trials"] == 10
    process = command.start(*run.split()[1:])
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    process = command.start(*verdict.split()[1:])
    answer = json.loads(process.communicate(timeout=200)[0])
    assert answer["judgement"] in set(Judgement)
    assert process.returncode in (0, 1, 4)
    put_on_path(tmp_path / "bin", monkeypatch)
    functions: dict[str, Any] = {}
    exec(loop, functions)
    functions["MOST_SEEDS"] = 5  # those that are trained already
    kept, verdicts = functions["keep"]("proposal.yaml", "proposal-1")
    assert kept == (process.returncode == 0)
    assert verdicts == answer["verdicts"]


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `saddle` be the one that is tested."""
    folder.mkdir()
    (folder / "saddle").write_text(f'#!/bin/sh\nexec {sys.executable} -m saddle.cli "$@"\n')
    (folder / "saddle").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@runs(PROPOSAL)
def test_the_proposal_asks_one_thing(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "proposal.yaml").write_text(page_pieces[0].text)
    [study] = load_studies(str(tmp_path / "proposal.yaml"))
    assert study.ablation is not None
    assert [len(levels) for levels in study.ablation.factors.values()] == [2]


@runs(MCP)
def test_the_table_names_every_tool_that_is_listed(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    listed = json.loads(Command(tmp_path).run(*page_pieces[0].text.split()[1:]))
    names = [tool["name"] for tool in listed]
    assert names == [tool.__name__ for tool in StudyTools(None).all]  # type: ignore[arg-type]
    in_table = [line.split("`")[1] for line in page_text(PAGE).splitlines() if line.startswith("| `")]
    assert in_table == names
