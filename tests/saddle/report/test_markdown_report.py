"""The Markdown report says what the page says, as tables that a Markdown reader takes, and no text becomes markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt

from saddle.report.markdown import fenced, paragraph, render_markdown
from saddle.report.study_report import StudyReport

EVIL = "# *x* _y_ `z` | <script>alert(1)</script> [a](b) $1$ ~~no~~ a_b &amp; \\| \n - q\x00\u202e"


def markdown_of(made: Any, **options: Any) -> str:
    return render_markdown(StudyReport(made.results, **options))


def tokens_of(text: str) -> list[Any]:
    return MarkdownIt("gfm-like", {"linkify": False}).parse(text)


def headings_of(text: str) -> list[str]:
    tokens = tokens_of(text)
    return [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open"]


def tables_of(text: str) -> list[list[list[str]]]:
    """Each table's rows of cells as a reader sees them."""
    found: list[list[list[str]]] = []
    for token in tokens_of(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and token.level >= 4 and found:
            found[-1][-1].append("".join(child.content for child in token.children))
    return found


def test_an_ablation_has_its_answer_tables_and_the_way_to_reproduce_it(ablation: Callable[..., Any]) -> None:
    made = ablation(6)
    made.change(1, outcome="collapsed", metrics={}, why="constant output")
    text = markdown_of(made, command="saddle run controls.yaml --storage runs")
    assert headings_of(text) == [
        "Does MP beat STA?",
        "Names",
        "Read with care",
        "Results",
        "Failure rates",
        "The evaluation",
        "Does validation rank trials as the test does?",
        "What training cost",
        "Effect sizes and further tests",
        "Outcomes of the trials",
        "What was assumed",
        "How to reproduce",
    ]
    contents = StudyReport(made.results)
    results, failures, ranking, cost, details, endings, assumed = tables_of(text)
    assert ranking[1][:3] == ["validation robust accuracy (worst case)", "test robust accuracy (worst case)", "17"]
    assert results == [list(contents.answer.columns), *(list(row) for row in contents.answer.rows)]
    assert failures[2][:4] == ["mta", "1", "6", "17 %"]
    assert cost[0] == ["arm", "replicates", "time of one", "times the baseline’s"]
    assert details[0][:5] == ["comparison", "pairs", "difference", "sd of differences", "effect size d (95 % interval)"]
    assert [row[:2] for row in endings[1:]] == [["completed", "17"], ["collapsed", "1"]]
    assert assumed[1:] == [["lr", "0.01235"]]
    fences = [(token.info, token.content) for token in tokens_of(text) if token.type == "fence"]
    assert [info for info, _ in fences] == ["yaml", "sh"]
    assert fences[0][1].startswith("study: controls\n")
    assert fences[1][1] == "saddle run controls.yaml --storage runs\n"
    assert "![" not in text


def test_a_search_has_its_best_trials(search: Callable[..., Any]) -> None:
    text = markdown_of(search(30))
    results, ranking, endings, _ = tables_of(text)
    assert int(ranking[1][2]) > len(results), "all completed trials, and not only those of the table"
    assert results[0][0] == "trial"
    assert len(results) == 11
    assert "RuntimeError: out of cheese (1)" in endings[-1][2]


def test_a_study_that_has_not_begun(search: Callable[..., Any]) -> None:
    assert "**No trial has finished yet.**" in markdown_of(search(0))


def test_no_text_of_the_user_becomes_markup(ablation: Callable[..., Any]) -> None:
    made = ablation(3, ("sta", EVIL, "````"))
    made.study = made.study.model_copy(update={"question": EVIL})
    made.change(1, outcome="failed", metrics={}, why=f"Traceback\n{EVIL}")
    made.change(2, params={EVIL: EVIL}, sources={EVIL: EVIL})
    text = markdown_of(made)
    seen = re.sub(r"[\x00\u202e\n]+", " ", EVIL).split()
    inline = [token for token in tokens_of(text) if token.type == "inline"]
    assert "".join(child.content for child in inline[0].children).split() == seen
    kinds = {child.type for token in inline for child in token.children}
    assert kinds <= {"text", "text_special", "html_inline", "strong_open", "strong_close", "code_inline", "softbreak"}
    tags = {child.content for token in inline for child in token.children if child.type == "html_inline"}
    assert tags <= {"<sub>", "</sub>"}
    assert not [token for token in tokens_of(text) if token.type == "html_block"]
    outside = re.sub(r"(?s)^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE)
    assert re.findall(r"<(?!/?sub>)", outside) == [], "readers that take no backslash before < see none either"
    names = [row[0].split() for row in tables_of(text)[0]]
    assert names == [["arm"], ["sta"], seen, ["````"]]


@pytest.mark.parametrize("start", ["# no", "- no", "+ no", "1. no", "2) no", "= no", "--- no"])
def test_a_paragraph_stays_one(start: str) -> None:
    [opening, inline, _] = tokens_of(paragraph(start))
    assert opening.type == "paragraph_open"
    assert "".join(child.content for child in inline.children) == start


def test_a_fence_is_longer_than_any_within() -> None:
    content = "a\n```\nb\n`````\nc"
    [fence] = tokens_of("\n".join(fenced(content, "yaml")))
    assert fence.content == content + "\n"
