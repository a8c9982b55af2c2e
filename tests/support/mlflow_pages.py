"""MLflow's page of runs, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

EXPANDERS = "button[data-component-id*='runnamecellrenderer']"
"""The element that expands a run to its nested runs."""


def wait_for(browser: Any, condition: Callable[[], Any], what: str) -> Any:
    """Wait for the condition's value; the page may replace elements while they are read."""
    waiting = WebDriverWait(browser, 60, ignored_exceptions=[StaleElementReferenceException])
    return waiting.until(lambda _: condition(), f"{what} did not appear within a minute")


def run_names(browser: Any) -> list[str]:
    """The names of the runs in view."""
    return [link.text for link in browser.find_elements(By.CSS_SELECTOR, "a[href*='/runs/']") if link.text]


def click(browser: Any, element: Any) -> None:
    """Click, even if something covers the element."""
    browser.execute_script("arguments[0].click()", element)
