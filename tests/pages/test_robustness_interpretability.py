"""The page `docs/robustness-interpretability.md`: its plans are made, and what it names there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from saddle.studyfile.loader import load_studies
from tests.support.commands import Command
from tests.support.pages import ROOT, Piece, pieces, runs
from trainables.adversarial_training import METRICS

PAGE = "docs/robustness-interpretability.md"
PLANS = [piece for piece in pieces("command", under="The studies", page=PAGE) if piece.text.startswith("saddle plan")]


@pytest.mark.long
@runs(*PLANS)
def test_the_plans_of_the_page(page_pieces: list[Piece], tmp_path: Path) -> None:
    command = Command(tmp_path)
    quick, full = (command.run(*piece.text.split()[1:]) for piece in page_pieces)
    for plan in (quick, full):
        assert "5 arms × 5 paired seeds = 25 trials" in plan
    assert quick != full


def test_every_study_and_metric_that_it_names_is_there() -> None:
    text = (ROOT / PAGE).read_text()
    studies = re.findall(r"^\| `(\w+)` \| whether|^\| `(\w+)` \| how", text, re.MULTILINE)
    assert sorted(one or other for one, other in studies) == ["counterfactual", "diffroar", "dose", "marked"]
    for one, other in studies:
        assert load_studies(f"robustness_interpretability/{one or other}")
    table = text.partition("## What is measured")[2]
    named = {name for row in re.findall(r"^\| (`.*?) \| (?:larger|smaller)", table, re.MULTILINE)
             for name in re.findall(r"`(\w+)`", row)}  # fmt: skip
    assert len(named) == 16
    measured = {name.removeprefix("test/").partition(".")[0] for name in METRICS}
    assert named <= measured
