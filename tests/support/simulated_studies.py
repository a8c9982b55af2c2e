"""Simulated studies with a known truth: how often each verdict occurs, and how often one is wrong.

A study has a baseline and one or more arms. A replicate is normal with standard deviation 1; half of its variance is
the seed's equal effect on every arm. `claims` are what a t test of the complete pairs would claim at
each of its looks, without anything that saddle adds to it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, paired_effects
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.racing import race
from saddle.analyse.arms.verdict import SETTLED, Verdict
from saddle.analyse.statistics.paired.paired_t import paired_t
from saddle.analyse.statistics.sequential.group_sequential import Spending
from trainables.contract import complete_metric

SPEC = ComparisonSpec(complete_metric("m", "maximize"))
SEEDS = 8
BASELINE = "baseline"

Values = NDArray[np.float64]
Study = Callable[[np.random.Generator], "Simulated"]


@dataclass(frozen=True, eq=False)
class Simulated:
    """One study: `arms` (arms, seeds) and `baseline` (seeds,), and which of their replicates failed, of one shape."""

    arms: Values
    baseline: Values
    arms_failed: NDArray[np.bool_]
    baseline_failed: NDArray[np.bool_]


@dataclass(frozen=True)
class Scenario:
    """`wrong`: the verdicts that are false for it. `looks`: numbers of seeds, until all is settled.

    `spending`: how α is spent in a race, whose looks are declared beforehand; None if each look extends the study.
    """

    name: str
    study: Study
    wrong: frozenset[Verdict]
    looks: Sequence[int] = (SEEDS,)
    spec: ComparisonSpec = SPEC
    spending: Spending | None = None


@dataclass(frozen=True)
class ErrorRates:
    """Of `studies` simulated ones: the share that ends in each verdict for any of its arms, and in any wrong one.

    `claimed_by_t`: the share in which a t test of the complete pairs finds a difference for any arm at any look.
    """

    scenario: str
    studies: int
    words: dict[Verdict, float]
    wrong: float
    claimed_by_t: float


def normal(seeds: int = SEEDS, arms: int = 1, effect: float = 0.0) -> Study:
    """Arms that are all better by `effect`, and nothing fails."""

    def draw(generator: np.random.Generator) -> Simulated:
        own = (generator.standard_normal((arms + 1, seeds)) + generator.standard_normal(seeds)) / math.sqrt(2)
        whole = np.zeros((arms + 1, seeds), dtype=bool)
        return Simulated(own[1:] + effect, own[0], whole[1:], whole[0])

    return draw


def failing(share: float, baseline_share: float = 0.0, seeds: int = SEEDS) -> Study:
    """An arm like the baseline whose worst `share` of replicates fail, and the baseline's worst `baseline_share`."""

    def draw(generator: np.random.Generator) -> Simulated:
        study = normal(seeds)(generator)
        limits = stats.norm.ppf([share, baseline_share])
        return replace(study, arms_failed=study.arms < limits[0], baseline_failed=study.baseline < limits[1])

    return draw


def skewed(seeds: int = SEEDS, on_log: bool = False) -> Study:
    """A log-normal arm, a baseline of a quarter of its spread, and equal means of their values or logarithms."""

    def draw(generator: np.random.Generator) -> Simulated:
        logs, noise = generator.standard_normal((2, seeds))
        spread = math.exp(0.5) * math.sqrt(math.expm1(1))
        arm = np.exp(logs)
        baseline = np.exp(noise / 4) if on_log else math.exp(0.5) + spread / 4 * noise
        whole = np.zeros((1, seeds), dtype=bool)
        return Simulated(arm[None], baseline, whole, whole[0])

    return draw


def error_rates(scenario: Scenario, studies: int, seed: int = 0) -> ErrorRates:
    """Judge so many studies of a scenario with saddle's code."""
    generator = np.random.default_rng(seed)
    words: Counter[Verdict] = Counter()
    wrong = claimed = 0
    for _ in range(studies):
        study = scenario.study(generator)
        verdicts = {effect.verdict for effect in final_effects(study, scenario)}
        words.update(verdicts)
        wrong += bool(verdicts & scenario.wrong)
        claimed += any(claimed_by_t(study, seeds, scenario.spec) for seeds in scenario.looks)
    shares = {word: count / studies for word, count in words.items()}
    return ErrorRates(scenario.name, studies, shares, wrong / studies, claimed / studies)


def final_effects(study: Simulated, scenario: Scenario) -> list[Effect]:
    """The effects at the first look at which every arm is settled, else at the last; for a race those at its end."""
    if scenario.spending is not None:
        arms, baseline = first_seeds(study, max(scenario.looks))
        seeds = range(max(scenario.looks))
        return [*race(arms, baseline, seeds, scenario.spec, scenario.spending, scenario.looks).effects]
    effects: list[Effect] = []
    for look, count in enumerate(scenario.looks):
        spec = replace(scenario.spec, planned=count, any_time=look > 0)
        effects = paired_effects(*first_seeds(study, count), spec)
        if all(effect.verdict in SETTLED for effect in effects):
            break
    return effects


def first_seeds(study: Simulated, count: int) -> tuple[list[ArmValues], ArmValues]:
    """The arms and the baseline as if only the first seeds had been planned."""
    arms = [
        _arm(str(place), values[:count], failed[:count])
        for place, (values, failed) in enumerate(zip(study.arms, study.arms_failed, strict=True))
    ]
    return arms, _arm(BASELINE, study.baseline[:count], study.baseline_failed[:count])


def claimed_by_t(study: Simulated, seeds: int, spec: ComparisonSpec) -> bool:
    """Whether a t test of the complete pairs finds a difference for any arm, each at the full level."""
    for values, failed in zip(study.arms, study.arms_failed, strict=True):
        complete = ~(failed | study.baseline_failed)[:seeds]
        differences = (values - study.baseline)[:seeds][complete]
        if len(differences) > 1 and float(paired_t(differences).p) <= spec.alpha:
            return True
    return False


def _arm(name: str, values: Values, failed: NDArray[np.bool_]) -> ArmValues:
    return ArmValues(
        name,
        {seed: float(value) for seed, value in enumerate(values) if not failed[seed]},
        {seed: "collapsed" for seed in range(len(values)) if failed[seed]},
    )
