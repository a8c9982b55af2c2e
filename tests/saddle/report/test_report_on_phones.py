"""The page on a phone, in the dark and on paper: nothing runs over, letters can be read, tables sort."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from selenium.webdriver.common.by import By

PHONE = 400
TABLE = "#results > .scroll > table"
LEAST_PIXELS = 11.0
LEAST_CONTRAST = 4.5
"""Of text on its ground, as WCAG 2 asks (AA)."""

LETTERS = """
return [...document.querySelectorAll('svg text')].filter(one => one.checkVisibility()).map(one => {
  const scale = one.getScreenCTM();
  return [one.textContent, parseFloat(getComputedStyle(one).fontSize) * Math.hypot(scale.a, scale.b)];
});
"""
COLOURS = """
const ground = one => {
  for (let at = one; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!colour.endsWith(', 0)')) return colour;
  }
  return getComputedStyle(document.documentElement).backgroundColor;
};
return [...document.querySelectorAll('p, li, td, h1, h2, h3, figcaption, .badge, summary, svg text')]
  .filter(one => one.checkVisibility() && one.textContent.trim())
  .map(one => {
    const colour = getComputedStyle(one)[one.closest('svg') ? 'fill' : 'color'];
    return [one.textContent.slice(0, 40), colour, ground(one)];
  });
"""


def failing(ablation: Callable[..., Any]) -> Any:
    made = ablation(6, tuple(f"a-rather-long-name-of-a-method-{index}" for index in range(9)))
    made.change(1, outcome="collapsed", metrics={}, why="constant output " + 64 * "x")
    return made


def luminance(colour: str) -> float:
    """Of `rgb(…)`, as WCAG 2 defines it."""
    channels = [float(value) / 255 for value in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def cells(browser: Any, column: int) -> Sequence[str]:
    found = browser.find_elements(By.CSS_SELECTOR, f"{TABLE} tbody tr td:nth-child({column})")
    return [cell.get_attribute("textContent") for cell in found]


@pytest.mark.parametrize("kind", ["ablation", "search"])
def test_on_a_phone_nothing_runs_over_and_letters_of_figures_can_be_read(
    browser: Any, open_page: Any, ablation: Callable[..., Any], search: Callable[..., Any], kind: str
) -> None:
    open_page(failing(ablation) if kind == "ablation" else search(30), PHONE)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE
    letters = browser.execute_script(LETTERS)
    assert len(letters) > 20
    assert [(text, size) for text, size in letters if size < LEAST_PIXELS] == []
    card = browser.find_element(By.CSS_SELECTOR, "#results tbody tr")
    assert card.find_elements(By.TAG_NAME, "td")[1].rect["y"] > card.find_elements(By.TAG_NAME, "td")[0].rect["y"]
    assert not browser.find_elements(By.CSS_SELECTOR, ".on-wide svg")[0].is_displayed()


def test_every_text_stands_out_from_its_ground(browser: Any, open_page: Any, ablation: Callable[..., Any]) -> None:
    made = failing(ablation)
    for width, dark in itertools.product((PHONE, 1400), (False, True)):
        open_page(made, width, dark=dark)
        texts = browser.execute_script(COLOURS)
        assert len(texts) > 50
        assert [text for text in texts if contrast(text[1], text[2]) < LEAST_CONTRAST] == []
        page = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (luminance(page) < 0.1) == dark


def test_a_click_sorts_a_table_by_its_numbers_with_dashes_last(
    browser: Any, open_page: Any, ablation: Callable[..., Any], console_errors: Callable[[], list[str]]
) -> None:
    open_page(failing(ablation), 1400)
    heads = [head.text for head in browser.find_elements(By.CSS_SELECTOR, f"{TABLE} thead th")]
    column = next(place for place, head in enumerate(heads, start=1) if "difference" in head)
    before = cells(browser, column)
    button = browser.find_element(By.CSS_SELECTOR, f"{TABLE} thead th:nth-child({column}) button")

    def numbers() -> list[float]:
        return [float(text.replace("−", "-")) for text in cells(browser, column) if text != "–"]

    button.click()
    assert numbers() == sorted(numbers())
    button.click()
    assert numbers() == sorted(numbers(), reverse=True)
    assert cells(browser, column)[-1] == "–", "of the baseline"
    assert sorted(cells(browser, column)) == sorted(before)
    assert console_errors() == [], "the page lets its script run"


def test_nothing_is_fetched(browser: Any, open_page: Any, ablation: Callable[..., Any]) -> None:
    open_page(ablation(3), 1400)
    assert browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []
    browser.execute_script("const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
                           "document.body.append(one)")  # fmt: skip
    assert browser.execute_script("return window.ran === undefined"), "no other script may run"


def test_on_paper_there_is_no_last_page_with_a_footer_alone(
    browser: Any, open_page: Any, ablation: Callable[..., Any]
) -> None:
    open_page(ablation(3), 1400, "print")
    assert not browser.find_element(By.TAG_NAME, "footer").is_displayed()
    assert browser.find_element(By.CSS_SELECTOR, ".written").is_displayed()
    end = "return document.documentElement.scrollHeight - document.querySelector('main').getBoundingClientRect().bottom"
    assert browser.execute_script(end) < 40, "nothing is below the last section"
    paper = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(paper["data"]))) <= 12
