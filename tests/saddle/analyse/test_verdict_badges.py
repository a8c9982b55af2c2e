"""The words before an answer: one verdict, several by name, many by number, and those of searches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.study_results import StudyResults
from saddle.analyse.verdict_badges import VerdictBadge, verdict_badges
from saddle.study.models import Study
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import complete_metric

METRIC = complete_metric("test/accuracy")
DECLARED = declare({"test/accuracy": "maximize", "validation/accuracy": "maximize"}, "validation/accuracy")
EFFECT = Effect("mp", "mp", "sta", METRIC, Verdict.HURTS, 5, -0.04, -0.06, -0.03)


def results(kind: dict[str, Any], *values: float) -> StudyResults:
    study = Study.model_validate({"study": "s", "trainable": "t", **kind})
    records = [
        make_record(str(n), "s", n, "completed", {}, {"x": n}, {"validation/accuracy": value}, number=n, arm=None)
        for n, value in enumerate(values)
    ]
    return results_of(study, DECLARED, records, {})


def with_effects(effects: list[Effect]) -> StudyResults:
    found = results({"ablation": {"factors": {"x": [0, 1]}, "baseline": {"x": 0}, "seeds": 2}}, 0.5)
    found.__dict__["answer"] = replace(results({"search": {"x": {"int": [0, 9]}}}, 0.5).answer, effects=tuple(effects))
    return found


def test_a_single_comparison_is_its_verdict_without_the_reason() -> None:
    assert verdict_badges(with_effects([EFFECT])) == [VerdictBadge("hurts", "hurts")]
    open_one = replace(EFFECT, verdict=Verdict.UNSETTLED, more_seeds=4)
    assert verdict_badges(with_effects([open_one])) == [VerdictBadge("unsettled", "unsettled")]


def test_a_few_are_named_and_many_are_counted() -> None:
    other = replace(EFFECT, name="mta", verdict=Verdict.NO_DIFFERENCE)
    assert [badge.text for badge in verdict_badges(with_effects([EFFECT, other]))] == [
        "mp: hurts",
        "mta: no difference shown",
    ]
    assert verdict_badges(with_effects([*[other] * 4, EFFECT])) == [
        VerdictBadge("no difference shown: 4 of 5", "no difference shown"),
        VerdictBadge("hurts: 1 of 5", "hurts"),
    ]


@pytest.mark.parametrize(
    ("values", "text"), [((), "no result yet"), ((0.5, 0.6), "best"), ((0.5, 0.5), "no best trial")]
)
def test_a_search_says_whether_it_has_a_best_trial(values: tuple[float, ...], text: str) -> None:
    assert verdict_badges(results({"search": {"x": {"int": [0, 9]}}}, *values)) == [VerdictBadge(text)]
