"""The checklist in the report: a section for each trial that was checked; a fail comes in the first sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from trainables.contract import CheckItem

CHECKS = (
    CheckItem("gradients", "pass", {"n": 500.0, "cosine_near": 0.98}, "gradients show where the loss rises"),
    CheckItem("transfer_failure", "not run", {}, "no other network is given"),
    CheckItem("black_box", "fail", {"by_square_alone": 12.0}, "Square fools 12 of 40 <images>"),
)


def checked(made: Any, checks: tuple[CheckItem, ...]) -> Any:
    best = max(range(len(made.entries)), key=lambda at: made.entries[at].metrics.get("test/clean_accuracy", 0.0))
    made.entries[best] = replace(made.entries[best], checks=checks)
    return made


def test_a_checked_trial_has_a_section_with_what_fails_first(ablation: Callable[..., Any]) -> None:
    made = checked(ablation(3), CHECKS)
    page = render(StudyReport(made.results))
    section = page.partition('<section id="checklist">')[2].partition("</section>")[0]
    assert "1 passed, 1 not run and 1 failed" in section
    assert section.index("black box") < section.index("transfer failure") < section.index("gradients show")
    assert "Square fools 12 of 40 &lt;images&gt;" in section
    sentence = page.partition('<p class="sentence">')[2].partition("</p>")[0]
    assert sentence.startswith("The badge “best” is withheld from ")
    assert '<span class="badge">' not in page


def test_markdown_says_the_same(ablation: Callable[..., Any]) -> None:
    made = checked(ablation(3), CHECKS)
    text = render_markdown(StudyReport(made.results))
    assert "### Checklist of " in text
    assert text.splitlines()[2].startswith("**The badge “best” is withheld from ")


def test_a_search_shows_who_has_the_badge(search: Callable[..., Any]) -> None:
    made = search()
    page = render(StudyReport(made.results))
    assert '<span class="badge">best</span>' in page
    assert '<section id="checklist">' not in page
