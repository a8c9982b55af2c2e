"""Further metrics of the arms stand in a table of their own, described and not judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.secondary_metrics import also_table
from saddle.study.trainable.metrics import matching

CLEAN = "test/clean_accuracy"


def test_each_arm_has_its_mean_and_spread(ablation: Callable[..., Any]) -> None:
    made = ablation(3, compare={"metric": "test/robust_accuracy.worst_case", "also": ["test/clean_*", "train/loss"]})
    for place, entry in enumerate(made.entries):
        made.change(place, metrics={**entry.metrics, CLEAN: 0.8 + 0.01 * entry.seed, "train/loss": 1.0})
    made.change(0, outcome="collapsed")  # sta, seed 0: what it measured before does not count
    table = also_table(made.results)
    assert table is not None
    assert table.columns == ("metric", "sta", "mta", "mp")
    assert [row[0] for row in table.rows] == ["test clean accuracy (%)", "train loss"]
    clean = table.rows[0][1:]
    assert [cell.split(" ± ")[0] for cell in clean] == ["81.50", "81.00", "81.00"]
    assert [float(cell.split(" ± ")[1]) for cell in clean] == pytest.approx([0.71, 1.0, 1.0], abs=0.01)
    text = render_markdown(StudyReport(made.results))
    assert "### Also measured" in text
    assert "They were not tested" in text


def test_many_arms_stand_one_below_the_other(ablation: Callable[..., Any]) -> None:
    levels = tuple(f"p{number}" for number in range(9))
    table = also_table(ablation(2, levels=levels, compare={"also": [CLEAN]}).results)
    assert table is not None
    assert table.columns == ("arm", "test clean accuracy (%)")
    assert [row[0] for row in table.rows] == list(levels)


@pytest.mark.parametrize("also", [[], ["test/never_measured"]])
def test_without_such_metrics_there_is_no_table(ablation: Callable[..., Any], also: list[str]) -> None:
    assert also_table(ablation(2, compare={"also": also}).results) is None


def test_patterns_keep_their_order_and_name_nothing_twice() -> None:
    names = {"test/b", "test/a", "train/a"}
    assert matching(["train/*", "test/*", "test/a"], names) == ["train/a", "test/a", "test/b"]
