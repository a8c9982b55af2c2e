"""MLflow's pages of an ablation with many arms: nested, side by side in our columns, and on the page that compares."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from saddle.archive.studies import read_study
from saddle.design import Replicate
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.track.answer_payload import describe_answer
from saddle.track.arm_payload import describe_arms
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.server import arms_page_of, page_of
from saddle.trial.run_id import RunId
from tests.support.mlflow_pages import EXPANDERS, click, run_names, wait_for
from tests.support.mlflow_servers import serving
from tests.support.stored import store_ablation

COLUMNS = ("effect.mean", "effect.low", "effect.high", "effect.p", "effect.n", "test/score", "test/score.sd")
SEEDS = 5


@dataclass(frozen=True)
class Pages:
    uri: str
    arms: int
    seconds: float
    """That the delivery took."""
    run: RunId


def tell(store: LocalStore, uri: str, arms: int) -> RunId:
    """An ablation of that many arms, stored and told to MLflow as its driver would."""
    dice = random.Random(0)
    levels = [round(0.3 + 0.01 * arm, 2) for arm in range(arms)]
    text = f"""
study: wide
question: Which x is best?
trainable: parabola
ablation: {{baseline: {{x: 0.3}}, factors: {{x: {levels}}}, seeds: {SEEDS}, compare: {{metric: test/score}}}}
"""

    def measure(one: Replicate) -> dict[str, float]:
        return {"test/score": 0.5 + 0.2 * (one.arm.settings["x"] - 0.3) + 0.02 * one.seed + dice.gauss(0, 0.02)}

    store_ablation(store, text, measure, when=time.time() - 10 * arms * SEEDS)
    stored = read_study(store, "wide")
    assert stored is not None
    entries = Ledger(store, stored.run).entries()
    results = stored.results(entries)
    tracker = MlflowTracker(uri, stored.run, store)
    tracker.start_study({}, {}, [])
    for entry in entries:
        tracker.start_trial(entry.progress)
        tracker.finish_trial(entry, [])
    told = describe_arms(results, finished=True)
    tracker.finish_study("FINISHED", told, describe_answer(results, finished=True), [])
    assert tracker.close(600) is None
    return stored.run


@pytest.fixture(scope="module", params=[8, pytest.param(60, marks=pytest.mark.slow)])
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("wide")
    with serving(folder) as server:
        since = time.monotonic()
        run = tell(LocalStore(folder), server.uri, request.param)
        yield Pages(server.uri, request.param, time.monotonic() - since, run)


def test_the_studys_run_opens_into_its_arms(browser: Any, pages: Pages) -> None:
    browser.get(page_of(pages.uri, pages.run))
    wait_for(browser, lambda: "wide" in run_names(browser), "the study's run")
    click(browser, browser.find_elements(By.CSS_SELECTOR, EXPANDERS)[0])
    wait_for(browser, lambda: sum(name.startswith("x=") for name in run_names(browser)) >= 8, "its arms")


def open_arms(browser: Any, pages: Pages) -> None:
    address = arms_page_of(pages.uri, pages.run)
    assert address is not None
    browser.get("about:blank")  # another address of the same page would not load it again
    browser.get(address)
    wait_for(browser, lambda: len(run_names(browser)) >= min(pages.arms, 15), "the arms")


def test_the_arms_page_has_our_columns_and_the_largest_effect_first(browser: Any, pages: Pages) -> None:
    since = time.monotonic()
    open_arms(browser, pages)
    heads = wait_for(
        browser,
        lambda: {h.text.strip() for h in browser.find_elements(By.CSS_SELECTOR, ".ag-header-cell")} & set(COLUMNS),
        "our columns",
    )
    print(
        f"\n{pages.arms} arms × {SEEDS} seeds: told in {pages.seconds:.1f} s, shown in {time.monotonic() - since:.1f} s"
    )
    assert {"effect.mean", "effect.low", "effect.high"} <= heads
    assert not any(name.startswith("seed") for name in run_names(browser)), "arms, and not their replicates"
    cells = [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, ".ag-cell[col-id*='effect.mean']")]
    shown = [float(text.rstrip("…")) for text in cells if text not in ("", "-")]
    assert len(shown) >= 7
    assert shown == sorted(shown, reverse=True)


def test_selected_arms_are_compared_on_mlflows_page(browser: Any, pages: Pages, tmp_path: Path) -> None:
    open_arms(browser, pages)
    click(browser, browser.find_element(By.CSS_SELECTOR, "input[aria-label='Select all runs']"))

    def compare() -> list[Any]:
        buttons = browser.find_elements(By.TAG_NAME, "button")
        return [button for button in buttons if button.text.strip() == "Compare" and button.is_enabled()]

    [button] = wait_for(browser, compare, "a button to compare them")
    since = time.monotonic()
    click(browser, button)
    body = (By.TAG_NAME, "body")
    wait_for(browser, lambda: f"Comparing {pages.arms} Runs" in browser.find_element(*body).text, "the comparison")
    wait_for(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .parcoords"), "its plot")
    print(f"\n{pages.arms} arms × {SEEDS} seeds: compared in {time.monotonic() - since:.1f} s")
    text = browser.find_element(*body).get_attribute("textContent")
    for wanted in (*COLUMNS, "Parallel Coordinates Plot", "Scatter Plot", "Box Plot", "Contour Plot"):
        assert wanted in text
    browser.save_screenshot(str(tmp_path / "compared.png"))
