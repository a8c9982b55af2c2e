"""The page in a real browser: two columns on wide screens, nothing wider than the window, nothing clipped on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver.common.by import By

A4 = 698
"""Pixels between the margins of a sheet."""


def widest(browser: Any) -> float:
    """How far to the right anything visible reaches."""
    script = """return Math.max(...[...document.querySelectorAll('table, figure, svg, img, p, pre, dl')]
        .filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect().right))"""
    return float(browser.execute_script(script))


def places(browser: Any) -> list[tuple[float, float]]:
    """Left and top of every figure that is drawn."""
    rectangles = [figure.rect for figure in browser.find_elements(By.CSS_SELECTOR, "#figures .plates > figure")]
    return [(rectangle["x"], rectangle["y"]) for rectangle in rectangles]


def shown(browser: Any, selector: str) -> bool:
    return bool(browser.execute_script(f"return document.querySelector('{selector}').checkVisibility()"))


def failing(ablation: Callable[..., Any], arms: int = 3) -> Any:
    made = ablation(6, tuple(f"a-rather-long-name-{index}" for index in range(arms)))
    made.change(1, outcome="collapsed", metrics={}, why="constant output")
    return made


def test_a_wide_screen_has_two_columns_of_figures(browser: Any, open_page: Any, ablation: Callable[..., Any]) -> None:
    open_page(failing(ablation), 1900)
    (left, top), (right, beside), *_ = places(browser)
    assert right > left + 600
    assert top == beside
    assert widest(browser) <= 1900
    open_page(failing(ablation), 1200)
    (left, top), (right, below), *_ = places(browser)
    assert (left, below > top) == (right, True)


@pytest.mark.parametrize("width", [1900, 1100])
def test_nothing_is_wider_than_the_window(browser: Any, open_page: Any, search: Callable[..., Any], width: int) -> None:
    open_page(search(500), width)
    assert widest(browser) <= width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_on_paper_nothing_is_clipped_and_what_is_folded_on_a_screen_is_open(
    browser: Any, open_page: Any, ablation: Callable[..., Any]
) -> None:
    open_page(failing(ablation, 9), A4, "print")
    assert widest(browser) <= A4
    assert shown(browser, "#details table")
    assert shown(browser, "details.source:not([open]) dl")
    assert not shown(browser, "#trials")
    assert shown(browser, ".on-paper")
    heights = browser.execute_script(
        "return [...document.querySelectorAll('.plates .on-wide svg')].map(one => one.getBoundingClientRect().height)"
    )
    assert 0 < max(heights) < 900, "every figure fits on a sheet"


def test_on_a_screen_details_are_folded_and_all_trials_can_be_had(
    browser: Any, open_page: Any, ablation: Callable[..., Any]
) -> None:
    open_page(failing(ablation), 1200)
    assert not shown(browser, "#details table")
    assert not shown(browser, "#trials table")
    assert not shown(browser, ".on-paper")
    browser.find_element(By.CSS_SELECTOR, "#trials summary").click()
    assert shown(browser, "#trials table")


def test_many_points_are_a_picture_that_the_page_may_show(
    browser: Any, open_page: Any, search: Callable[..., Any], console_errors: Callable[[], list[str]]
) -> None:
    open_page(search(500), 1200)
    size = browser.execute_script(
        "const one = document.querySelector('#figure-history image').getBBox(); return [one.width, one.height]"
    )
    assert min(size) > 50
    assert console_errors() == []
