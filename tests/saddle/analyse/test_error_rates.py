"""How often the printed verdict is wrong, by simulation at n = 3, 5 and 8 seeds (fixed random numbers).

Each bound is four standard errors of the simulation wide, so a true rate of alpha passes and a real excess does not.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from saddle.analyse.arms.effects import ComparisonSpec, paired_effects
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Intervals, Verdict, decide
from saddle.analyse.statistics.paired.corrections import adjust, local_alpha
from saddle.analyse.statistics.paired.paired_t import paired_t
from saddle.analyse.statistics.power import power
from tests.support.pages import all_text
from trainables.contract import complete_metric

ALPHA = 0.05
STUDIES = 40_000


def simulate(effects: list[float], seeds: int, studies: int = STUDIES, shape: str = "normal") -> np.ndarray:
    """Differences arm - baseline (studies, arms, seeds) in units of a replicate's sd; the baseline is shared."""
    generator = np.random.default_rng(2024 + seeds)
    draw = {
        "normal": generator.standard_normal,
        "uniform": lambda size: generator.uniform(-math.sqrt(3), math.sqrt(3), size),
        "heavy": lambda size: generator.standard_t(3, size) / math.sqrt(3),
        "skewed": lambda size: np.exp(generator.standard_normal(size)),
    }[shape]
    runs = draw((studies, len(effects) + 1, seeds))
    common = 2 * generator.standard_normal((studies, 1, seeds))  # what a seed does to all arms alike
    values = runs + common
    return values[:, 1:] - values[:, :1] + np.array(effects)[:, None]


def intervals(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The printed intervals of every simulated study: the steps of `effects.judge`, for all studies at once."""
    test = paired_t(differences)
    return test.interval(local_alpha(test.p, ALPHA, "holm"))


def both(interval: tuple[float, float]) -> Intervals:
    return Intervals(interval, interval)


def bound(rate: float, studies: int = STUDIES) -> float:
    return rate + 4 * math.sqrt(rate * (1 - rate) / studies)


def claims(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return (low > 0) | (high < 0)


def test_the_simulation_takes_the_same_steps_as_a_study() -> None:
    differences = simulate([0.0, 1.0, 3.0], 5, studies=60)
    low, high = intervals(differences)
    base = ArmValues("base", dict.fromkeys(range(5), 0.0))
    for study in range(60):
        arms = [ArmValues(str(i), dict(enumerate(row))) for i, row in enumerate(differences[study])]
        for index, effect in enumerate(paired_effects(arms, base, ComparisonSpec(complete_metric("m", "maximize")))):
            assert (effect.low, effect.high) == pytest.approx((low[study, index], high[study, index]))
            assert effect.verdict is decide(both((low[study, index], high[study, index])), "maximize")


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_one_arm_without_an_effect_is_called_different_as_often_as_alpha(seeds: int) -> None:
    rate = claims(*intervals(simulate([0.0], seeds))).mean()
    assert bound(ALPHA) >= rate >= ALPHA - (bound(ALPHA) - ALPHA)


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize("arms", [2, 4, 8])
def test_any_of_several_arms_without_effect_is_called_different_at_most_as_often_as_alpha(
    seeds: int, arms: int
) -> None:
    wrong = claims(*intervals(simulate([0.0] * arms, seeds))).any(axis=1).mean()
    assert wrong <= bound(ALPHA)
    unadjusted = claims(*paired_t(simulate([0.0] * arms, seeds)).interval(ALPHA)).any(axis=1).mean()
    assert unadjusted > bound(ALPHA)  # so the adjustment is what keeps the promise


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_true_effects_beside_null_arms_do_not_raise_the_error(seeds: int) -> None:
    wrong = claims(*intervals(simulate([6.0, 20.0, 0.0, 0.0], seeds)))[:, 2:].any(axis=1).mean()
    assert wrong <= bound(ALPHA)


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize("shape", ["uniform", "heavy"])
def test_noise_that_is_not_normal_costs_little(seeds: int, shape: str) -> None:
    rate = claims(*intervals(simulate([0.0], seeds, shape=shape))).mean()
    assert rate <= 1.3 * ALPHA


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_a_true_effect_is_shown_as_often_as_plan_says_and_never_with_the_wrong_sign(seeds: int) -> None:
    size = 2.5
    low, high = intervals(simulate([size], seeds))
    shown = power(size, math.sqrt(2), seeds)
    tolerance = 4 * math.sqrt(shown * (1 - shown) / STUDIES)
    assert (low > 0).mean() == pytest.approx(shown, abs=tolerance)
    assert (high < 0).mean() < 0.002


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize("arms", [1, 4])
def test_equivalent_is_rarely_said_of_an_arm_that_is_a_margin_away(seeds: int, arms: int) -> None:
    margin = 3.0
    low, high = intervals(simulate([margin] * arms, seeds))
    wrong = ((low >= -margin) & (high <= margin)).any(axis=1).mean()
    assert wrong <= bound(ALPHA)
    low, high = intervals(simulate([0.0], 8))
    assert ((low >= -margin) & (high <= margin)).mean() > 0.9


def test_few_seeds_say_no_difference_shown_rather_than_something_wrong() -> None:
    low, high = intervals(simulate([0.5], 3, studies=4000))
    words = [decide(both((a, b)), "maximize") for a, b in zip(low[:, 0], high[:, 0], strict=True)]
    assert words.count(Verdict.NO_DIFFERENCE) > 0.85 * len(words)
    assert adjust(paired_t(simulate([0.5], 3, studies=10)).p, "holm").shape == (10, 1)


STATED = {"normal": "| normal |", "uniform": "| uniform |", "heavy": "| heavy-tailed", "skewed": "| skewed"}


@pytest.mark.parametrize("shape", STATED)
def test_the_coverage_of_intervals_is_what_the_readme_states(shape: str) -> None:
    [row] = [line for line in all_text().splitlines() if line.startswith(STATED[shape])]
    stated = [float(cell.strip(" %")) for cell in row.split("|")[2:-1]]
    for seeds, percent in zip((3, 5, 8), stated, strict=True):
        differences = simulate([0.0], seeds, studies=100_000, shape=shape)[:, 0]
        low, high = paired_t(differences).interval(ALPHA)
        covered = 100 * ((low <= 0) & (high >= 0)).mean()
        assert covered == pytest.approx(percent, abs=0.35)
