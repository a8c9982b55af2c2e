"""A trial that fails its checklist has no badge, and the answer says so first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saddle.analyse.answer import answer
from saddle.analyse.evaluation import badge
from saddle.analyse.evaluation.badge import reasons_against
from saddle.study.models import Study
from saddle.study.trainable.declarations import UNDECLARED
from saddle.studyfile.loader import parse_studies
from saddle.track.answer_payload import answer_tags
from saddle.track.trial_payload import final_tags
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import changed, make_record
from tests.support.results import results_of
from trainables.contract import CheckItem

METRIC = "validation/robust_accuracy.worst_case"
FAIL = CheckItem("black_box", "fail", {"n": 500.0}, "Square fools 12 images that withstood gradients")
WARN = CheckItem("selection", "warn", {}, "1 seed")
PASS = CheckItem("gradients", "pass", {}, "gradients show where the loss rises")

SEARCH = f"""
study: s
question: Which?
trainable: adversarial_training
fixed: {{dataset: digits}}
search: {{lr: {{float: [0.001, 0.1]}}}}
objective: {{maximize: {METRIC}}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: 2}}
"""
ABLATION = """
study: a
question: MP?
trainable: adversarial_training
fixed: {dataset: digits, tasks: [odd_even]}
ablation: {baseline: {perturbation: sta}, factors: {perturbation: [sta, mp]}, seeds: 2}
"""


def study(text: str) -> Study:
    [parsed] = parse_studies(text, "s.yaml")
    return parsed


def trials() -> list[TrialRecord]:
    values = {"low": 0.4, "high": 0.6}
    return [
        make_record(key, "s", 0, "completed", {}, {"lr": 0.01}, {METRIC: value}, number=number, ended=1.0)
        for number, (key, value) in enumerate(values.items())
    ]


def test_a_fail_withholds_the_badge_and_is_said_first() -> None:
    low, high = trials()
    results = results_of(study(SEARCH), declare({METRIC: "maximize"}), [low, replace(high, checks=(PASS, WARN, FAIL))])
    found = results.answer
    assert found.sentence.startswith(
        "The badge “best” is withheld from trial 1, which fails black_box: Square fools 12"
    )
    assert "The best of 2 trials is trial 1" in found.sentence
    assert found.badge.holders == ()
    assert [*found.badge.withheld] == ["high"]
    tags = answer_tags(results, finished=True)
    assert tags["saddle.best"] == "none"
    assert tags["saddle.badge"].startswith("withheld: high fails black_box")
    assert tags["saddle.answer"] == found.sentence


@pytest.mark.parametrize("checks", [(), (PASS,), (PASS, WARN)])
def test_warnings_withhold_nothing(checks: tuple[CheckItem, ...]) -> None:
    low, high = trials()
    results = results_of(study(SEARCH), declare({METRIC: "maximize"}), [low, replace(high, checks=checks)])
    found = results.answer
    assert found.sentence.startswith("The best of 2 trials is trial 1")
    assert found.badge.holders == ("high",)
    assert answer_tags(results, finished=True)["saddle.best"] == "high"


def test_only_trials_that_would_have_the_badge_can_lose_it() -> None:
    low, high = trials()
    found = answer(study(SEARCH), [replace(low, checks=(FAIL,)), high], declare({METRIC: "maximize"}))
    assert found.sentence.startswith("The best of 2 trials is trial 1")
    assert found.badge.withheld == {}


def test_an_ablation_names_the_replicates_that_fail() -> None:
    metric = "test/robust_accuracy.worst_case"
    entries = [
        make_record(f"{arm}-{seed}", "a", seed, "completed", {}, {"perturbation": arm}, {metric: 0.5 + seed / 100},
              arm=f"perturbation={arm}", checks=(FAIL,) if (arm, seed) == ("mp", 1) else ())
        for arm in ("sta", "mp") for seed in (0, 1)
    ]  # fmt: skip
    found = answer(study(ABLATION), entries, declare({metric: "maximize"}))
    assert found.sentence.startswith("The badge “best” is withheld from ")
    assert "with seed 1, which fails black_box" in found.sentence.partition(". ")[0]


def test_every_item_is_a_tag_of_the_trial() -> None:
    tags = final_tags(changed(trials()[0], checks=(PASS, FAIL)), UNDECLARED)
    assert tags["saddle.check.gradients"] == f"pass: {PASS.says}"
    assert tags["saddle.check.black_box"] == f"fail: {FAIL.says}"
    assert tags["saddle.badge"].startswith("withheld: fails black_box")
    assert not any("check" in name or "badge" in name for name in final_tags(trials()[0], UNDECLARED))


def test_what_else_is_against_a_trial_is_one_more_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(badge, "FLAGS", (*badge.FLAGS, lambda entry, declared: ["is odd"] if entry.number else []))
    low, high = trials()
    assert reasons_against(low, UNDECLARED) == ()
    assert reasons_against(replace(high, checks=(FAIL,)), UNDECLARED)[1] == "is odd"
