"""`saddle compare`: studies side by side, in the terminal, as data, and as a page."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from saddle.analyse.study_comparison import compare_studies
from saddle.archive.load_comparison import load_views
from saddle.cli.app import app
from saddle.design import Replicate
from saddle.report.page import script_text
from saddle.store.local import LocalStore
from tests.support.stored import store_ablation

ABLATION = """
study: NAME
question: Does x matter on NAME?
trainable: parabola
fixed: {epochs: EPOCHS}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5, LAST]}
  seeds: 4
  compare: {metric: test/score}
"""


def measure(shift: float, effect: float) -> object:
    def of(one: Replicate) -> dict[str, float] | str:
        x = one.arm.settings["x"]
        if x == 0.9 and one.seed == 3:
            return "collapsed"
        noise = 0.001 * (one.seed * round(10 * x + 10 * shift) ** 2 % 7)
        return {"test/score": 0.5 + shift + effect * (x - 0.3) + 0.02 * one.seed + noise, "validation/score": 0.4}

    return of


@pytest.fixture
def storage(tmp_path: Path) -> str:
    store = LocalStore(tmp_path / "kept")
    for name, shift, effect, epochs, last, code in (
        ("monday", 0.0, 0.5, 3, 0.9, "aaa"), ("tuesday", 0.2, 0.5, 4, 0.7, "bbb"),
    ):  # fmt: skip
        text = ABLATION.replace("NAME", name).replace("EPOCHS", str(epochs)).replace("LAST", str(last))
        store_ablation(store, text, measure(shift, effect), data={"train": "same"}, commit=code)  # type: ignore[arg-type]
    return str(tmp_path / "kept")


def compare(storage: str, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["compare", *arguments, "--storage", storage])
    assert result.exit_code == code, result.output
    return result


def test_arms_effects_and_differences_between_studies_are_shown(storage: str) -> None:
    said = compare(storage, "monday", "tuesday").output
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert any(line.startswith("x=0.3 monday 4 ") and line.endswith("baseline") for line in lines)
    assert any(line.startswith("x=0.5 tuesday 4 ") and line.endswith("helps") for line in lines)
    assert any(line.startswith("x=0.9 monday 3 ") for line in lines)
    assert any(line.startswith("x=0.3 tuesday − monday 4 +0.1995") and line.endswith("better") for line in lines)
    assert not any("x=0.9 tuesday" in line for line in lines)
    assert any(line.startswith("epochs 3 4") for line in lines)
    assert any(line.startswith("ran on commit aaa bbb") for line in lines)
    assert "data.train" not in said, "what is the same is not shown"


def test_json_and_csv_have_the_numbers(storage: str) -> None:
    found = json.loads(compare(storage, "monday", "tuesday", "--json").stdout)
    first = found["studies"][0]
    assert first["baseline"] == "x=0.3"
    by_arm = {arm["arm"]: arm for arm in first["arms"]}
    assert set(by_arm["x=0.9"]["values"]) == {"0", "1", "2"}
    assert by_arm["x=0.5"]["effect"]["mean"] == pytest.approx(0.1, abs=0.01)
    assert by_arm["x=0.3"]["effect"] is None
    assert found["between"][0]["mean"] == pytest.approx(0.2, abs=0.001)
    assert found["differing"]["ran on commit"] == ["aaa", "bbb"]
    rows = list(csv.DictReader(io.StringIO(compare(storage, "monday", "tuesday", "--csv").stdout)))
    assert [(row["study"], row["arm"], row["seeds"]) for row in rows[:3]] == [
        ("monday", "x=0.3", "4"), ("monday", "x=0.5", "4"), ("monday", "x=0.9", "3"),
    ]  # fmt: skip
    assert float(rows[1]["difference"]) == pytest.approx(0.1, abs=0.01)


def test_the_page_is_one_file_with_both_figures(storage: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert f"page: {page}" in compare(storage, "monday", "tuesday", "--html", str(page)).output
    text = page.read_text()
    assert 'id="figure-across-values"' in text
    assert 'id="figure-across-effects"' in text
    assert text.count("<svg") == 4, "each figure in two widths"
    assert text.count("<script") == text.count(f"<script>{script_text()}</script>") == 1
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "Does x matter on tuesday?" in text


def test_another_metric_can_be_compared_and_a_wrong_one_is_named(storage: str) -> None:
    found = json.loads(compare(storage, "monday", "tuesday", "--metric", "validation/score", "--json").stdout)
    assert {view["metric"] for view in found["studies"]} == {"validation/score"}
    result = compare(storage, "monday", "tuesday", "--metric", "test/skore", code=2)
    assert "no trial of monday has the metric 'test/skore'; did you mean test/score?" in " ".join(result.output.split())


def test_one_study_is_too_few_and_an_unknown_one_is_named(storage: str) -> None:
    assert "at least two studies" in compare(storage, "monday", code=2).output
    assert "did you mean monday" in " ".join(compare(storage, "monday", "mondy", code=2).output.split())


def test_identical_code_is_said_to_be_identical_and_no_setting_is_suspected(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "twice")
    text = ABLATION.replace("EPOCHS", "3").replace("LAST", "0.7")
    for name in ("monday", "tuesday"):
        store_ablation(store, text.replace("NAME", name), measure(0.0, 0.5))
    said = " ".join(compare(str(tmp_path / "twice"), "monday", "tuesday").output.split())
    assert "may not reach the training" not in said
    assert "x=0.3 tuesday − monday 4" in said
    assert said.count(" identical") == 3, "an arm's row each"
    assert "Identical with every seed, as the same code gives it" in said
    views = load_views(["monday", "tuesday"], store.url)
    assert {note for effect in compare_studies(views).between for note in effect.notes} == {
        "every seed gives the same value in both studies"
    }


@pytest.mark.parametrize(
    ("metric", "verdict"), [("test/score", "equivalent"), ("validation/score", "no difference shown")]
)
def test_eight_identical_seeds_are_equivalent_where_the_study_names_a_margin_of_the_metric(
    tmp_path: Path, metric: str, verdict: str
) -> None:
    store = LocalStore(tmp_path / "twice")
    text = ABLATION.replace("EPOCHS", "3").replace("LAST", "0.7").replace("seeds: 4", "seeds: 8")
    text = text.replace("test/score}", "test/score, equivalence: 0.01}")
    for name in ("monday", "tuesday"):
        store_ablation(store, text.replace("NAME", name), measure(0.0, 0.5))
    between = compare_studies(load_views(["monday", "tuesday"], store.url, metric)).between
    assert [str(effect.verdict) for effect in between] == [verdict] * 3
