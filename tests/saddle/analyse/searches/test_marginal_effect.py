"""What a parameter does by itself: from the trials that were drawn at random, with an interval that holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from saddle.analyse.answer import answer_search
from saddle.analyse.searches.marginal_effect import drawn_at_random, marginal_effect
from saddle.analyse.statistics.regression.robust_slope import robust_slope
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record
from trainables.contract import complete_metric

SCORE = complete_metric("validation/score", "maximize")
DECLARED = declare({SCORE.name: "maximize"}, SCORE.name)


def study(**more: Any) -> Study:
    search = {"lr": {"float": [1e-4, 1e-1], "log": True}, "mode": {"choice": ["flat", "steep"]}}
    return Study.model_validate({"study": "s", "trainable": "t", "search": search, "asks": "lr", **more})


def trials(count: int, value: Callable[[float, str], float], epochs: int = 3, seed: int = 0) -> list[TrialRecord]:
    """Trials with settings at random; those after the tenth all have the largest rate, as a sampler might."""
    draw, found = np.random.default_rng(seed), []
    for number in range(count):
        place, mode = float(draw.uniform()) if number < 10 else 1.0, ["flat", "steep"][int(draw.integers(2))]
        settings = {"lr": 10 ** (3 * place - 4), "mode": mode}
        curve = [{SCORE.name: value(place, mode) * (epoch + 1) / epochs} for epoch in range(epochs)]
        found.append(make_record(str(number), "s", 0, "completed", {}, settings, curve[-1], number=number,
                                 curve=curve, epochs=epochs))  # fmt: skip
    return found


def test_the_slope_and_its_interval_are_those_of_statsmodels() -> None:
    draw = np.random.default_rng(0)
    x = draw.uniform(size=12)
    y = 2 * x + x * draw.normal(size=12)
    found = robust_slope(x, y, 0.05)
    fit = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3", use_t=True)
    assert found is not None
    assert [found.value, found.low, found.high] == pytest.approx([fit.params[1], *fit.conf_int()[1]])
    assert robust_slope(x[:5], y[:5], 0.05) is None
    assert robust_slope(np.ones(12), y, 0.05) is None


def test_only_trials_that_were_drawn_at_random_count() -> None:
    entries = trials(30, lambda place, mode: place)
    assert [entry.number for entry in drawn_at_random(study(), entries)] == list(range(10))
    assert len(drawn_at_random(study(sampler={"tpe": {"startup_trials": 4}}), entries)) == 4
    assert len(drawn_at_random(study(sampler={"random": {}}), entries)) == 30
    effect = marginal_effect(study(), entries, SCORE, "lr")
    assert effect is not None
    assert (effect.trials, effect.epoch, effect.before, effect.after) == (10, 3, "0.0001", "0.1")
    assert effect.value == pytest.approx(1.0)
    assert effect.is_shown


def test_trials_that_were_stopped_early_are_compared_where_they_stopped() -> None:
    entries = trials(10, lambda place, mode: place)
    kept = [make_record(e.key, "s", 0, "pruned", {}, e.settings, {}, number=e.number, curve=e.curve[:1], epochs=1)
            if e.number == 3 else e for e in entries]  # fmt: skip
    effect = marginal_effect(study(), kept, SCORE, "lr")
    assert effect is not None
    assert (effect.epoch, effect.trials) == (1, 10)
    assert effect.value == pytest.approx(1 / 3)
    lost = [make_record(e.key, "s", 0, "diverged", {}, e.settings, {}, number=e.number)
            if e.number == 3 else e for e in entries]  # fmt: skip
    assert marginal_effect(study(), lost, SCORE, "lr") is None, "what is left depends on the result"


def test_a_choice_of_two_goes_from_the_first_to_the_second() -> None:
    entries = trials(10, lambda place, mode: 0.5 + 0.2 * (mode == "steep") + 0.01 * place)
    effect = marginal_effect(study(asks="mode"), entries, SCORE, "mode")
    assert effect is not None
    assert (effect.before, effect.after) == ("flat", "steep")
    assert effect.low < 0.2 < effect.high


def test_without_any_effect_one_is_shown_as_rarely_as_the_interval_says() -> None:
    draw, shown, rounds = np.random.default_rng(1), 0, 300
    for _ in range(rounds):
        x = draw.uniform(size=10)
        slope = robust_slope(x, draw.normal(size=10), 0.05)
        assert slope is not None
        shown += not slope.low <= 0 <= slope.high
    assert shown / rounds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)


def test_the_answer_begins_with_it() -> None:
    found = answer_search(study(), trials(30, lambda place, mode: 0.3 + 0.2 * place), DECLARED)
    assert found.plain.startswith("lr by itself is better from 0.0001 to 0.1: the objective is 0.2")
    assert "over 10 trials that were drawn at random, at epoch 3" in found.statistics
    flat = np.random.default_rng(3)
    noise = answer_search(study(), trials(30, lambda place, mode: 0.3 + 0.1 * flat.normal()), DECLARED)
    assert noise.plain.startswith("Not shown: lr by itself from 0.0001 to 0.1 changes the objective by ")
    few = answer_search(study(), trials(4, lambda place, mode: place), DECLARED)
    assert few.plain.startswith("Not answered: the question is about lr")
