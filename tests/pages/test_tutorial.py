"""The page `docs/tutorial.md`: its script is trained, its commands run in their order, and the answer is the page's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from saddle.archive.studies import read_study
from saddle.store.local import LocalStore
from tests.support.commands import Command
from tests.support.in_process import run_in_process
from tests.support.pages import Piece, page_text, pieces, runs

PAGE = "docs/tutorial.md"
[SCRIPT] = pieces("python", page=PAGE)
[STUDY] = pieces("yaml", page=PAGE)
COMMANDS = pieces("command", page=PAGE)


def write(folder: Path, script: Piece, study: Piece) -> None:
    (folder / "train.py").write_text(script.text)
    (folder / "study.yaml").write_text(study.text)


@pytest.mark.long
@runs(SCRIPT, STUDY, *COMMANDS)
def test_every_command_runs_and_the_answer_is_the_pages(page_pieces: list[Piece], tmp_path: Path) -> None:
    script, study, *typed = page_pieces
    write(tmp_path, script, study)
    command = Command(tmp_path)
    said = {}
    for piece in typed:
        process = command.start(*piece.text.split()[1:])
        said[piece.text], _ = process.communicate(timeout=500)
        assert process.returncode == 0, said[piece.text]
    shown = page_text(PAGE)
    assert "3 arms × 5 paired seeds = 15 trials" in said["saddle plan study.yaml"]
    verified = said["saddle verify first-answer"].splitlines()[0]
    assert verified in shown.splitlines()
    assert "pgd: helps (as expected)" in said["saddle verdict first-answer --arm pgd --expect helps"]
    assert "new, will be trained" in said["saddle plan study.yaml --set ablation.seeds=8"]
    assert "9 trials (seeds 5, 6 and 7)" in said["saddle plan study.yaml --set ablation.seeds=8"]


@runs(SCRIPT, STUDY)
def test_a_small_run_has_a_model_and_all_metrics(page_pieces: list[Piece], tmp_path: Path) -> None:
    script, study = page_pieces
    write(tmp_path, script, study)
    store = LocalStore(tmp_path / "runs")
    small = study.text.replace("ablation:", "fixed: {epochs: 2}\nablation:").replace("seeds: 5", "seeds: 2")
    [ended] = run_in_process(store, small, track=False)
    assert {record.outcome for record in ended.entries} == {"completed"}
    assert {name for record in ended.entries for name in record.metrics} >= {
        "test/clean_accuracy",
        "test/robust_accuracy",
    }
    stored = read_study(store, "first-answer")
    assert stored is not None
    assert stored.declared.lacks == ()


def test_the_page_shows_the_verdicts_of_its_table() -> None:
    rows = re.findall(r"^ (none|fgsm|pgd) +5 .* (baseline|helps)$", page_text(PAGE), re.MULTILINE)
    assert rows == [("none", "baseline"), ("fgsm", "helps"), ("pgd", "helps")]
