"""The README's own training function: it is a study by itself, and a study file may name it."""

from __future__ import annotations

from pathlib import Path

import pytest

import saddle
from saddle.store.local import LocalStore
from tests.support.in_process import run_in_process
from tests.support.pages import Piece, page_text, pieces, runs
from tests.support.scripts import python

PAGE = "README.md"
[SCRIPT] = pieces("python", page=PAGE)

STUDY = """
study: first
trainable: ./train.py:train
search: {lr: {float: [0.001, 0.5], log: true}}
objective: {minimize: validation/loss}
sampler: random
budget: {trials: 2}
"""


@pytest.mark.long
@runs(SCRIPT)
def test_the_script_is_a_study(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(page_pieces[0].text)
    assert "The best of 6 trials" in python(tmp_path, "train.py")
    assert len(saddle.results("first", storage=tmp_path / "runs")) == 6


@runs(SCRIPT)
def test_a_study_file_may_name_its_function(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(page_pieces[0].text)
    [ended] = run_in_process(LocalStore(tmp_path / "runs"), STUDY, track=False)
    assert [(record.outcome, record.epochs) for record in ended.entries] == [("completed", 10)] * 2


def test_it_is_as_long_as_a_first_page_may_be() -> None:
    assert len(page_text(PAGE).splitlines()) <= 160
