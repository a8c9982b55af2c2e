"""Designs make the arms a reader of the study file expects, and refuse what can't be compared."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.design import Arm, labels, make_arms, replicates
from saddle.errors import DesignError
from saddle.study.models import Ablation
from saddle.study.values import canonical, readable, same


def arms_of(factors: dict[str, list[Any]], baseline: dict[str, Any], design: str = "one_factor") -> list[Arm]:
    return make_arms(Ablation.model_validate({"factors": factors, "design": design}), baseline)


def test_one_factor_has_the_baseline_first_and_an_arm_per_other_level() -> None:
    arms = arms_of({"perturbation": ["sta", "mta", "mp"]}, {"perturbation": "sta", "lr": 0.1})
    assert [arm.name for arm in arms] == ["perturbation=sta", "perturbation=mta", "perturbation=mp"]
    assert labels(arms) == ["sta", "mta", "mp"]
    assert [arm.is_baseline for arm in arms] == [True, False, False]
    assert arms[2].settings == {"perturbation": "mp", "lr": 0.1}
    assert (arms[2].factor, arms[2].level) == ("perturbation", "mp")


def test_the_baseline_level_need_not_be_listed_or_come_first() -> None:
    assert labels(arms_of({"p": ["b", "c"]}, {"p": "a"})) == ["a", "b", "c"]
    assert labels(arms_of({"p": ["b", "a"]}, {"p": "a"})) == ["a", "b"]


def test_labels_are_names_where_a_bare_level_would_say_too_little() -> None:
    assert labels(arms_of({"k": [1, 2]}, {})) == ["k=1", "k=2"]
    assert labels(arms_of({"a": ["x", "y"], "b": ["x", "y"]}, {})) == ["baseline", "a=y", "b=y"]


def test_a_factor_the_baseline_leaves_open_stands_at_the_studys_setting_or_its_first_level() -> None:
    ablation = Ablation.model_validate({"factors": {"p": ["a", "b"], "q": [1, 2]}})
    arms = make_arms(ablation, {}, settings={"p": "b", "other": 3})
    assert arms[0].settings == {"p": "b", "q": 1}
    assert [arm.name for arm in arms] == ["baseline", "p=a", "q=2"]


def test_leave_one_out_takes_one_component_away_at_a_time() -> None:
    arms = arms_of({"warm_up": [False, True], "tasks": [["odd_even"], []]}, {"lr": 1e-3}, "leave_one_out")
    assert [arm.name for arm in arms] == ["baseline", "without warm up", "without tasks"]
    assert arms[0].settings == {"lr": 1e-3, "warm_up": True, "tasks": ["odd_even"]}
    assert arms[1].settings == {"lr": 1e-3, "warm_up": False, "tasks": ["odd_even"]}
    assert arms[2].settings == {"lr": 1e-3, "warm_up": True, "tasks": []}


def test_factorial_is_the_full_product() -> None:
    arms = arms_of({"a": [0, 1], "b": ["x", "y", "z"]}, {"a": 1, "b": "y"}, "factorial")
    assert len(arms) == 6
    assert (arms[0].name, arms[0].is_baseline) == ("a=1, b=y", True)
    assert sum(arm.is_baseline for arm in arms) == 1
    assert {canonical(arm.settings) for arm in arms} == {canonical({"a": a, "b": b}) for a in (0, 1) for b in "xyz"}


@pytest.mark.parametrize(
    ("design", "factors", "baseline", "message"),
    [
        ("one_factor", {"p": ["a", "b", "a"]}, {}, "p lists a more than once"),
        ("one_factor", {"p": [1, 1.0]}, {}, "more than once"),
        ("one_factor", {"p": ["a"]}, {"p": "a"}, "only the baseline"),
        ("one_factor", {"p": ["a"]}, {}, "add p to baseline"),
        ("one_factor", {"p": []}, {}, "no levels"),
        ("leave_one_out", {"p": ["a", "b", "c"]}, {"p": "a"}, "there are b, c; use design: one_factor"),
        ("leave_one_out", {"p": [False, True]}, {"p": False}, "switch it on"),
        ("factorial", {"p": ["a", "b"]}, {"p": "c"}, "add it"),
        ("factorial", {"p": ["a"], "q": [1, 2]}, {}, "add p to baseline"),
        ("factorial", {"p": ["a"], "q": [1, 2]}, {"p": "a"}, "has only one level"),
        ("factorial", {f"f{i}": [0, 1] for i in range(11)}, {}, "2048 arms"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    design: str, factors: dict[str, list[Any]], baseline: dict[str, Any], message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        arms_of(factors, baseline, design)


def test_true_and_one_are_two_levels_but_1_and_one_point_zero_are_one() -> None:
    assert labels(arms_of({"p": [True, 1]}, {"p": True})) == ["p=true", "p=1"]
    assert not same(True, 1)
    assert not same("1", 1)
    assert same(1, 1.0)
    assert same((1, 2), [1, 2])
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_replicates_go_seed_by_seed_so_that_an_interrupted_ablation_has_pairs() -> None:
    arms = arms_of({"p": ["a", "b"]}, {})
    assert [(r.arm.level, r.seed) for r in replicates(arms, [3, 1])] == [("a", 3), ("b", 3), ("a", 1), ("b", 1)]
    assert replicates(arms, [3])[0].key == f"{arms[0].key}-s3"
    with pytest.raises(DesignError, match="seed 1 "):
        replicates(arms, [0, 1, 1])


def test_keys_are_golden_and_the_same_in_another_process() -> None:
    """A changed key would orphan every ledger written before."""
    key = arms_of({"perturbation": ["sta", "mp"]}, {"perturbation": "sta", "lr": 0.1})[1].key
    assert key == "perturbation-mp-e9d66d54"
    code = (
        "from saddle.design import Arm;"
        "print(Arm('perturbation=mp', {'lr': 0.1, 'perturbation': 'mp'}).key);"
        "import sys; print(sorted({'ray','mlflow','torch','optuna'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [key, "[]"]


LEVEL = st.one_of(st.booleans(), st.integers(-9, 9), st.text(max_size=8), st.floats(-1, 1), st.lists(st.integers(0, 3)))
# unique as a reader sees them: arms called alike are refused
LEVELS = st.lists(LEVEL, min_size=2, max_size=4, unique_by=(canonical, readable))
FACTORS = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), LEVELS, min_size=1, max_size=4)


@settings(deadline=None)
@given(FACTORS, st.data())
def test_one_factor_arms_differ_from_the_baseline_in_exactly_one_factor(factors: Any, data: st.DataObject) -> None:
    baseline = {name: data.draw(st.sampled_from(levels)) for name, levels in factors.items()}
    arms = arms_of(factors, {**baseline, "kept": 1})
    assert len(arms) == 1 + sum(len(levels) - 1 for levels in factors.values())
    assert arms[0].is_baseline
    assert arms[0].settings == {**baseline, "kept": 1}
    for arm in arms[1:]:
        changed = [name for name in arm.settings if not same(arm.settings[name], arms[0].settings[name])]
        assert changed == [arm.factor]
        assert not arm.is_baseline


@settings(deadline=None)
@given(FACTORS, st.sampled_from(["one_factor", "factorial"]))
def test_keys_are_unique_and_safe_in_any_file_system(factors: Any, design: str) -> None:
    keys = [replicate.key for replicate in replicates(arms_of(factors, {}, design), [0, 7])]
    assert len({key.lower() for key in keys}) == len(keys)
    for key in keys:
        assert len(key) < 80
        assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert not key.startswith((".", "-"))


@settings(deadline=None)
@given(FACTORS)
def test_a_factorial_has_the_product_of_its_levels_and_one_baseline(factors: Any) -> None:
    arms = arms_of(factors, {}, "factorial")
    product = 1
    for levels in factors.values():
        product *= len(levels)
    assert len(arms) == product
    assert [arm.is_baseline for arm in arms].count(True) == 1
    assert arms[0].is_baseline


def test_levels_that_read_alike_are_told_with_their_quotes() -> None:
    ablation = Ablation(factors={"a": [0, "0", 1]})
    with pytest.raises(DesignError, match=r'would both be called a=0: \{a: 0\} and \{a: "0"\}; rename one'):
        make_arms(ablation, {})
