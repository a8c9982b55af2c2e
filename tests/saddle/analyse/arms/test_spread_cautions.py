"""An arm with a spread of its own, or a seed that stands apart, is pointed out; of normal arms hardly ever."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.spread_cautions import LEVEL, dominant, spread_cautions, spread_ratio
from saddle.analyse.statistics.scales import ScaleName
from tests.support.skewed_arms import simulate

BASE = [0.50, 0.51, 0.49, 0.50, 0.52]
TABLE = Path(__file__).parents[3] / "benchmarks" / "skewed_arm.csv"
STUDIES = 3000


def arm(name: str, values: list[float]) -> ArmValues:
    return ArmValues(name, dict(enumerate(values)))


def test_an_arm_that_varies_several_times_as_much_is_pointed_out() -> None:
    [said] = spread_cautions([arm("base", BASE), arm("mp", [0.2, 0.8, 0.5, 0.9, 0.1]), arm("mta", BASE)])
    assert said.startswith("mp varies 31 times as much over seeds as base (standard deviations; F test at 1 %)")


def test_a_seed_that_makes_the_difference_alone_is_pointed_out() -> None:
    base = [0.50, 0.61, 0.47, 0.55, 0.52, 0.58, 0.44, 0.53]
    values = [value + 0.001 * place for place, value in enumerate(base)]
    values[5] += 0.2
    [said] = spread_cautions([arm("base", base), arm("mp", values)])
    assert said == (
        "mp: seed 5 is an outlier among its seeds (Grubbs’ test at 1 %); without it the difference from base is 12 % of"
        " what it is with it."
    )


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_what_is_skewed_as_measured_may_be_even_on_its_scale(scale: ScaleName) -> None:
    base = [1.0, 1.1, 0.9, 1.05, 0.95]
    ratios = [100 * value for value in (1.2, 1.0, 0.95, 1.1, 0.9)]
    said = [*spread_cautions([arm("base", base), arm("a", ratios)], scale)]
    assert bool(said) == (scale == "linear")


def test_few_seeds_identical_values_and_values_off_the_scale_say_nothing() -> None:
    assert not [*spread_cautions([arm("base", BASE[:2]), arm("mp", [0.1, 0.9])])]
    assert not [*spread_cautions([arm("base", BASE), arm("mp", [0.5] * 5)])]
    assert not [*spread_cautions([arm("base", BASE), arm("mp", [0.0, *BASE[1:]])], "log")]
    assert not [*spread_cautions([arm("base", [])])]


def test_of_three_seeds_two_with_equal_differences_do_not_make_the_third_stand_apart() -> None:
    """Shares of 300 images: equal differences are common."""
    base, values = [106 / 300, 115 / 300, 126 / 300], [106 / 300, 115 / 300, 125 / 300]
    assert not [*spread_cautions([arm("base", base), arm("mta", values)])]
    assert dominant({0: 0.0, 1: 0.0, 2: 0.0, 3: 0.01}) is None
    assert dominant({0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0, 4: 0.01}) == 4


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_each_rule_speaks_of_a_normal_arm_as_rarely_as_it_says(seeds: int) -> None:
    generator = np.random.default_rng(seeds)
    arms, baselines = generator.standard_normal((2, STUDIES, seeds))
    pairs = [*zip(arms, baselines, strict=True)]
    bound = LEVEL + 4 * math.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
    assert np.mean([spread_ratio(one, other) is not None for one, other in pairs]) <= bound
    assert np.mean([dominant(dict(enumerate(one - other))) is not None for one, other in pairs]) <= bound


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize(("shape", "scale"), [("normal", "linear"), ("skewed", "linear"), ("skewed", "log")])
def test_the_table_of_error_rates_is_what_the_simulation_gives(shape: str, scale: ScaleName, seeds: int) -> None:
    with TABLE.open(encoding="utf-8") as file:
        stated = {(row["shape"], row["scale"], row["seeds"]): row for row in csv.DictReader(file)}
    row = stated[shape, scale, str(seeds)]
    simulated = simulate(shape, scale, seeds, STUDIES).facts()
    for name in ("misses", "helps", "hurts", "no_difference", "cautioned"):
        share = float(row[name]) / 100
        tolerance = 100 * 4 * math.sqrt(max(share * (1 - share), 0.001) * (1 / STUDIES + 1 / int(row["studies"])))
        assert float(str(simulated[name])) == pytest.approx(float(row[name]), abs=tolerance), name


def test_one_skewed_arm_is_missed_twice_as_often_and_on_its_own_scale_as_rarely_as_stated() -> None:
    assert simulate("skewed", "linear", 8, STUDIES).misses > 0.1
    assert simulate("skewed", "log", 8, STUDIES).misses < 0.05 + 4 * math.sqrt(0.05 * 0.95 / STUDIES)
