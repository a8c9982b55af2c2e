# ruff: noqa: E501  (one mistake and its message to a line reads best)
"""Factors written as names: components of the trainable, of the study, and switches; kept in the resolved study."""

from __future__ import annotations

from typing import Any

import pytest

from saddle.design import Arm, make_arms
from saddle.study.ablation import Component
from saddle.study.models import Study
from saddle.studyfile.dump import differences, dump_study, is_extension
from saddle.studyfile.loader import parse_studies

STUDY = """\
study: parts
trainable: fake
fixed: {dataset: digits, tasks: [odd_even]}
ablation:
  design: leave_one_out
  factors: [mixing, random_start, slow]
  seeds: 3
  compare: {metric: test/accuracy}
"""


def arms_of(study: Study) -> dict[str, Arm]:
    return {arm.name: arm for arm in make_arms(study.ablation, study.ablation.baseline, study.settings)}


def test_what_components_set_is_copied_into_the_study(load) -> None:
    [study] = load(STUDY)
    assert study.ablation.factors == {name: ["on", "off"] for name in ("mixing", "random_start", "slow")}
    assert study.ablation.components == {
        "mixing": Component(on={"perturbation": "mp"}, off={"perturbation": "sta"}),
        "random_start": Component(on={"random_start": True}, off={"random_start": False}),
        "slow": Component(on={}, off={"steps": 1, "lr": 0.01}),
    }


def test_the_stored_study_needs_no_declaration_any_more(load, fakes) -> None:
    [study] = load(STUDY)

    class Bare:
        """The same method from before, or after, it declared anything."""

        def __getattr__(self, name: str) -> Any:
            if name == "COMPONENTS":
                raise AttributeError(name)
            return getattr(fakes["fake"], name)

    [again] = parse_studies(dump_study(study), "dump.yaml", trainables={"fake": Bare()})
    assert again == study
    assert differences(study, again) == []
    [more] = load(STUDY.replace("seeds: 3", "seeds: 5"))
    assert is_extension(again, more)
    [mapped] = load(
        STUDY.replace("[mixing, random_start, slow]", "{mixing: [on, off], random_start: , slow: [on, off]}")
    )
    assert mapped == study


def test_a_component_is_on_in_the_baseline_and_its_settings_give_way_to_what_is_stated(load) -> None:
    arms = arms_of(load(STUDY)[0])
    assert list(arms) == ["baseline", "without mixing", "without random start", "without slow"]
    assert arms["baseline"].settings == {"perturbation": "mp", "random_start": True}
    assert arms["baseline"].levels == {"mixing": "on", "random_start": "on", "slow": "on"}
    assert arms["without slow"].settings == {"perturbation": "mp", "random_start": True, "steps": 1, "lr": 0.01}
    assert arms["without slow"].levels == {"mixing": "on", "random_start": "on", "slow": "off"}
    stated = STUDY.replace("[odd_even]}", "[odd_even], perturbation: mta, steps: 9}")
    arms = arms_of(load(stated)[0])
    assert arms["baseline"].settings == {"perturbation": "mta", "random_start": True, "steps": 9}
    assert arms["without mixing"].settings["perturbation"] == "sta"


def test_a_component_whose_absence_is_stated_is_off_in_the_baseline(load) -> None:
    text = STUDY.replace("leave_one_out", "one_factor").replace(
        "ablation:\n", "ablation:\n  baseline: {perturbation: sta}\n"
    )
    arms = arms_of(load(text)[0])
    assert arms["baseline"].levels["mixing"] == "off"
    assert arms["mixing=on"].settings == {"perturbation": "mp", "random_start": True}


def test_a_component_of_the_study_wins(load) -> None:
    own = "  components: {mixing: {off: {perturbation: mta}, on: {perturbation: mp}}, short: {off: {epochs: 1}}}\n"
    text = STUDY.replace("slow]", "short]").replace("  seeds:", own + "  seeds:")
    [study] = load(text)
    assert study.ablation.components["mixing"].off == {"perturbation": "mta"}
    assert arms_of(study)["without short"].settings["epochs"] == 1


