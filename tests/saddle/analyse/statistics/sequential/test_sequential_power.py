"""The power of group sequential tests, against the t test's where there is one look, and against races."""

from __future__ import annotations

import math

import numpy as np
import pytest

from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.racing import race
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.statistics.power import detectable_effect, power
from saddle.analyse.statistics.sequential.group_sequential import Spending, critical_values
from saddle.analyse.statistics.sequential.sequential_power import detectable_by_look, power_by_look
from saddle.analyse.statistics.t_distribution import critical_t
from trainables.contract import complete_metric


@pytest.mark.parametrize("seeds", [3, 8, 20])
def test_one_look_has_the_power_of_the_t_test(seeds: int) -> None:
    bounds = (float(critical_t(seeds - 1, 0.05)),)
    for ratio in (0.0, 0.5, 1.5):
        assert power_by_look(ratio, (seeds,), bounds) == pytest.approx([power(ratio, 1.0, seeds)], abs=0.012)
    found = detectable_by_look((seeds,), bounds, 0.8, 0)
    assert found == pytest.approx(detectable_effect(1.0, seeds), rel=0.03)


@pytest.mark.parametrize(("spending", "at_most"), [("obrien_fleming", 0.78), ("pocock", 0.70)])
def test_a_race_shows_what_its_plan_says_and_less_than_a_t_test(spending: Spending, at_most: float) -> None:
    """An effect that the t test shows with 80 %: the plan said 80 % of a race, too."""
    seeds, studies = 8, 500
    ratio, looks = detectable_effect(1.0, seeds), tuple(range(3, seeds + 1))
    bounds = critical_values(looks, tuple(n / seeds for n in looks), 0.05, spending)
    planned = power_by_look(ratio, looks, bounds)[-1]
    assert planned < at_most
    generator, shown = np.random.default_rng(17), 0
    base = ArmValues("b", dict.fromkeys(range(seeds), 0.0))
    spec = ComparisonSpec(complete_metric("m", "maximize"))
    for _ in range(studies):
        arm = ArmValues("a", dict(enumerate(generator.standard_normal(seeds) + ratio)))
        shown += race([arm], base, range(seeds), spec, spending).effects[0].verdict is Verdict.HELPS
    assert shown / studies == pytest.approx(planned, abs=3 * math.sqrt(planned * (1 - planned) / studies))


def test_the_chance_of_a_false_claim_is_what_alpha_says() -> None:
    bounds = critical_values((5, 10, 20), (0.25, 0.5, 1.0), 0.05, "pocock")
    by_look = power_by_look(0.0, (5, 10, 20), bounds)
    assert by_look[-1] == pytest.approx(0.05, abs=0.006)
    assert by_look == sorted(by_look)


def test_what_no_look_can_show_is_infinite() -> None:
    assert detectable_by_look((3, 8), (math.inf, 2.5), 0.8, 0) == math.inf
