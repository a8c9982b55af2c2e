"""The pages of `saddle serve` in a real browser: a study that another process runs while its page is open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from saddle.store.local import LocalStore
from tests.support.serving import Served, driven_elsewhere, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

WIDTHS = (1400, 400)
STUDY = """\
study: shifts
question: Does a shift raise the score?
trainable: parabola
fixed: {epochs: 8, pause: 0.6, pictures: true}
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.2]}
  seeds: 3
  compare: {metric: test/score}
"""
ENDLESS = """\
study: endless
question: Where is the top of the parabola?
trainable: parabola
fixed: {epochs: 2000, pause: 0.2, pictures: true}
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 3}
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    (tmp_path / "kept").mkdir()
    return LocalStore(tmp_path / "kept")


@pytest.fixture
def pages(store: LocalStore) -> Iterator[Served]:
    with serving(store) as served:
        yield served


def resize(browser: Any, width: int, height: int = 1000) -> None:
    facts = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", facts)


@pytest.fixture(autouse=True)
def _usual_size(browser: Any) -> Iterator[None]:
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def text_of(browser: Any, region: str) -> str:
    """What a region of the page says now, read in one step, as it may be replaced at any moment."""
    said: str = browser.execute_script("return document.getElementById(arguments[0]).innerText", region)
    return said


def overflow(browser: Any) -> int:
    """By how many pixels the page is wider than its window."""
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    pixels: int = browser.execute_script(f"return {width}")
    return pixels


def keep(browser: Any, folder: Path, name: str) -> None:
    """Screenshots of the whole page at each width, for whoever looks at a failure; none is wider than its window."""
    for width in WIDTHS:
        resize(browser, width)
        resize(browser, width, browser.execute_script("return document.documentElement.scrollHeight"))
        assert overflow(browser) <= 0, f"{name} at {width} pixels"
        browser.save_screenshot(str(folder / f"{name}-{width}.png"))


def test_a_study_fills_up_while_its_page_is_open(
    browser: Any, console_errors: Callable[[], list[str]], store: LocalStore, pages: Served, tmp_path: Path
) -> None:
    resize(browser, 1400)
    browser.get(pages.address)
    assert "No study is stored here yet" in text_of(browser, "studies")
    with driven_elsewhere(store.url, STUDY) as driver:

        def said(region: str, words: str) -> None:
            wait_until(
                lambda: re.search(words, text_of(browser, region)), f"{words!r} in {region}", 180, pause=0.1,
                show=lambda: str(browser.execute_script("return document.body.innerText")),
            )  # fmt: skip

        def cells(state: str) -> int:
            count: int = browser.execute_script(
                "return document.querySelectorAll('.cell.' + arguments[0]).length", state
            )
            return count

        said("studies", "Does a shift raise the score")
        browser.get(f"{pages.address}studies/shifts")
        assert browser.title == "shifts – saddle"
        said("running", "epoch [2-7] of 8")
        assert "running" in text_of(browser, "status")
        wait_until(lambda: cells("running") == 1, "a trial's cell that is running")
        assert cells("planned") >= 4
        thick = "return document.querySelectorAll('#curves polyline.running').length"
        wait_until(lambda: browser.execute_script(thick) == 1, "the curve of the trial under way")
        keep(browser, tmp_path, "running")
        said("status", "[1-5] of 6 trials")
        said("status", "left")
        said("trials", "completed")
        browser.find_element(By.CSS_SELECTOR, "#trials a").click()
        said("status", "completed")
        browser.execute_script("document.querySelectorAll('#pictures img').forEach(i => { i.loading = 'eager' })")
        pictures = "return [...document.querySelectorAll('#pictures img')].map(i => i.complete && i.naturalWidth)"
        wait_until(lambda: browser.execute_script(pictures) == [4] * 9, "pictures that are shown")
        assert "test/score" in text_of(browser, "measured")
        keep(browser, tmp_path, "trial")
        browser.back()
        said("status", "finished")
        said("status", "shift=0.2")
        assert cells("completed") == 6
        keep(browser, tmp_path, "finished")
        driver.wait(timeout=120)
    assert text_of(browser, "stop") == ""
    assert text_of(browser, "running") == ""
    browser.get(f"{pages.address}studies/shifts/report")
    assert "Does a shift raise the score?" in browser.find_element(By.TAG_NAME, "h1").text
    assert browser.find_element(By.TAG_NAME, "h1").value_of_css_property("margin-top") == "0px", "it has its style"
    browser.get(pages.address)
    keep(browser, tmp_path, "index")
    assert console_errors() == [], "nothing that the policy refuses"


def test_the_page_stops_a_study_of_another_process(browser: Any, store: LocalStore, pages: Served) -> None:
    with driven_elsewhere(store.url, ENDLESS) as driver:
        wait_until(lambda: store.exists("studies/endless/study.yaml"), "a stored study", process=driver)
        browser.get(f"{pages.address}studies/endless")
        wait_until(lambda: "epoch 1" in text_of(browser, "running"), "training", process=driver, pause=0.2)
        browser.find_element(By.CSS_SELECTOR, "#stop summary").click()
        browser.find_element(By.CSS_SELECTOR, "#stop button").click()
        assert driver.wait(timeout=120) == 0
        wait_until(lambda: "interrupted" in text_of(browser, "status"), "what became of it", pause=0.2)
        assert text_of(browser, "stop") == ""
