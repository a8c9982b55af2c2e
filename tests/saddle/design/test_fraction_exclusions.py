"""Fractions that arms are excluded from: least squares, what can't be distinguished any more, and what is refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from saddle.design import Arm, make_arms
from saddle.design.contrasts import Contrast
from saddle.design.description import describe_design, sentences
from saddle.design.fraction_contrasts import fraction_contrasts
from saddle.errors import DesignError, ExclusionError
from saddle.study.models import Ablation


def ablation_of(count: int, resolution: int, exclude: list[dict[str, Any]]) -> Ablation:
    factors = {name: [0, 1] for name in "abcdefg"[:count]}
    design = {"fractional": {"resolution": resolution}}
    return Ablation.model_validate({"factors": factors, "design": design, "exclude": exclude})


def made(count: int, resolution: int, exclude: list[dict[str, Any]]) -> tuple[Ablation, list[Arm]]:
    ablation = ablation_of(count, resolution, exclude)
    return ablation, make_arms(ablation, dict.fromkeys(ablation.factors, 0))


def seen(contrast: Contrast, values: list[float]) -> float:
    return sum(weight * values[place] for place, weight in contrast.weights.items())


def test_what_a_fraction_has_not_may_be_excluded() -> None:
    ablation, arms = made(4, 4, [{"a": 1, "b": 1, "c": 1, "d": 0}])
    _, whole = made(4, 4, [])
    assert [arm.levels for arm in arms] == [arm.levels for arm in whole]
    assert fraction_contrasts(ablation.factors, arms) == fraction_contrasts(ablation.factors, whole)
    facts = describe_design(ablation, arms)
    assert facts.contrasts.correlation is None
    assert sentences(facts)[0].startswith("8 of 16 combinations, a fraction of resolution IV: main effects are clear")


SIZES = [(3, 3), (4, 4), (5, 3), (5, 5), (6, 4), (6, 5), (7, 4)]


@st.composite
def designs(draw: st.DrawFn) -> tuple[Ablation, list[Arm]]:
    """A fraction with one to three exclusions, of those that aren't refused."""
    count, resolution = draw(st.sampled_from(SIZES))
    names = "abcdefg"[:count]
    entries = []
    for _ in range(draw(st.integers(1, 3))):
        chosen = draw(st.lists(st.sampled_from(names), min_size=2, max_size=4, unique=True))
        levels = draw(st.lists(st.integers(0, 1), min_size=len(chosen), max_size=len(chosen)).filter(any))
        entries.append(dict(zip(chosen, levels, strict=True)))
    try:
        return made(count, resolution, entries)
    except ExclusionError:
        return made(count, resolution, entries[:0])


@given(designs(), st.integers(0, 2**32 - 1))
def test_an_effect_is_seen_with_its_aliases_and_shares_and_nothing_else(design: Any, seed: int) -> None:
    """Whatever main effects and interactions of two factors are true, the name and the shares account for all of it."""
    ablation, arms = design
    draw = np.random.default_rng(seed)
    names = list(ablation.factors)
    half = {(name,): draw.normal() for name in names}
    half |= {pair: draw.normal() for pair in itertools.combinations(names, 2)}

    def mean(arm: Arm) -> float:
        return 7 + sum(size * np.prod([2 * arm.levels[name] - 1 for name in term]) for term, size in half.items())

    def interaction(text: str) -> float:
        """`a × b (= −c × d)`: the sum, in the unit of a difference of differences."""
        first, _, rest = text.removesuffix(")").partition(" (= ")
        total = 0.0
        for one in [first, *(rest.split(" = ") if rest else [])]:
            sign = -1 if one.startswith("−") else 1
            total += sign * 4 * half[tuple(one.lstrip("−").split(" × "))]
        return total

    values = [mean(arm) for arm in arms]
    found = fraction_contrasts(ablation.factors, arms)
    for contrast in found.effects:
        term = tuple(part.partition("=")[0] for part in contrast.term.split(" × "))
        unit = 2 if len(term) == 1 else 4
        aliases = sum(interaction(alias) for alias in contrast.aliases)
        wanted = unit * half[term] + aliases * unit / 4
        wanted += sum(share * interaction(name) for name, share in contrast.shares)
        assert seen(contrast, values) == pytest.approx(wanted, abs=1e-8), contrast.name
    mains = [contrast for contrast in found.effects if contrast.kind == "main effect"]
    assert [contrast.term for contrast in mains] == [f"{name}=1" for name in names]
    weights = [np.array([c.weights.get(place, 0.0) for place in range(len(arms))]) for c in found.effects]
    for one, other in itertools.combinations(weights, 2):
        cosine = abs(one @ other) / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine < 1 - 1e-6, "the same estimate would be told twice"


