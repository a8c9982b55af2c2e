"""The Lightning and Hugging Face scripts of `docs/port-your-script.md`: both run, and train after a few changes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import saddle
from saddle.store.local import LocalStore
from saddle.study.own_sources import forget_own_modules
from saddle.study.trainables import load_trainable
from saddle.studyfile.loader import parse_studies
from tests.support.in_process import run_in_process
from tests.support.infra_tools import module
from tests.support.pages import Piece, pieces, runs
from tests.support.scripts import MOST_CHANGED_LINES, python

PAGE = "docs/port-your-script.md"
LIGHTNING, TRANSFORMERS = pieces("python", under="A Lightning or Hugging Face `Trainer`", page=PAGE)
LIGHTNING_CHANGES, TRANSFORMERS_CHANGES = pieces("diff", page=PAGE)

STUDY = """
study: ported
trainable: ./digits.py:{function}
fixed: {{epochs: 2}}
search: {{lr: {{float: [0.001, 0.1], log: true}}}}
objective: {{maximize: validation/accuracy}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: 2}}
"""


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


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests() -> Iterator[None]:
    yield
    forget_own_modules()


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
def test_the_changed_script_trains_in_a_study(
    framework: str, function: str, page_pieces: list[Piece], tmp_path: Path
) -> None:
    module(framework)
    write_changed(page_pieces, tmp_path)
    text = STUDY.format(function=function)
    [search] = run_in_process(LocalStore(tmp_path / "runs"), text, track=False)
    assert [record.outcome for record in search.entries] == ["completed"] * 2, search.entries[0].why
    assert [record.epochs for record in search.entries] == [2, 2]
    [study] = parse_studies(text, "studies.yaml")
    assert load_trainable(study.source).lacks == ("load", "evaluate")


@pytest.mark.long
@as_changed
def test_the_changed_script_is_a_study(framework: str, function: str, page_pieces: list[Piece], tmp_path: Path) -> None:
    module(framework)
    write_changed(page_pieces, tmp_path)
    assert "The best of 6 trials" in python(tmp_path, "digits.py")
    rows = saddle.results(function, storage=tmp_path / "runs")
    assert [row["outcome"] for row in rows] == ["completed"] * 6


def write_changed(script_and_changes: list[Piece], folder: Path) -> None:
    """Write the script with the page's changes, as git applies them."""
    script, changes = script_and_changes
    (folder / "digits.py").write_text(script.text)
    command = ["git", "apply", "-p0", "-"]
    applied = subprocess.run(
        command, input=changes.text, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert applied.returncode == 0, applied.stderr
