"""Fractions of two-level designs: their size, resolution, aliases, and the baseline among their arms."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from pydoe import fracfact_aliasing

from saddle.design import Arm, make_arms
from saddle.design.fraction_contrasts import fraction_contrasts
from saddle.design.fractions import fraction, resolution_of
from saddle.errors import DesignError
from saddle.study.models import Ablation

NAMES = "abcdefghijklmnopqrst"

CATALOGUE = [
    (3, 3, 4, 3), (4, 3, 8, 4), (5, 3, 8, 3), (6, 3, 8, 3), (7, 3, 8, 3), (9, 3, 16, 3), (15, 3, 16, 3),
    (4, 4, 8, 4), (5, 4, 16, 5), (6, 4, 16, 4), (7, 4, 16, 4), (8, 4, 16, 4), (5, 5, 16, 5), (6, 5, 32, 6),
    (8, 5, 64, 5), (7, 6, 64, 7),
]  # fmt: skip
"""Factors, resolution asked for, arms, resolution reached: Montgomery (2012), table 8.14."""


def fractional(count: int, resolution: int, moved: str = "") -> tuple[dict[str, list[Any]], list[Arm]]:
    """The arms of factors a, b, … with the levels 0 and 1; those in `moved` are 1 in the baseline."""
    factors = {name: [0, 1] for name in NAMES[:count]}
    ablation = Ablation.model_validate({"factors": factors, "design": {"fractional": {"resolution": resolution}}})
    return factors, make_arms(ablation, {name: int(name in moved) for name in factors})


@pytest.mark.parametrize(("count", "wanted", "arms", "reached"), CATALOGUE)
def test_fractions_are_those_of_the_catalogue(count: int, wanted: int, arms: int, reached: int) -> None:
    found = fraction(count, wanted)
    assert (len(found), resolution_of(found)) == (arms, reached)
    assert len(set(found)) == arms
    assert not any(found[0])
    signs = np.where(np.array(found), 1, -1)
    assert (signs.sum(axis=0) == 0).all(), "every level is there equally often"
    assert ((signs.T @ signs) == arms * np.eye(count)).all(), "and in every combination of two factors"


def test_the_fraction_of_nine_factors_has_the_least_aliasing() -> None:
    """Four words of length three (Montgomery's 2^(9-5) of resolution III); the first fraction found has more."""
    columns = np.where(np.array(fraction(9, 3)), 1, -1).T
    words = sum(abs((a * b * c).sum()) == 16 for a, b, c in itertools.combinations(columns, 3))
    assert words == 4


@pytest.mark.parametrize("moved", ["", "a", "abcde", "bd"])
def test_the_baseline_is_the_first_arm_wherever_it_stands(moved: str) -> None:
    factors, arms = fractional(5, 3, moved)
    assert arms[0].is_baseline
    assert arms[0].levels == {name: int(name in moved) for name in factors}
    assert sum(arm.is_baseline for arm in arms) == 1
    assert [arm.settings for arm in arms] == [arm.levels for arm in arms]


@pytest.mark.parametrize(
    ("count", "resolution", "message"),
    [
        (2, 3, "2 factors have no fraction of resolution 3: it would be all 4 combinations; use design: factorial"),
        (4, 5, "4 factors have no fraction of resolution 5: it would be all 16 combinations; possible: 4 in 8 arms"),
        (6, 7, "possible: 3 in 8 arms, 4 in 16 arms, 6 in 32 arms; or use design: factorial"),
        (16, 7, "16 factors take 2048 arms at resolution 7, more than 1024; possible: 4 in 32 arms, 5 in 256 arms"),
        (21, 3, "21 factors are too many for a fractional design; at most 20"),
    ],
)
def test_what_is_impossible_names_what_is_possible(count: int, resolution: int, message: str) -> None:
    with pytest.raises(DesignError) as caught:
        fraction(count, resolution)
    assert message in str(caught.value)


@pytest.mark.parametrize(("count", "resolution"), [(3, 3), (5, 3), (6, 4), (7, 3), (8, 4), (6, 5)])
def test_aliases_are_those_that_pydoe_finds(count: int, resolution: int) -> None:
    """pyDOE tells no signs, so it is given the fraction before its signs were flipped, as far as that matters to it."""
    factors, arms = fractional(count, resolution)
    signs = np.array([[1 if arm.levels[name] else -1 for name in factors] for arm in arms])
    mapped, _ = fracfact_aliasing(signs * signs[-1])  # with a row of +1 all words are positive
    low_order = [[term for term in chain.split(" = ") if len(term) <= 2] for chain in mapped]
    wanted = {frozenset(chain) for chain in low_order if chain}
    found = {
        frozenset(
            one.replace(" × ", "").replace("−", "").replace("=1", "") for one in (contrast.term, *contrast.aliases)
        )
        for contrast in fraction_contrasts(factors, arms).effects
    }
    assert found == wanted


def test_signs_of_aliases_are_right() -> None:
    """y = c alone is seen in a × b with the sign that its alias has."""
    factors, arms = fractional(3, 3)
    for contrast in fraction_contrasts(factors, arms).effects:
        [alias] = contrast.aliases
        one, other = alias.lstrip("−").split(" × ")
        product = [(2 * arm.levels[one] - 1) * (2 * arm.levels[other] - 1) for arm in arms]
        seen = sum(weight * product[place] for place, weight in contrast.weights.items())
        assert (seen < 0) is alias.startswith("−")
        assert abs(seen) == 2


def test_main_effects_are_clear_at_resolution_four() -> None:
    found = fraction_contrasts(*fractional(6, 4)).effects
    assert [contrast.name for contrast in found[:6]] == [f"{name}=1" for name in "abcdef"]
    assert {contrast.kind for contrast in found[6:]} == {"interaction"}
    assert len(found) == 6 + 7
    assert sum(1 + len(contrast.aliases) for contrast in found[6:]) == 15


def test_main_effects_name_their_interactions_at_resolution_three() -> None:
    found = fraction_contrasts(*fractional(3, 3)).effects
    assert [contrast.name for contrast in found] == ["a=1 (= −b × c)", "b=1 (= −a × c)", "c=1 (= −a × b)"]


def test_weights_estimate_effects() -> None:
    """y = 3a + 5 a·b at resolution V: the main effects are averages over the other factor."""
    factors, arms = fractional(5, 5)
    y = [3 * arm.levels["a"] + 5 * arm.levels["a"] * arm.levels["b"] for arm in arms]
    seen = {
        contrast.name: sum(weight * y[place] for place, weight in contrast.weights.items())
        for contrast in fraction_contrasts(factors, arms).effects
    }
    wanted = {**dict.fromkeys(seen, 0), "a=1": 5.5, "b=1": 2.5, "a=1 × b=1": 5}
    assert seen == pytest.approx(wanted)