def test_levels_of_its_own_make_it_the_hyperparameter(load) -> None:
    [study] = load(STUDY.replace("[mixing, random_start, slow]", "{mixing: , random_start: [true, false]}"))
    assert list(study.ablation.components) == ["mixing"]
    assert arms_of(study)["without random start"].levels == {"mixing": "on", "random_start": False}


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ("mixing,", "mixng,", "ablation.factors[0]", "fake has no component or hyperparameter 'mixng'; did you mean mixing?"),
        ("mixing,", "qqqqq,", "ablation.factors[0]", "components: mixing, slow, hasty, random_start"),
        ("mixing,", "perturbation,", "ablation.factors[0]", "perturbation is neither a component nor true or false, so it needs levels; write factors: {perturbation: [A, B]}"),
        ("mixing,", "random_start,", "ablation.factors[1]", "random_start is listed twice"),
        ("mixing,", "3,", "ablation.factors[0]", "3 is not a name of a component or switch"),
        ("[mixing, random_start, slow]", "{mixng: [on, off]}", "ablation.factors.mixng", "fake has no 'mixng'; did you mean mixing?"),
        ("[mixing, random_start, slow]", "{random_start: [off, true]}", "ablation.factors.random_start[0]", "'off' is not accepted; expected true or false"),
        ("[mixing, random_start, slow]", "[]", "ablation.factors", "[] has no factor"),
        ("  seeds:", "  components: {mixin: {off: {steps: 2}}}\n  seeds:", "ablation.components.mixin", "mixin is not a factor, so this component has no effect; did you mean mixing?"),
        ("  seeds:", "  components: {slow: {off: {stepps: 2}}}\n  seeds:", "ablation.components.slow.off.stepps", "fake has no 'stepps'; name a hyperparameter; did you mean steps?"),
        ("  seeds:", "  components: {slow: {off: {steps: 0}}}\n  seeds:", "ablation.components.slow.off.steps", "0 is not accepted; it must be greater than or equal to 1"),
        ("  seeds:", "  components: {slow: {on: {steps: 2}}}\n  seeds:", "ablation.components.slow.off", "this is missing"),
        ("  seeds:", "  components: {slow: {off: {steps: 3}}}\n  seeds:", "ablation.factors[2]", "arm without slow trains the same as baseline"),
        ("  seeds:", "  baseline: {mixing: off}\n  seeds:", "ablation.baseline.mixing", "mixing is a component, which is short for settings; write those themselves, such as perturbation: 'sta' to switch it off"),
        ("  seeds:", "  baseline: {perturbation: sta}\n  seeds:", "ablation.factors[0]", "leave_one_out starts from a baseline with every component, but mixing is off in it"),
        ("tasks: [odd_even]", "lr: 0.01, steps: 1", "ablation.factors[2]", "but slow is off in it"),
        ("slow]", "hasty]", "ablation.factors[2]", "arm without hasty: low 0.5 is above high 0.2"),
    ],
)  # fmt: skip
def test_mistakes(old: str, new: str, where: str, words: str, refuse) -> None:
    assert old in STUDY
    [problem] = [p for p in refuse(STUDY.replace(old, new)) if "needs tasks" not in p.what]
    assert problem.where == where
    assert words in str(problem)


def test_nothing_says_what_switches_it_on(refuse) -> None:
    text = STUDY.replace("leave_one_out", "one_factor").replace("[odd_even]}", "[odd_even], steps: 1, lr: 0.01}")
    [problem] = refuse(text)
    assert problem.where == "ablation.factors[2]"
    assert "slow is off in the baseline (lr: 0.01, steps: 1), and its setting when on is unknown" in problem.what


def test_components_that_share_a_setting_are_not_combined(refuse, load) -> None:
    own = "  components: {short: {off: {steps: 1}, on: {steps: 2}}}\n  seeds:"
    text = STUDY.replace("  seeds:", own).replace("[mixing, random_start, slow]", "[slow, short]")
    assert list(arms_of(load(text)[0])) == ["baseline", "without slow", "without short"]
    [problem] = refuse(text.replace("leave_one_out", "factorial"))
    assert "slow and short both set steps, so their combinations are meaningless" in problem.what
