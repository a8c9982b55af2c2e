"""Accuracy under attack above clean accuracy is flagged wherever it occurs: in ablations, in searches, in any split."""

from __future__ import annotations

from typing import Any

import pytest

from saddle.analyse.answer import answer_ablation, answer_search
from saddle.analyse.evaluation.above_clean import above_clean
from saddle.design import make_arms, replicates
from saddle.study.models import Study
from saddle.study.trainable.declarations import UNDECLARED
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import changed, make_record

ABOVE = "is above clean accuracy"


def metrics(split: str = "test", clean: float = 0.6, **robust: float) -> dict[str, float]:
    return {f"{split}/clean_accuracy": clean} | {
        f"{split}/robust_accuracy.{name}": value for name, value in {"pgd": 0.4, "worst_case": 0.4, **robust}.items()
    }


def entry(found: dict[str, float], outcome: str = "completed", **more: Any) -> TrialRecord:
    return make_record("k", "s", 0, outcome, {}, {}, found, **more)


def test_it_says_which_attack_where_and_by_how_much() -> None:
    groups = {
        "sta": [entry(metrics()), entry(metrics(pgd_targeted=0.601))],
        "mp": [entry(metrics(pgd_targeted=0.65)), entry(metrics(pgd_targeted=0.62)), entry(metrics())],
        "mta": [entry(metrics(clean=0.39))],
    }
    targeted, pgd = above_clean(groups, UNDECLARED)
    assert targeted.startswith(
        "Accuracy under pgd_targeted is above clean accuracy, by up to 5.0 points"
        " (mp with 2 of 3 seeds and sta with 1 of 2 seeds)"
    )
    assert pgd.startswith("Accuracy under pgd is above clean accuracy, by up to 1.0 points (mta)")


@pytest.mark.parametrize(
    ("found", "flagged"),
    [
        (entry(metrics()), False),
        (entry(metrics(pgd=0.6)), False),
        (entry(metrics(worst_case_high=0.7)), False),
        (entry(metrics(pgd=0.7), outcome="pruned"), False),
        (entry({"test/robust_accuracy.pgd": 0.7}), False),
        (entry(metrics("validation", pgd=0.7)), True),
        (entry(metrics(), test_last=metrics(cw_linf=0.7)), True),
        (entry({"test/clean_accuracy": 0.5, "test/robust_accuracy": 0.6}), True),
        # what counts is the same split's clean accuracy
        (entry({**metrics(pgd=0.59), **metrics("validation", clean=0.5, pgd=0.3)}), False),
    ],
)
def test_any_attack_in_any_split_of_a_finished_trial_counts(found: TrialRecord, flagged: bool) -> None:
    assert bool(list(above_clean({"a": [found]}, UNDECLARED))) is flagged


def test_of_many_places_a_few_are_named() -> None:
    found = {f"trial {n}": [entry(metrics(pgd=0.61 + n / 100))] for n in range(6)}
    [caution] = above_clean(found, UNDECLARED)
    assert "(trial 5, trial 4, trial 3 and 3 more)" in caution


def test_ablations_and_searches_warn() -> None:
    ablation = Study.model_validate({"study": "a", "trainable": "t", "ablation": {"factors": {"p": ["sta", "mp"]}}})
    assert ablation.ablation is not None
    arms = make_arms(ablation.ablation, ablation.ablation.baseline)
    entries = [
        make_record(one.key, "a", one.seed, "completed", {}, dict(one.arm.settings), metrics(), arm=one.arm.name)
        for one in replicates(arms, [0, 1, 2])
    ]
    directions = declare(dict.fromkeys(metrics(), "maximize"))
    assert not any(ABOVE in warning for warning in answer_ablation(ablation, entries, directions).warnings)
    entries[-1] = changed(entries[-1], metrics=metrics(pgd=0.7))
    [caution] = [w for w in answer_ablation(ablation, entries, directions).warnings if ABOVE in w]
    assert "(mp with 1 of 3 seeds)" in caution
    search = Study.model_validate(
        {"study": "s", "trainable": "t", "search": {"lr": {"float": [0, 1]}},
         "objective": {"maximize": "validation/robust_accuracy.worst_case"}}
    )  # fmt: skip
    trials = [changed(entry(metrics("validation"), number=n), key=f"k{n}") for n in range(3)]
    assert not any(ABOVE in warning for warning in answer_search(search, trials, UNDECLARED).warnings)
    trials[1] = changed(trials[1], metrics=metrics("validation", pgd=0.7))
    warnings = answer_search(search, trials, UNDECLARED).warnings
    assert any(f"{ABOVE}, by up to 10.0 points (trial 1)" in warning for warning in warnings)
