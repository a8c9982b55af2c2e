"""The Lightning and Hugging Face scripts of `docs/port-your-script.md`: both run, and train after a few changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import saddle
from saddle.archive.studies import read_study
from saddle.store.local import LocalStore
from tests.support.infra_tools import module
from tests.support.pages import Piece, pieces, runs
from tests.support.scripts import MOST_CHANGED_LINES, python

PAGE = "docs/port-your-script.md"
LIGHTNING, TRANSFORMERS = pieces("python", under="A Lightning or Hugging Face `Trainer`", page=PAGE)
LIGHTNING_CHANGES, TRANSFORMERS_CHANGES = pieces("diff", page=PAGE)

PORTS = {
    "lightning": (LIGHTNING, LIGHTNING_CHANGES, "fit_net"),
    "transformers": (TRANSFORMERS, TRANSFORMERS_CHANGES, "fit_vit"),
}
"""Of each framework the script, what is changed in it, and its training function."""

as_it_was = pytest.mark.parametrize(
    "framework", [pytest.param(name, marks=runs(script)) for name, (script, _, _) in PORTS.items()]
)
as_changed = pytest.mark.parametrize(
    ("framework", "function"),
    [pytest.param(name, function, marks=runs(*both)) for name, (*both, function) in PORTS.items()],
)


@pytest.mark.parametrize("changes", [LIGHTNING_CHANGES, TRANSFORMERS_CHANGES], ids=PORTS)
def test_few_lines_differ(changes: Piece) -> None:
    changed = [line for line in changes.text.splitlines()[2:] if line[0] in "+-"]
    assert len(changed) <= MOST_CHANGED_LINES, "\n".join(changed)


@pytest.mark.long
@as_it_was
def test_the_script_as_it_was_runs(framework: str, page_pieces: list[Piece], tmp_path: Path) -> None:
    module(framework)
    (tmp_path / "digits.py").write_text(page_pieces[0].text)
    assert "validation accuracy" in python(tmp_path, "digits.py", "--epochs", "1")


@pytest.mark.long
@as_changed
def test_the_changed_script_is_a_study(framework: str, function: str, page_pieces: list[Piece], tmp_path: Path) -> None:
    module(framework)
    write_changed(page_pieces, tmp_path)
    assert "The best of 6 trials" in python(tmp_path, "digits.py")
    rows = saddle.results(function, storage=tmp_path / "runs")
    assert [(row["outcome"], row["epochs"]) for row in rows] == [("completed", 5)] * 6
    stored = read_study(LocalStore(tmp_path / "runs"), function)
    assert stored is not None
    assert stored.declared.lacks == ("load", "evaluate")


def write_changed(script_and_changes: list[Piece], folder: Path) -> None:
    """Write the script with the page's changes, as git applies them."""
    script, changes = script_and_changes
    (folder / "digits.py").write_text(script.text)
    command = ["git", "apply", "-p0", "-"]
    applied = subprocess.run(
        command, input=changes.text, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert applied.returncode == 0, applied.stderr
