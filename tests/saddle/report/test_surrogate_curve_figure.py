"""The curve over the parameter that a search's question is about: a description, without a verdict or an interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from saddle.analyse.searches.surrogate_curve import FEWEST_TRIALS, surrogate_curve
from saddle.report.figures.surrogate_curve import ASKED, asked_parameter
from saddle.study.models import Study
from tests.support.records import make_record
from trainables.contract import complete_metric

SCORE = complete_metric("validation/score", "maximize")
STUDY = Study.model_validate(
    {
        "study": "s",
        "trainable": "t",
        "search": {
            "lr": {"float": [1e-4, 1e-1], "log": True},
            "mode": {"choice": ["flat", "steep"]},
            "warm_up": {"int": [0, 4], "when": {"mode": "steep"}},
        },
    }
)


def records(count: int) -> list[Any]:
    draw, found = np.random.default_rng(0), []
    for number in range(count):
        settings: dict[str, Any] = {"lr": float(10 ** draw.uniform(-4, -1)), "mode": ["flat", "steep"][number % 2]}
        if settings["mode"] == "steep":
            settings["warm_up"] = int(draw.integers(0, 5))
        value = 0.5 + 0.1 * settings.get("warm_up", 0) + 0.01 * float(draw.normal())
        metrics = {SCORE.name: value}
        found.append(make_record(str(number), "s", 0, "completed", {}, settings, metrics, number=number))
    return found


def test_the_curve_rises_where_the_objective_does_and_is_flat_where_it_does_not() -> None:
    rising = surrogate_curve(STUDY, records(80), SCORE, "warm_up")
    assert rising is not None
    assert rising.values == (0, 1, 2, 3, 4)
    assert rising.trials == 40, "those that have the parameter"
    assert np.all(np.diff(rising.mean) > 0.05)
    flat = surrogate_curve(STUDY, records(80), SCORE, "lr")
    assert flat is not None
    assert np.ptp(flat.mean) < 0.5 * np.ptp(rising.mean)


def test_few_trials_have_no_curve() -> None:
    assert surrogate_curve(STUDY, records(2 * FEWEST_TRIALS - 2), SCORE, "warm_up") is None
    figure = asked_parameter(STUDY, records(4), SCORE, "warm_up")
    assert figure.reason == f"A curve needs {FEWEST_TRIALS} completed trials that have warm_up."


def test_the_figure_says_that_it_is_no_answer() -> None:
    figure = asked_parameter(STUDY, records(60), SCORE, "mode")
    assert figure.caption.startswith("A description, not an answer")
    assert len(figure.figure().axes[0].get_lines()) == 2, "trials and mean prediction, no band"
    for word in ("helps", "hurts", "equivalent", "interval"):
        assert word not in figure.caption


def test_only_a_search_that_asks_has_it(search: Callable[..., Any]) -> None:
    made = search(40)
    assert ASKED.draw(made.results) is None
    made.study = made.study.model_copy(update={"asks": "lr"})
    drawn = ASKED.draw(made.results)
    assert drawn is not None
    assert drawn.figure().axes[0].get_xlabel() == "lr"
