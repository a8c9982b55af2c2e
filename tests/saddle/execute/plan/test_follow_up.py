"""A search whose question names one of its parameters is answered by an ablation, which `saddle plan` proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.archive.studies import settle_study
from saddle.errors import StudyError
from saddle.execute.plan.follow_up import levels
from saddle.execute.plan.study_plan import Plan, plan_study
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.study.space import Parameter
from saddle.studyfile.loader import parse_studies
from tests.support.records import make_record

SEARCH = """\
study: mine
question: Does a longer pause help?
trainable: parabola
fixed: {epochs: 4}
search:
  x: {float: [0, 1]}
  mode: {choice: [plain, curved]}
  bend: {float: [0.1, 0.5], when: {mode: curved}}
asks: bend
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
"""


def parsed(text: str) -> Study:
    [study] = parse_studies(text, "mine.yaml")
    return study


def proposed(store: LocalStore, text: str = SEARCH) -> tuple[Study, Plan]:
    plan = plan_study(parsed(text), store)
    assert plan.follow_up is not None
    return parsed(plan.follow_up[0]), plan.follow_up[1]


def ran(store: LocalStore, settings: list[dict[str, Any]]) -> None:
    """A stored search whose last trial is the best."""
    stored = settle_study(store, parsed(SEARCH), None, fresh=False)
    ledger = Ledger(store, stored.run)
    for number, drawn in enumerate(settings):
        metrics = {"validation/score": 0.1 * number}
        ledger.add(
            make_record(f"trial-{number:05d}", "mine", 0, "completed", {"epochs": 4, **drawn}, drawn, metrics,
                        number=number, epochs=4, seconds=2.0)
        )  # fmt: skip


def test_before_the_search_has_run_the_ablation_starts_from_its_best(tmp_path: Path) -> None:
    study, plan = proposed(LocalStore(tmp_path))
    assert study.ablation is not None
    assert study.ablation.best_of == "mine"
    assert study.ablation.factors == {"bend": [0.1, 0.3, 0.5]}
    assert study.ablation.seed_list == [1, 2, 3, 4, 5], "the search's trials have seed 0"
    assert study.fixed == {"epochs": 4, "mode": "curved"}, "without it there is no bend"
    assert study.question == "Does a longer pause help?"
    assert plan.trials == 15


def test_the_best_trials_settings_are_fixed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    ran(store, [{"x": 0.2, "mode": "plain"}, {"x": 0.7, "mode": "curved", "bend": 0.2}])
    study, plan = proposed(store)
    assert study.ablation is not None
    assert study.ablation.best_of is None
    assert study.fixed == {"epochs": 4, "x": 0.7, "mode": "curved"}
    assert study.ablation.baseline == {"bend": 0.1}
    assert plan.seconds is not None
    assert plan.seconds >= 2.0 * 15 / plan.slots


def test_a_best_trial_without_the_parameter_gets_what_its_condition_wants(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    ran(store, [{"x": 0.7, "mode": "curved", "bend": 0.2}, {"x": 0.2, "mode": "plain"}])
    study, _ = proposed(store)
    assert study.fixed == {"epochs": 4, "x": 0.2, "mode": "curved"}


def test_what_depends_on_the_parameter_is_not_fixed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    ran(store, [{"x": 0.2, "mode": "plain"}, {"x": 0.7, "mode": "curved", "bend": 0.2}])
    study, _ = proposed(store, SEARCH.replace("asks: bend", "asks: mode"))
    assert study.fixed == {"epochs": 4, "x": 0.7}
    assert study.ablation is not None
    assert study.ablation.factors == {"mode": ["plain", "curved"]}


def test_the_parameter_may_be_named_in_the_search() -> None:
    inside = SEARCH.replace("asks: bend\n", "").replace("search:\n", "search:\n  asks: bend\n")
    assert parsed(inside) == parsed(SEARCH)
    assert parsed(SEARCH).asks == "bend"


@pytest.mark.parametrize("inside", [False, True])
def test_a_question_about_what_is_not_searched_is_refused(inside: bool) -> None:
    text = SEARCH.replace("asks: bend\n", "").replace("search:\n", "search:\n  asks: bent\n")
    with pytest.raises(StudyError, match=r"the question is about bent, which is not searched.*did you mean bend"):
        parse_studies(text if inside else SEARCH.replace("asks: bend", "asks: bent"), "mine.yaml")


@pytest.mark.parametrize(
    ("parameter", "best", "expected"),
    [
        ({"choice": ["a", "b"]}, "b", ["a", "b"]),
        ({"choice": ["a", "b", "c", "d"]}, "d", ["a", "d", "b"]),
        ({"int": [0, 4]}, 3, [0, 2, 4]),
        ({"int": [0, 2]}, 0, [0, 1, 2]),
        ({"float": [1e-4, 1e-2], "log": True}, None, [1e-4, 1e-3, 1e-2]),
        ({"float": [0, 1], "step": 0.25}, None, [0, 0.5, 1]),
    ],
)
def test_two_or_three_levels_are_compared(parameter: dict[str, Any], best: Any, expected: list[Any]) -> None:
    assert levels(Parameter.model_validate(parameter), best) == expected


def test_a_search_that_asks_of_no_parameter_has_no_follow_up(tmp_path: Path) -> None:
    assert plan_study(parsed(SEARCH.replace("asks: bend\n", "")), LocalStore(tmp_path)).follow_up is None
