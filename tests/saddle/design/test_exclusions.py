"""Combinations that no arm may have are left out of every design, and what no arms are left for is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from saddle.design import Arm, make_arms
from saddle.design.designs.factorial import Factorial
from saddle.errors import DesignError
from saddle.study.models import Ablation

FACTORS = {"a": [0, 1], "b": ["x", "y", "z"], "c": [False, True]}
BASELINE = {"a": 0, "b": "x", "c": False}


def arms_of(exclude: list[dict[str, Any]], design: str = "factorial", factors: Any = None) -> list[Arm]:
    ablation = {"factors": factors or FACTORS, "design": design, "exclude": exclude}
    return make_arms(Ablation.model_validate(ablation), BASELINE)


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ([], 12),
        ([{"a": 1, "b": "y"}], 10),
        ([{"a": 1, "b": ["y", "z"]}], 8),
        ([{"a": 1, "b": "y"}, {"b": "y", "c": True}], 9),
        ([{"b": "z"}], 8),
        ([{"a": [0, 1], "b": "z", "c": True}], 10),
    ],
)
def test_arms_that_match_are_left_out(exclude: list[dict[str, Any]], left: int) -> None:
    arms = arms_of(exclude)
    assert len(arms) == left
    for arm in arms:
        for entry in exclude:
            assert not all(
                arm.levels[name] in (level if isinstance(level, list) else [level]) for name, level in entry.items()
            )


def test_other_designs_leave_them_out_too() -> None:
    assert [arm.name for arm in arms_of([{"b": "z"}], "one_factor")] == ["baseline", "a=1", "b=y", "c=true"]
    switches = {"a": [0, 1], "c": [True, False]}
    ablation = Ablation.model_validate({"factors": switches, "design": "leave_one_out", "exclude": [{"c": False}]})
    assert [arm.name for arm in make_arms(ablation, {"a": 1, "c": True})] == ["baseline", "without a"]


def test_a_level_that_is_a_list_is_one_level() -> None:
    factors = {**FACTORS, "tasks": [["p", "q"], ["p"], []]}
    ablation = {"factors": factors, "exclude": [{"tasks": ["p"]}]}
    arms = make_arms(Ablation.model_validate(ablation), {**BASELINE, "tasks": []})
    assert [arm.name for arm in arms] == ["baseline", "a=1", "b=y", "b=z", "c=true", "tasks=[p, q]"]
    ablation["exclude"] = [{"tasks": [["p"], ["p", "q"]]}]
    assert len(make_arms(Ablation.model_validate(ablation), {**BASELINE, "tasks": []})) == 5


def test_a_list_that_is_a_level_and_a_list_of_levels_is_refused() -> None:
    factors = {"tasks": [["p", "q"], "p", "q", "r"]}
    with pytest.raises(DesignError, match=r"tasks: \[p, q\], which is one of its levels, and a list of its levels"):
        arms_of([{"tasks": ["p", "q"]}], "one_factor", factors)
    left = [arm.level for arm in arms_of([{"tasks": ["q", "r"]}], "one_factor", factors)]
    assert left == [["p", "q"], "p"]
    factors["tasks"].reverse()
    assert [arm.level for arm in arms_of([{"tasks": [["p", "q"]]}], "one_factor", factors)] == ["r", "q", "p"]


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        ({"a": 0, "b": "x"}, "exclude rules out the baseline: {a: 0, b: x}"),
        ({"aa": 0}, "exclude names aa, which is not a factor; did you mean a?"),
        ({"b": "xx"}, "exclude names b: xx, which is not one of its levels (x, y, z); did you mean x?"),
        ({"b": ["y", "z"]}, None),
        ({"c": 1}, "exclude names c: 1, which is not one of its levels (false, true)"),
        ({"a": "0"}, 'exclude names a: "0", which is not one of its levels (0, 1'),
    ],
)
def test_mistakes(exclude: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert len(arms_of([exclude])) == 4
        return
    with pytest.raises(DesignError) as caught:
        arms_of([exclude])
    assert message in str(caught.value)


def test_contrasts_are_averaged_over_whole_strata_only() -> None:
    arms = arms_of([{"a": 1, "b": "y", "c": True}])
    found = {contrast.name: contrast for contrast in Factorial().contrasts(FACTORS, arms).effects}
    by_name = [arm.name for arm in arms]
    a = found["a=1"]
    assert len(a.high.weights) == len(a.low.weights) == 5
    assert by_name.index("a=0, b=y, c=true") not in a.low.weights, "its partner is excluded"
    assert a.note.startswith("averaged over 5 of 6 combinations of the other factors")
    assert found["b=z"].note == ""
    assert sorted(found["a=1 × b=y"].high.weights.values()) == [-1, 1]
    assert found["a=1 × b=y"].note.startswith("averaged over 1 of 2 ")


def test_effects_without_arms_are_named() -> None:
    arms = arms_of([{"a": 1, "b": "y"}, {"c": True, "b": ["y", "z"]}])
    designed = Factorial().contrasts(FACTORS, arms)
    assert designed.left_out == ("a=1 × b=y", "b=y × c=true", "b=z × c=true")
    assert [contrast.name for contrast in designed.effects] == [
        "a=1",
        "b=y",
        "b=z",
        "c=true",
        "a=1 × b=z",
        "a=1 × c=true",
    ]


def test_what_is_left_shows_the_effects_truly() -> None:
    """Without interactions every contrast is the difference that was put in, whatever is excluded."""
    arms = arms_of([{"a": 1, "b": "y"}, {"c": True, "b": "z"}])
    y = [3 * arm.levels["a"] + {"x": 0, "y": 5, "z": 7}[arm.levels["b"]] + 2 * arm.levels["c"] for arm in arms]
    for contrast in Factorial().contrasts(FACTORS, arms).effects:
        seen = sum(weight * y[place] for place, weight in contrast.weights.items())
        assert seen == pytest.approx({"a=1": 3, "b=y": 5, "b=z": 7, "c=true": 2}.get(contrast.name, 0)), contrast.name


def test_interactions_do_not_get_into_main_effects_of_what_is_left() -> None:
    """A main effect stays the mean of what its level does where both sides are left, whatever depends on what.

    Least squares without the interactions would mix them in, as the cells that are left weigh unequally.
    """
    arms = arms_of([{"a": 1, "b": "y"}, {"c": True, "b": "z"}])
    draw = np.random.default_rng(6)
    y = {tuple(arm.levels.values()): float(draw.normal()) for arm in arms}
    values = [y[tuple(arm.levels.values())] for arm in arms]
    found = {contrast.name: contrast for contrast in Factorial().contrasts(FACTORS, arms).effects}
    does = [y[1, b, c] - y[0, b, c] for b in "xz" for c in (False, True) if (1, b, c) in y and (0, b, c) in y]
    assert len(does) == 3
    seen = sum(weight * values[place] for place, weight in found["a=1"].weights.items())
    assert seen == pytest.approx(np.mean(does))
    together = [y[1, b, True] - y[0, b, True] - y[1, b, False] + y[0, b, False] for b in "x"]
    seen = sum(weight * values[place] for place, weight in found["a=1 × c=true"].weights.items())
    assert seen == pytest.approx(np.mean(together))
