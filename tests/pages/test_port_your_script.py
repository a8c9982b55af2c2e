"""The page `docs/port-your-script.md`: its scripts run, few lines differ between them, and its studies are trained."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import saddle
from saddle.archive.studies import read_study
from saddle.store.local import LocalStore
from saddle.study.trainable.own_sources import forget_own_modules
from tests.support.in_process import run_in_process
from tests.support.pages import Piece, pieces, runs
from tests.support.scripts import MOST_CHANGED_LINES, python

PAGE = "docs/port-your-script.md"
BEFORE, AFTER = pieces("python", page=PAGE)[:2]
[MODELS] = pieces("python", under="Models and a test", page=PAGE)
SEARCH_AND_ABLATION, ANY_PROGRAM = pieces("yaml", page=PAGE)

PROGRAM = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--seed", type=int)
args = parser.parse_args()
for epoch in range(2):
    print(json.dumps({"validation/accuracy": 0.5 + epoch / 10, "test/accuracy": 0.9 - args.lr / 5 + args.seed / 50}))
"""


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests() -> Iterator[None]:
    yield
    forget_own_modules()


def test_few_lines_differ() -> None:
    lines = difflib.unified_diff(BEFORE.text.splitlines(), AFTER.text.splitlines(), n=0, lineterm="")
    changed = [line for line in list(lines)[2:] if line[0] in "+-"]
    assert len(changed) <= MOST_CHANGED_LINES, "\n".join(changed)


@runs(BEFORE)
def test_the_script_as_it_was_runs(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "digits.py").write_text(page_pieces[0].text)
    assert "test accuracy" in python(tmp_path, "digits.py", "--epochs", "1")


@pytest.mark.long
@runs(AFTER)
def test_the_changed_script_is_a_study(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "digits.py").write_text(page_pieces[0].text)
    said = python(tmp_path, "digits.py")
    assert "The best of 6 trials" in said
    assert "trial-00005" in said
    assert len(saddle.results("digits", storage=tmp_path / "runs")) == 6


@runs(AFTER, MODELS, SEARCH_AND_ABLATION)
def test_the_study_file_asks_more(page_pieces: list[Piece], tmp_path: Path) -> None:
    script, models, studies = (piece.text for piece in page_pieces)
    head, _, main = script.partition('if __name__ == "__main__":')
    (tmp_path / "digits.py").write_text(f"{head}{models}\n\nif __name__ == '__main__':{main}")
    store = LocalStore(tmp_path / "runs")
    search, ablation = run_in_process(store, studies, track=False)
    assert {record.outcome for record in (*search.entries, *ablation.entries)} == {"completed"}
    assert ablation.answer.effects[0].n == 5
    assert not [warning for warning in ablation.answer.warnings if "test data" in warning or "can be opened" in warning]
    stored = read_study(store, "digits-search")
    assert stored is not None
    assert stored.declared.lacks == ()
    assert not saddle.load_model("digits-search", storage=store.url).training


@runs(ANY_PROGRAM)
def test_a_program_is_trained(page_pieces: list[Piece], tmp_path: Path) -> None:
    (tmp_path / "train_program.py").write_text(PROGRAM)
    text = page_pieces[0].text.replace("python train", f"{sys.executable} train")
    [ended] = run_in_process(LocalStore(tmp_path / "runs"), text, track=False)
    assert {record.outcome for record in ended.entries} == {"completed"}
