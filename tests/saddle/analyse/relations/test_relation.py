"""What a relation ends in: planted relations, too little to claim anything, units that can't take part."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.relations.fitted_slope import DIMENSION
from saddle.analyse.relations.relation import RelationAnswer, answer_relation
from saddle.analyse.relations.tried_predictors import strongest
from saddle.analyse.relations.unit import OUTSIDE_FAMILIES, Unit
from saddle.analyse.relations.word import Word

NOISE = (-0.1, 0.02, 0.08)
"""Of three seeds, with a mean of 0."""


def unit(x: float, y: float, family: str = OUTSIDE_FAMILIES, noise: Sequence[float] = NOISE, **more: float) -> Unit:
    return Unit(f"{family} x={x:g}", family, {"x": x, **more}, tuple(y + value for value in noise))


def line(xs: Sequence[float], slope: float = 1.0, level: float = 0.0, family: str = OUTSIDE_FAMILIES) -> list[Unit]:
    """Units about a line, off it by 0.1 up and down."""
    return [unit(x, level + slope * x + 0.1 * (-1) ** place, family) for place, x in enumerate(xs)]


def dropped(answer: RelationAnswer) -> dict[str, str]:
    return {unit.name: unit.why for unit in answer.dropped}


def test_a_planted_relation_rises_or_falls_with_its_interval() -> None:
    for slope, word in ((1.0, Word.RISES), (-1.0, Word.FALLS)):
        answer = answer_relation(line(range(8), slope), "x")
        assert answer.word is word
        assert answer.why == ""
        assert answer.slope == pytest.approx(slope, abs=0.05)
        assert answer.low is not None
        assert answer.high is not None
        assert answer.low < slope < answer.high
        assert answer.sign_holds
        assert answer.rests_on == ()
        assert (answer.k, answer.pilot, answer.within_families) == (8, False, False)
        assert answer.fitted
        assert answer.fitted.spearman
        assert answer.fitted.spearman.r == pytest.approx(slope)
    assert answer_relation(line(range(7)), "x").pilot


def test_one_training_under_two_names_is_pointed_out() -> None:
    units = [*line(range(5), family="a"), *line(range(10, 15), family="b")]
    assert not [said for said in answer_relation(units, "x").cautions if "one training" in said]
    units[5] = replace(units[5], gains=units[0].gains)
    [said] = [said for said in answer_relation(units, "x").cautions if "one training" in said]
    assert said.startswith("a x=0 (a) and b x=10 (b) have the same gain with every seed")
    zeros = [replace(each, gains=(0.0, 0.0, 0.0)) if each in units[:2] else each for each in line(range(5), family="a")]
    assert not [said for said in answer_relation(zeros, "x").cautions if "one training" in said]


def test_a_units_estimate_is_its_mean_with_the_shrunk_variance_of_seeds() -> None:
    units = [*line(range(5)), unit(5.0, 5.0, noise=(-1.0, 1.0))]
    answer = answer_relation(units, "x")
    pooled = (5 * 2 * np.var(NOISE, ddof=1) + 1 * 2.0) / 11
    wide = answer.units[-1]
    s2 = (1 * 2.0 + 4 * pooled) / 5 / 2
    assert (wide.y, wide.s2, wide.seeds) == pytest.approx((5.0, s2, 2))
    assert wide.high == pytest.approx(5.0 + stats.t.ppf(0.975, 5) * math.sqrt(s2))
    assert wide.weight < answer.units[0].weight
    assert sum(each.weight for each in answer.units) == pytest.approx(1.0)


def test_no_relation_is_shown_where_the_interval_has_zero() -> None:
    ys = [0.0, 1.0, -1.0, 1.0, -1.0, 0.0]
    answer = answer_relation([unit(x, y) for x, y in enumerate(ys)], "x")
    assert answer.word is Word.NO_RELATION
    assert answer.why == "the interval of the slope contains 0"


def test_a_single_unit_that_makes_the_sign_is_no_relation() -> None:
    units = [unit(x / 10, -x / 10, noise=(0.0, 0.1)) for x in range(6)] + [unit(30.0, 30.0)]
    answer = answer_relation(units, "x")
    assert answer.p is not None
    assert answer.p < 0.001
    assert answer.word is Word.NO_RELATION
    assert answer.sign_holds is False
    assert answer.why == "the slope does not keep its sign without datasets x=30"


def test_a_predictor_that_varies_by_one_unit_alone_is_no_relation() -> None:
    units = [replace(unit(1.0, 0.0, noise=NOISE), name=f"same {i}") for i in range(5)] + [unit(2.0, 3.0)]
    answer = answer_relation(units, "x")
    assert answer.word is Word.NO_RELATION
    assert answer.fitted
    assert answer.fitted.without_each[-1].slope is None


def test_units_that_p_rests_on_are_named() -> None:
    ys = [0.0, 1.0, 0.5, 1.4, 1.2, 3.0]
    answer = answer_relation([unit(x, y) for x, y in enumerate(ys)], "x")
    assert answer.word is Word.RISES
    assert "datasets x=5" in answer.rests_on
    without = answer_relation([unit(x, y) for x, y in enumerate(ys[:-1])], "x")
    assert without.p is not None
    assert without.p > 0.05


def test_the_slope_is_that_within_families_whatever_lies_between_them() -> None:
    levels = {"a": 0.0, "b": -20.0, "c": -40.0}  # between families the gain falls as the predictor rises
    units = [
        each
        for place, (family, level) in enumerate(levels.items())
        for each in line([5 * place + step for step in range(4)], 1.0, level, family)
    ]
    answer = answer_relation(units, "x")
    assert answer.within_families
    assert answer.families == ("a", "b", "c")
    assert answer.word is Word.RISES
    assert answer.slope == pytest.approx(1.0, abs=0.1)
    assert answer.fitted
    assert answer.fitted.freedom == 12 - 3 - 1
    assert answer.fitted.spearman
    assert answer.fitted.spearman.r == pytest.approx(1.0)
    pooled = answer_relation([replace(each, family=OUTSIDE_FAMILIES) for each in units], "x")
    assert pooled.word is Word.FALLS


def test_families_that_leave_too_few_degrees_of_freedom_are_described() -> None:
    units = [*line(range(3), family="a"), *line(range(2), family="b")]
    answer = answer_relation(units, "x")
    assert answer.word is Word.DESCRIBED
    assert answer.why == (
        "5 units in 2 families leave 2 residual degrees of freedom, and a slope within families needs at least 3"
    )
    assert answer.slope is not None
    assert answer_relation([*units, unit(2.0, 2.1, "b")], "x").word is Word.RISES


@pytest.mark.parametrize(
    ("units", "why"),
    [
        ([], "0 units with a gain and a value of x, and a claim needs at least 3"),
        (line([1.0]), "1 unit with a gain and a value of x, and a claim needs at least 3"),
        (line([1.0, 2.0]), "2 units with a gain and a value of x, and a claim needs at least 3"),
        ([replace(each, predictors={"x": 0.1}) for each in line(range(5))], "x does not vary"),
        ([unit(x, 0.0, noise=(0.5, 0.5)) for x in range(5)], "the mean gain does not vary"),
        ([unit(x, float(x), f) for f, x in zip("aabbccdd", [1, 1, 2, 2, 3, 3, 4, 4.0], strict=True)], ""),
    ],
    ids=["none", "one", "two", "constant predictor", "constant gain", "constant within families"],
)
def test_too_little_is_described_only_with_the_reason(units: list[Unit], why: str) -> None:
    distinct = [replace(each, name=str(place)) for place, each in enumerate(units)]
    answer = answer_relation(distinct, "x")
    assert answer.word is Word.DESCRIBED
    assert answer.why == (why or "x does not vary within families")
    assert answer.rests_on == ()
    assert len(answer.units) == len(units)


def test_a_line_without_any_noise_is_a_relation() -> None:
    answer = answer_relation([unit(x, 2.0 * x, noise=(0.0, 0.0)) for x in range(5)], "x")
    assert answer.word is Word.RISES
    assert answer.slope == pytest.approx(2.0)
    assert answer.tau == pytest.approx(0.0, abs=1e-5)


def test_units_that_cannot_take_part_are_listed_with_the_reason() -> None:
    units = [
        *line(range(6)),
        Unit("unknown", OUTSIDE_FAMILIES, {"z": 1.0}, (1.0, 2.0)),
        Unit("infinite", OUTSIDE_FAMILIES, {"x": math.inf}, (1.0, 2.0)),
        Unit("not a number", OUTSIDE_FAMILIES, {"x": math.nan}, (1.0, 2.0)),
        Unit("failing", OUTSIDE_FAMILIES, {"x": 9.0}, (), failed=5),
        Unit("mostly failing", OUTSIDE_FAMILIES, {"x": 9.0}, (7.0, 7.0), failed=3),
        Unit("off the scale", OUTSIDE_FAMILIES, {"x": 9.0}, (7.0, math.inf)),
        Unit("to come", OUTSIDE_FAMILIES, {"x": 9.0}, ()),
    ]
    answer = answer_relation(units, "x")
    assert dropped(answer) == {
        "unknown": "its x is not known",
        "infinite": "its x is inf",
        "not a number": "its x is nan",
        "failing": "all 5 seeds failed",
        "mostly failing": "3 of 5 seeds failed",
        "off the scale": "1 of 2 gains have no value on this scale",
        "to come": "nothing is measured yet",
    }
    assert answer.k == 6
    assert answer.slope == answer_relation(units[:6], "x").slope


def test_a_unit_alone_in_its_family_is_listed_and_changes_nothing() -> None:
    families = [*line(range(4), family="a"), *line(range(4), level=9.0, family="b")]
    answer = answer_relation([*families, unit(3.0, -50.0)], "x")
    assert dropped(answer) == {"datasets x=3": "no other unit of its family (datasets) has a value"}
    assert answer.slope == answer_relation(families, "x").slope


def test_where_all_but_one_family_drop_out_the_rule_of_families_stays() -> None:
    answer = answer_relation([*line(range(4), family="a"), unit(1.0, 5.0, "b")], "x")
    assert answer.word is Word.DESCRIBED
    assert "4 units in 1 family leave 2 residual degrees" in answer.why
    assert answer_relation(line(range(4), family="a"), "x").word is Word.RISES


def test_a_single_seed_has_the_noise_of_the_others() -> None:
    units = [*line(range(7)), Unit("single", OUTSIDE_FAMILIES, {"x": 7.0}, (7.0,), failed=1)]
    answer = answer_relation(units, "x")
    [single] = [each for each in answer.units if each.name == "single"]
    assert single.s2 == pytest.approx(np.var(NOISE, ddof=1))
    assert "One seed at single, whose noise is assumed to equal that of the other units." in answer.cautions
    assert any("Seeds failed and are left out at single (1 of 2)" in caution for caution in answer.cautions)


def test_single_seeds_everywhere_are_a_plain_regression() -> None:
    ys = [0.1, 1.3, 1.8, 3.2, 3.9]
    answer = answer_relation([unit(x, y, noise=(0.0,)) for x, y in enumerate(ys)], "x")
    plain = stats.linregress(range(5), ys)
    assert (answer.slope, answer.p) == pytest.approx((plain.slope, plain.pvalue))
    assert answer.units[0].low is None
    assert any("Every unit has one seed" in caution for caution in answer.cautions)


def test_four_units_cannot_reach_the_level_by_permutations_and_it_is_said() -> None:
    answer = answer_relation(line(range(4)), "x")
    assert answer.word is Word.RISES
    assert answer.permutation_p == pytest.approx(2 / 24)
    assert any("4 units the permutation test has 24 orders and can't go below p = 0.083" in c for c in answer.cautions)
    assert not any("permutation" in caution for caution in answer_relation(line(range(5)), "x").cautions)


def test_the_strongest_of_many_predictors_is_worth_less_than_the_declared_one() -> None:
    generator = np.random.default_rng(4)
    also = [f"z{place}" for place in range(10)]
    units = [
        replace(each, predictors={**each.predictors, **{name: float(generator.standard_normal()) for name in also}})
        for each in [unit(x, y) for x, y in enumerate([0.0, 1.0, 0.5, 1.4, 1.2, 3.0])]
    ]
    answer = answer_relation(units, "x", [*also, "x", "absent"])
    assert [tried.name for tried in answer.tried] == ["x", *also, "absent"]
    best = strongest(answer.tried)
    assert best
    assert best.p is not None
    assert answer.max_r_p is not None
    assert answer.max_r_p > 3 * best.p
    assert answer.tried[-1].r is None
    assert any("No correlation with absent" in caution for caution in answer.cautions)


def test_log_dimension_is_held_from_twelve_units_on() -> None:
    generator = np.random.default_rng(5)

    def sized(k: int) -> list[Unit]:
        """The gain depends on the dimension alone, and so does the predictor, but for noise."""
        logs = generator.uniform(4, 10, k)
        noise = 0.3 * generator.standard_normal((k, 2))
        return [
            unit(float(log + a), float(log + b), **{DIMENSION: math.exp(log)})
            for log, (a, b) in zip(logs, noise, strict=True)
        ]

    eleven, twelve = (answer_relation(sized(k), "x") for k in (11, 12))
    assert eleven.fitted
    assert eleven.fitted.partial is None
    assert twelve.word is Word.RISES
    assert twelve.fitted
    assert twelve.fitted.partial
    assert twelve.fitted.partial.p > 0.05


@pytest.mark.parametrize("families", [1, 2])
def test_the_order_of_units_does_not_matter(families: int) -> None:
    generator = np.random.default_rng(6)
    units = [
        unit(float(x), float(y), f"f{place % families}", z=float(z))
        for place, (x, y, z) in enumerate(generator.standard_normal((10, 3)))
    ]
    expected = answer_relation(units, "x", ["z"])
    for seed in range(3):
        assert answer_relation(random.Random(seed).sample(units, len(units)), "x", ["z"]) == expected


def test_a_further_units_true_gain_lies_in_the_prediction_interval_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    inside, studies = 0, 300
    for _ in range(studies):
        xs = generator.standard_normal(5)
        gains = xs[:, None] + generator.standard_normal((5, 1)) + 0.3 * generator.standard_normal((5, 4))
        units = [unit(float(x), 0.0, noise=tuple(row)) for x, row in zip(xs, gains, strict=True)]
        answer = answer_relation(units, "x")
        assert answer.fitted
        x = float(generator.standard_normal())
        point = answer.fitted.lines[0].at(x)
        inside += point.predicted_low <= x + generator.standard_normal() <= point.predicted_high
        assert point.predicted_low <= point.low <= point.y <= point.high <= point.predicted_high
    assert inside / studies == pytest.approx(0.95, abs=4 * math.sqrt(0.05 * 0.95 / studies))


def test_a_line_is_drawn_for_each_family_through_its_own_level() -> None:
    answer = answer_relation([*line(range(4), family="a"), *line(range(4), level=9.0, family="b")], "x")
    assert answer.fitted
    a, b = answer.fitted.lines
    assert (a.family, b.family) == ("a", "b")
    assert b.at(2.0).y - a.at(2.0).y == pytest.approx(9.0)
    assert (a.least_x, a.largest_x) == (0.0, 3.0)
    assert a.at(3.0).high - a.at(3.0).low > a.centre.high - a.centre.low


def test_slopes_that_differ_between_families_are_a_caution() -> None:
    alike = [*line(range(5), 1.0, family="a"), *line(range(5), 1.0, family="b")]
    assert not any("Slopes differ" in caution for caution in answer_relation(alike, "x").cautions)
    answer = answer_relation([*line(range(5), 2.0, family="a"), *line(range(5), 0.5, family="b")], "x")
    assert answer.word is Word.RISES
    assert answer.fitted
    assert [each.own_slope for each in answer.fitted.lines] == pytest.approx([2.0, 0.5], abs=0.05)
    assert any("Slopes differ between families (F test, p < 0.001: a 2 and b 0.5)" in c for c in answer.cautions)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0])
def test_a_level_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        answer_relation(line(range(5)), "x", alpha=alpha)


def test_units_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two units are called datasets x=1"):
        answer_relation([unit(1.0, 0.0), unit(1.0, 1.0), unit(2.0, 3.0)], "x")


def test_a_later_look_is_judged_by_a_share_of_the_level() -> None:
    units = [unit(x, y) for x, y in enumerate([0.0, 1.0, 0.5, 1.4, 1.2, 3.0])]
    first, second = (answer_relation(units, "x", looks=looks) for looks in (1, 2))
    assert (first.word, second.word) == (Word.RISES, Word.NO_RELATION)
    assert second.alpha == 0.025
    assert any("look 2 is judged at α = 0.025" in caution for caution in second.cautions)
    with pytest.raises(ValueError, match="look 0"):
        answer_relation(units, "x", looks=0)


def test_a_stricter_level_claims_less() -> None:
    units = [unit(x, y) for x, y in enumerate([0.0, 1.0, 0.5, 1.4, 1.2, 3.0])]
    assert answer_relation(units, "x", alpha=0.05).word is Word.RISES
    assert answer_relation(units, "x", alpha=0.001).word is Word.NO_RELATION
