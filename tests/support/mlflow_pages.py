"""MLflow's page of runs, as a test sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

EXPANDERS = "button[data-component-id*='runnamecellrenderer']"
"""What opens a run into those nested in it."""


def wait_for(browser: Any, condition: Callable[[], Any], what: str) -> Any:
    """What the condition comes to; the page may replace elements while they are looked at."""
    waiting = WebDriverWait(browser, 60, ignored_exceptions=[StaleElementReferenceException])
    return waiting.until(lambda _: condition(), f"{what} did not appear within a minute")


def run_names(browser: Any) -> list[str]:
    """The names of the runs in view."""
    return [link.text for link in browser.find_elements(By.CSS_SELECTOR, "a[href*='/runs/']") if link.text]


def click(browser: Any, element: Any) -> None:
    """Click, whatever lies above."""
    browser.execute_script("arguments[0].click()", element)
