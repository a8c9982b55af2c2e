"""A relation in words: what is said first, and the numbers behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from saddle.analyse.relations.relation import answer_relation
from saddle.analyse.relations.sentence import plain_sentence, sentences, slope_step
from saddle.analyse.relations.unit import OUTSIDE_FAMILIES, Unit
from saddle.analyse.statistics.scales import ScaleName
from trainables.contract import complete_metric

GAIN = "the gain of mp over sta in test robust accuracy"
METRIC = complete_metric("test/robust_accuracy", "maximize")


def line(k: int, slope: float, family: str = OUTSIDE_FAMILIES, noise: float = 0.1) -> list[Unit]:
    signs = noise * (-1.0) ** np.arange(k)
    return [
        Unit(f"{family} {x}", family, {"spread": 10.0 * x, "other": float(x % 3)}, (slope * x + s, slope * x + 2 * s))
        for x, s in zip(range(k), signs.tolist(), strict=True)
    ]


def test_what_rises_within_families_is_said_so() -> None:
    answer = answer_relation([*line(5, 1.0, "resized"), *line(5, 1.0, "contrast")], "spread")
    assert plain_sentence(answer, GAIN) == (
        "The gain of mp over sta in test robust accuracy rises with spread (over 10 units, within 2 families)."
    )
    text = sentences(answer, GAIN, METRIC, "logit")
    assert "By family: contrast +1.000 logits and resized +1.000 logits (F test of equal slopes: p = 1)." in text


def test_what_falls_in_a_pilot_is_said_so() -> None:
    assert plain_sentence(answer_relation(line(5, -1.0), "spread"), GAIN) == (
        "The gain of mp over sta in test robust accuracy falls with spread (over 5 units, a pilot)."
    )


def test_of_many_units_that_a_relation_rests_on_the_number_is_told() -> None:
    answer = replace(answer_relation(line(8, 1.0), "spread"), rests_on=("a", "b", "c"))
    assert plain_sentence(answer, GAIN).endswith("; this rests on a, b and c.")
    answer = replace(answer, rests_on=tuple("abcde"))
    assert plain_sentence(answer, GAIN).endswith(
        "; this rests on each of 5 units: without any one of them the interval contains 0."
    )


def test_nothing_shown_and_nothing_claimed_are_told_apart() -> None:
    assert plain_sentence(answer_relation(line(8, 0.0), "spread"), GAIN) == (
        "No relation shown between the gain of mp over sta in test robust accuracy and spread (over 8 units)."
    )
    assert plain_sentence(answer_relation(line(2, 1.0), "spread"), GAIN) == (
        "The gain of mp over sta in test robust accuracy and spread are described only (over 2 units, a pilot):"
        " 2 units with a gain and a value of spread, and a claim needs at least 3."
    )


def test_a_sign_that_one_unit_makes_is_said_where_the_interval_leaves_out_zero() -> None:
    units = [Unit(f"u{x}", "f", {"spread": x / 10}, (-x / 10, -x / 10 + 0.1)) for x in range(6)]
    answer = answer_relation([*units, Unit("far", "f", {"spread": 30.0}, (30.0, 30.1))], "spread")
    assert plain_sentence(answer, GAIN).endswith(
        "(over 7 units, a pilot): the slope does not keep its sign without far."
    )


@pytest.mark.parametrize(
    ("scale", "slope"),
    [("linear", "Slope +99.7 points for 10 of spread"), ("logit", "Slope +0.997 logits for 10 of spread"),
     ("log", "Slope +171.1 % for 10 of spread")],
)  # fmt: skip
def test_the_slope_is_written_for_a_step_of_the_predictor_on_the_scale_of_the_gain(
    scale: ScaleName, slope: str
) -> None:
    answer = answer_relation(line(8, 1.0, noise=0.02), "spread", ["other"])
    text = sentences(answer, GAIN, METRIC, scale)
    assert slope_step(answer) == 10
    assert slope in text
    assert "95 % Knapp–Hartung interval +" in text
    assert "6 degrees of freedom; permutation p < 0.001)." in text
    assert "Spearman 1.00 (p < 0.001)." in text
    assert "Of 2 predictors tried, spread has the strongest correlation (r = 1.00, p < 0.001 allowing for all)." in text
    assert "True gains scatter about the line with a standard deviation of" in text
    assert "at spread = 35 that of a further unit is expected at" in text


def test_a_predictor_without_spread_has_no_numbers() -> None:
    units = [replace(unit, predictors={"spread": 2.0}) for unit in line(5, 1.0)]
    answer = answer_relation(units, "spread")
    assert sentences(answer, GAIN, METRIC, "logit") == plain_sentence(answer, GAIN)
    assert plain_sentence(answer, GAIN).endswith("(over 5 units, a pilot): spread does not vary.")


def test_two_units_have_a_slope_and_no_interval() -> None:
    text = sentences(answer_relation(line(2, 1.0), "spread"), GAIN, METRIC, "logit")
    assert "Slope +" in text
    assert "interval" not in text
    assert "nan" not in text