def test_effects_that_the_arms_tell_apart_are_those_of_ordinary_least_squares() -> None:
    """Two of 16 arms excluded from six factors leave all 14 columns independent, and OLS is statsmodels'."""
    ablation, arms = made(6, 4, [{"a": 1, "b": 1, "c": 1}])
    assert len(arms) == 14
    found = fraction_contrasts(ablation.factors, arms)
    assert not any(contrast.shares for contrast in found.effects)
    assert found.adjusted
    assert len(found.effects) == 13
    signs = {name: np.array([2 * arm.levels[name] - 1 for arm in arms]) for name in ablation.factors}
    columns = [np.prod([signs[part[0]] for part in c.term.split(" × ")], axis=0) for c in found.effects]
    values = np.random.default_rng(3).normal(size=len(arms))
    fitted = OLS(values, np.column_stack([np.ones(len(arms)), *columns])).fit().params[1:]
    for contrast, parameter in zip(found.effects, fitted, strict=True):
        unit = 2 if contrast.kind == "main effect" else 4
        assert seen(contrast, list(values)) == pytest.approx(unit * parameter), contrast.name


def test_main_effects_are_those_of_least_squares_where_no_interaction_is_clear() -> None:
    _, arms = made(4, 4, [dict.fromkeys("abcd", 1)])
    found = fraction_contrasts({name: [0, 1] for name in "abcd"}, arms).effects
    signs = [[2 * arm.levels[name] - 1 for name in "abcd"] for arm in arms]
    values = np.random.default_rng(4).normal(size=7)
    fitted = OLS(values, np.column_stack([np.ones(7), signs])).fit().params[1:]
    assert [seen(contrast, list(values)) for contrast in found[:4]] == pytest.approx(list(2 * fitted))
    assert found[0].name == "a=1 (with shares of 3 others)"
    assert found[0].shares_text.startswith("−0.17 of a × b (= c × d), ")
    assert found[4].name == "a=1 × b=1 (= c × d, with shares of 2 others)"


def test_a_pair_that_is_ruled_out_leaves_the_effects_under_the_baseline() -> None:
    """Without a=1 and b=1 together, a's effect is that where b is as in the baseline: half the interaction less."""
    ablation, arms = made(5, 5, [{"a": 1, "b": 1}])
    found = {contrast.term: contrast for contrast in fraction_contrasts(ablation.factors, arms).effects}
    assert found["a=1"].shares == (("a × b", pytest.approx(-0.5)),)
    y = [3 * arm.levels["a"] + 8 * arm.levels["a"] * arm.levels["b"] + 2 * arm.levels["c"] for arm in arms]
    assert seen(found["a=1"], y) == pytest.approx(3)
    assert seen(found["c=1"], y) == pytest.approx(2)
    facts = describe_design(ablation, arms)
    assert facts.contrasts.left_out == ("a=1 × b=1",)
    assert facts.contrasts.correlation is not None
    assert facts.contrasts.correlation[2] == pytest.approx(-0.5) or facts.contrasts.correlation[2] == pytest.approx(0.5)
    said = "\n".join(sentences(facts))
    for part in (
        "16 of 32 combinations, a fraction of resolution V, of which exclude leaves 12",
        "their columns correlate by up to 0.5",
        "a=1 holds −0.5 of a × b",
        "estimated: 5 main effects and 9 interactions of two factors",
        "not estimated, as the remaining arms can't distinguish them from others: a=1 × b=1",
    ):
        assert part in said, part


FACTORIAL = (
    "exclude leaves 3 arms of this fraction, in which the main effect of a can't be distinguished from those of b and"
    " c; exclude less, or use design: factorial, whose 6 arms distinguish them"
)
LARGER = (
    "b can't be distinguished from those of c and e; exclude less, or use design: {fractional: {resolution: 4}},"
    " whose 12"
)
NEVER = "exclude leaves no arm with b=1, so its effect can't be estimated; exclude less, or take b out of factors"


@pytest.mark.parametrize(
    ("size", "exclude", "message"),
    [
        ((3, 3), {"a": 1, "b": 1}, FACTORIAL),
        ((5, 3), {"a": [0, 1], "b": 1, "c": 0}, LARGER),
        ((5, 3), {"b": 1, "a": [0, 1]}, NEVER),
        ((4, 4), dict.fromkeys("abcd", 0), "exclude rules out the baseline"),
    ],
)
def test_what_loses_a_main_effect_is_refused(size: tuple[int, int], exclude: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError) as caught:
        made(*size, [exclude])
    assert message in str(caught.value)


def test_what_is_proposed_instead_is_not_refused() -> None:
    _, arms = made(5, 4, [{"a": [0, 1], "b": 1, "c": 0}])
    assert len(arms) == 12
    factors = {name: [0, 1] for name in "abc"}
    factorial = {"factors": factors, "design": "factorial", "exclude": [{"a": 1, "b": 1}]}
    assert len(make_arms(Ablation.model_validate(factorial), dict.fromkeys(factors, 0))) == 6
