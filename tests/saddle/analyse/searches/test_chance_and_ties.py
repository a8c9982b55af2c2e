"""A search whose trials guess, are all alike or only repeat each other is not told to have a best one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from saddle.analyse.answer import answer, answer_search
from saddle.analyse.answer_study import answer_study
from saddle.analyse.searches.chance_and_ties import best_guess
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record
from trainables.contract import Metric

CHOSEN = "validation/robust_accuracy.worst_case"
CLEAN = "validation/clean_accuracy"
METRICS = declare({CHOSEN: "maximize", CLEAN: "maximize", "validation/samples": "maximize"})


def search(**changes: Any) -> Study:
    base = {"study": "s", "trainable": "t", "search": {"lr": {"float": [0, 1]}}, "objective": {"maximize": CHOSEN}}
    return Study.model_validate({**base, **changes})


def trials(values: Sequence[float], samples: int | None = 360, **more: Any) -> list[TrialRecord]:
    counted = {} if samples is None else {"validation/samples": float(samples)}
    return [
        make_record(
            f"s-{n}", "s", 0, "completed", {"epochs": 3}, {"lr": n / 100}, {CHOSEN: value, **counted}, number=n, **more
        )
        for n, value in enumerate(values)
    ]


def test_all_tied_at_chance_there_is_no_best() -> None:
    found = answer(search(), trials([0.1, 0.1]), METRICS, chance=0.1)
    assert found.best is None
    assert not found.badge.holders
    assert found.sentence == (
        "All 2 completed trials have the same validation/robust_accuracy.worst_case = 10.0 %, so none of them is the"
        " best. No trial is better than guessing: the best of 2 completed trials reaches 10.0 % in"
        " validation/robust_accuracy.worst_case, where guessing gives 10.0 %, and up to 13.3 % by luck."
    )
    assert [row[0] for row in found.rows] == ["0", "1"], "the values are shown all the same"


def test_the_number_of_classes_that_trials_report_decides_what_guessing_gives() -> None:
    entries = trials([0.2, 0.21, 0.19], fingerprints={"classes": 5})
    assert "where guessing gives 20.0 %" in answer_study(search(), METRICS, entries, ()).sentence
    entries = trials([0.2, 0.21, 0.19], fingerprints={"classes": 20})
    assert answer_study(search(), METRICS, entries, ()).best is entries[1]


def test_tied_trials_above_chance_have_no_best_either() -> None:
    found = answer_search(search(), trials([0.6, 0.6, 0.6]), METRICS, chance=0.1)
    assert (found.best, found.sentence) == (
        None,
        f"All 3 completed trials have the same {CHOSEN} = 60.0 %, so none of them is the best.",
    )


def test_with_several_objectives_all_alike_there_is_no_front() -> None:
    study = search(objective=[{"maximize": CHOSEN}, {"minimize": "validation/cost"}])
    entries = [
        make_record(f"s-{n}", "s", 0, "completed", {}, {"lr": n / 9}, {CHOSEN: 0.5, "validation/cost": 2.0}, number=n)
        for n in range(3)
    ]
    found = answer_search(study, entries, METRICS)
    assert found.front == ()
    assert (
        "the same validation/robust_accuracy.worst_case = 50.0 % and validation/cost = 2.000, so none" in found.sentence
    )


@pytest.mark.parametrize(("chance", "samples"), [(None, 360), (0.1, None), (0.1, 360)])
def test_what_is_better_than_guessing_or_can_not_be_compared_with_it_has_a_best(
    chance: float | None, samples: int | None
) -> None:
    entries = trials([0.1, 0.2], samples)
    assert answer_search(search(), entries, METRICS, chance=chance).best is entries[1]


def test_a_metric_that_no_model_can_guess_is_not_compared_with_chance() -> None:
    declared = declare({CHOSEN: Metric("maximize", unit="fraction")})
    assert answer_search(search(), trials([0.05, 0.1]), declared, chance=0.1).best is not None
    declared = declare({CHOSEN: Metric("maximize", unit="fraction", chance=0.5)})
    assert "where guessing gives 50.0 %" in answer_search(search(), trials([0.3, 0.4], None), declared).sentence


@pytest.mark.parametrize("count", [2, 12, 40])
def test_of_searches_that_guess_at_most_one_in_twenty_has_a_best(count: int) -> None:
    generator = np.random.default_rng(count)
    rounds = 100_000
    reached = generator.binomial(360, 0.1, size=(rounds, count)).max(axis=1) / 360
    wrong = (reached > best_guess(0.1, 360, count)).mean()
    assert wrong <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / rounds)
    assert (reached > 0.1).mean() > 0.7  # those that had a best before


def test_repeats_are_counted_in_the_answer() -> None:
    entries = trials([0.5, 0.6, 0.7])
    entries.append(make_record("s-3", "s", 0, "completed", {}, {"lr": 0.01}, {CHOSEN: 0.6}, number=3))
    said = answer_search(search(), entries, METRICS).warnings
    assert (
        "1 of 4 trials repeats the settings of others; all trials have one seed, so repeats add no information." in said
    )
    assert not any("repeat" in warning for warning in answer_search(search(), entries[:3], METRICS).warnings)


@pytest.mark.parametrize(("grace", "said"), [(2, False), (3, True)])
def test_early_stopping_that_could_stop_nothing_is_said_in_the_answer(grace: int, said: bool) -> None:
    study = search(early_stopping={"asha": {"grace_epochs": grace}})
    warnings = answer_search(study, trials([0.5, 0.6]), METRICS).warnings
    assert any(w.startswith("Early stopping can stop no trial: its grace period of 3") for w in warnings) is said


def test_trials_that_can_not_be_told_from_the_best_are_counted() -> None:
    # two standard errors of a difference between shares of 360 near 0.6: 2 · sqrt(2 · 0.24 / 360) = 0.073
    [close] = [
        w
        for w in answer_search(search(), trials([0.6, 0.53, 0.52, 0.59]), METRICS).warnings
        if "distinguished from" in w
    ]
    assert close.startswith(
        "2 of 3 other trials can't be distinguished from the best: they are at most 7.3 points away"
    )
    assert "360 samples" in close


def test_the_samples_of_another_split_are_no_measure_of_this_one() -> None:
    entries = trials([0.6, 0.53], 360)
    for entry in entries:
        entry.metrics["test/samples"] = entry.metrics.pop("validation/samples")
    [said] = [w for w in answer_search(search(), entries, METRICS).warnings if "trial must be ahead" in w]
    assert "no standard error is known" in said


def test_where_no_standard_error_is_known_that_is_said() -> None:
    [open_question] = [
        w
        for w in answer_search(search(), trials([0.6, 0.6, 0.5], None), METRICS).warnings
        if "trial must be ahead" in w
    ]
    assert open_question.startswith("How far a trial must be ahead of the others is unknown")
    assert open_question.endswith("1 other trial has the same value.")


def test_a_question_about_a_parameter_is_not_answered_with_the_best_trial() -> None:
    found = answer_search(search(search={"lr": {"float": [0, 1]}, "asks": "lr"}), trials([0.5, 0.9]), METRICS)
    assert found.sentence.startswith("Not answered: the question is about lr, and this search can't show")
    assert "saddle plan proposes for s. The best of 2 trials is trial 1:" in found.sentence
    assert not answer_search(search(), trials([0.5, 0.9]), METRICS).sentence.startswith("Not answered")
