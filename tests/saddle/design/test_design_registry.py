"""The registry of study designs, and the page that adds one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.design import design_of
from saddle.design import designs as folder
from saddle.design.registry import choice_model, chosen, designs
from saddle.errors import DesignError
from saddle.report.figure_registry import study_figures
from saddle.study.ablation import Ablation
from saddle.studyfile.dump import dump_study
from saddle.studyfile.loader import parse_studies
from tests.support.pages import ROOT, Piece, pieces, runs

BUILD_UP, ITS_TEST = pieces("python", page="docs/extending-design.md")
STUDY = """\
study: s
trainable: adversarial_training
fixed: {dataset: digits, tasks: [odd_even]}
ablation:
  design: build_up
  factors: {perturbation: [mp, sta], random_start: [false, true], epsilon_warmup: [0, 4], width: [2, 4]}
"""


def with_build_up(tmp_path: Path, code: str, *arguments: str) -> str:
    """What a process prints in which the page's design is one of those that there are."""
    folder = tmp_path / "designs"
    folder.mkdir(exist_ok=True)
    (folder / "build_up.py").write_text(BUILD_UP.text)
    code = f"import sys, saddle.design.designs as designs\ndesigns.__path__.append({str(folder)!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@runs(BUILD_UP, ITS_TEST)
def test_the_pages_design_passes_its_test(tmp_path: Path, page_pieces: list[Piece]) -> None:
    _, its_test = page_pieces
    (tmp_path / "test_build_up.py").write_text(its_test.text)
    code = "import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_build_up.py']))"
    assert "2 passed" in with_build_up(tmp_path, code)


def test_the_pages_design_is_planned_and_is_in_the_schema(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    schema = "from saddle.studyfile.schema import study_schema; assert 'BuildUp' in study_schema()['$defs']"
    shown = with_build_up(tmp_path, f"{schema}\nfrom saddle.cli import main; main()", "plan", "study.yaml")
    assert "each change is made upon those before it" in shown
    assert "estimated: 4 main effects" in shown
    assert "effects: perturbation=sta; random_start=true; epsilon_warmup=4; width=4" in " ".join(shown.split())


@pytest.mark.parametrize("name", designs())
def test_every_design_is_drawn_dumped_and_described(name: str) -> None:
    assert set(designs()[name].figures) <= study_figures().keys()
    assert designs()[name].__doc__ in str(choice_model().model_json_schema())
    [study] = parse_studies(STUDY.replace("build_up", name), "f")
    assert set(study.ablation.design.options) == set(designs()[name].model_fields), "an option is left out"
    assert parse_studies(dump_study(study), "g") == [study]


def test_a_file_has_one_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.py").write_text("from saddle.design.design import Design\n")
    monkeypatch.setattr(folder, "__path__", [str(tmp_path)])
    with pytest.raises(TypeError, match="empty has 0 subclasses of Design"):
        designs.__wrapped__()


def test_a_choice_states_every_option() -> None:
    choice = chosen(choice_model().model_validate("fractional"))
    assert (choice.name, choice.options) == ("fractional", {"resolution": 4})


def test_an_unknown_design_is_told_with_the_nearest() -> None:
    with pytest.raises(DesignError, match="design factoral does not exist; did you mean factorial"):
        design_of(Ablation(design="factoral", factors={"a": [0, 1]}))


def test_nobody_asks_for_a_designs_name() -> None:
    """Outside its own file a design is named in messages and documentation only."""
    asked = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "platform/saddle").rglob("*.py")
        if path.parent.name != "designs"
        for line in path.read_text().splitlines()
        if re.search(r"design\.name (==|!=|in|not in) |==? \"(" + "|".join(designs()) + r")\"", line)
    ]
    assert not asked
