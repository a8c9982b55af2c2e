"""The quickstart as a newcomer meets it: what it prints, its reports and its MLflow page in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from saddle.analyse.searches.importance import FEWEST_TRIALS
from saddle.report.figures.parallel import FEWEST_TRIALS as FEWEST_COMPLETED
from saddle.store.local import LocalStore
from saddle.track.server import Server, serve
from saddle.trial.run_id import RunId
from tests.support.mlflow_pages import EXPANDERS, click, run_names, wait_for
from tests.support.waiting import PROCESS_SECONDS

pytestmark = pytest.mark.long

STUDIES = ("quickstart-search", "quickstart-ablation")
OPTIONAL = "/ajax-api/2.0/mlflow/users/current"
"""MLflow's page asks for a user even where its server has none; the server's 404 is not an error of ours."""

FIGURES = {
    "quickstart-search": ["history", "importance", "slices", "parallel", "curves", "tradeoff"],
    "quickstart-ablation": ["effects", "arms", "curves", "tradeoff"],
}


@pytest.fixture(scope="module")
def printed(quickstart: Path) -> str:
    return (quickstart / "printed.txt").read_text()


@pytest.fixture(scope="module")
def rows(quickstart: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "saddle.cli", "results", "quickstart", "--storage", "runs", "--json"]
    done = subprocess.run(command, cwd=quickstart, capture_output=True, text=True, timeout=PROCESS_SECONDS, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_it_shows_progress_and_ends_with_where_to_look(quickstart: Path, printed: str) -> None:
    for wanted in ("[1/10]", "[10/10]", "[9/9]", "best so far", "left", "saddle ui quickstart-ablation"):
        assert wanted in printed
    for study in STUDIES:
        assert f"runs/studies/{study}/report.html" in printed
    assert (quickstart / "errors.txt").read_text() == "", "nobody else's log reaches the newcomer"


def test_it_trained_a_real_search_and_a_paired_ablation(rows: list[dict[str, Any]]) -> None:
    search = [row for row in rows if row["study"] == STUDIES[0]]
    ablation = [row for row in rows if row["study"] == STUDIES[1]]
    assert len(search) == 10
    assert {row["outcome"] for row in search} <= {"completed", "pruned"}
    assert {(row["params"]["perturbation"], row["seed"]) for row in ablation} == {
        (arm, seed) for arm in ("sta", "mta", "mp") for seed in (1, 2, 3)
    }
    assert {row["outcome"] for row in ablation} == {"completed"}
    for row in ablation:
        assert row["metrics"]["test/clean_accuracy"] > 0.8, "it really learned"
        assert 0.2 < row["metrics"]["test/robust_accuracy.worst_case"] <= row["metrics"]["test/clean_accuracy"]
        assert {"data", "sources", "environment", "seed"} <= set(row["fingerprints"])


def test_the_ablation_stands_around_the_best_of_the_search(rows: list[dict[str, Any]]) -> None:
    metric = "validation/robust_accuracy.worst_case"
    done = [row for row in rows if row["study"] == STUDIES[0] and row["outcome"] == "completed"]
    best = max(done, key=lambda row: row["metrics"][metric])
    arms = [row for row in rows if row["study"] == STUDIES[1]]
    for name, value in best["settings"].items():
        assert {row["params"][name] for row in arms} == {value}


def test_every_effect_is_recomputed_and_called_what_its_interval_says(rows: list[dict[str, Any]], printed: str) -> None:
    from scipy import stats

    metric = "test/robust_accuracy.worst_case"
    value = {
        (row["params"]["perturbation"], row["seed"]): row["metrics"][metric]
        for row in rows
        if row["study"] == STUDIES[1]
    }
    sentence = " ".join(printed.split())
    p = {}
    for arm in ("mta", "mp"):
        mean = sum(100 * (value[arm, seed] - value["sta", seed]) for seed in (1, 2, 3)) / 3
        p[arm] = stats.ttest_rel([value[arm, s] for s in (1, 2, 3)], [value["sta", s] for s in (1, 2, 3)]).pvalue
        written = [f"{abs(mean):.{digits}f} points" for digits in (1, 2)]  # as many as the interval's width asks for
        assert any(words in sentence for words in written), f"{arm} differs by {mean:.2f} points"
    shown = min(p.values()) <= 0.025
    assert shown or sentence.count("No difference shown between") == 2


@pytest.mark.parametrize("study", STUDIES)
def test_the_report_shows_the_answer_and_every_figure_without_an_error(
    browser: Any,
    console_errors: Callable[[], list[str]],
    quickstart: Path,
    printed: str,
    rows: list[dict[str, Any]],
    study: str,
) -> None:
    compared = sum(row["study"] == study and row["outcome"] in ("completed", "pruned", "collapsed") for row in rows)
    completed = sum(row["study"] == study and row["outcome"] == "completed" for row in rows)
    browser.get((quickstart / f"runs/studies/{study}/report.html").as_uri())
    text = browser.find_element(By.TAG_NAME, "body").text
    answer = browser.find_element(By.CSS_SELECTOR, "#answer .sentence").text
    assert " ".join(answer.split())[:60] in " ".join(printed.split())
    assert "saddle run" in text
    assert "assumed" in text
    for name in FIGURES[study]:
        figure = browser.find_element(By.ID, f"figure-{name}")
        assert figure.is_displayed()
        if name == "importance" and compared < FEWEST_TRIALS:
            assert f"{compared} trials to compare; importance needs at least {FEWEST_TRIALS}" in figure.text
            continue
        if name == "parallel" and completed < FEWEST_COMPLETED:
            assert f"It needs {FEWEST_COMPLETED} completed trials" in figure.text
            continue
        drawing = figure.find_element(By.TAG_NAME, "svg")
        assert drawing.size["width"] > 200, f"{name} is drawn"
        assert drawing.size["height"] > 60
    requests = browser.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
    assert [name for name in requests if not name.startswith("data:")] == [], "the page is one file"
    assert console_errors() == []
    browser.save_screenshot(str(quickstart / f"{study}.png"))


@pytest.fixture(scope="module")
def server(quickstart: Path) -> Iterator[Server]:
    with serve(LocalStore(quickstart / "runs")) as running:
        yield running


def test_the_mlflow_page_lists_the_nested_runs(
    browser: Any, console_errors: Callable[[], list[str]], quickstart: Path, server: Server
) -> None:
    browser.get(server.page(RunId(STUDIES[1])))

    wait_for(browser, lambda: STUDIES[1] in run_names(browser), "the study's run")
    opened = 0
    for level in ("the arms", "the seeds"):
        before = len(run_names(browser))
        for button in browser.find_elements(By.CSS_SELECTOR, EXPANDERS)[opened:]:
            click(browser, button)
            opened += 1
        wait_for(browser, lambda seen=before: len(run_names(browser)) > seen, level)
    browser.save_screenshot(str(quickstart / "mlflow.png"))
    shown = run_names(browser)
    for arm in ("sta", "mta", "mp"):
        assert any(arm in name for name in shown)
        assert sum(name.startswith("seed") and name.endswith(arm) for name in shown) == 3
    assert [error for error in console_errors() if OPTIONAL not in error] == []
