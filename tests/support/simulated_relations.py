"""Simulated relations with a known truth: how often each verdict occurs, by the rule of `answer_relation`.

True gains spread over units with a standard deviation of 3, a unit's gains over seeds with one of 1.5, as in the plan
of a study; families differ in their level and in their predictor's. The verdicts are compared with two customary tests:
a regression with every seed as a point, and one with fixed-effect weights 1/s².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from saddle.analyse.relations.unit import OUTSIDE_FAMILIES, Unit
from saddle.analyse.relations.word import claimed_signs
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.meta_regression import centred, fit_slopes, membership
from saddle.analyse.statistics.regression.seed_variance import shrunk_variances

SEEDS, SD_OF_GAINS, SD_OF_SEEDS, ALPHA = 5, 3.0, 1.5, 0.05
SAME_GAINS = 1e-9
"""A negligible spread of true gains."""

Shape = Literal["normal", "t3"]
Predictor = Literal["normal", "outlying"]


@dataclass(frozen=True)
class RelationScenario:
    """`r`: the correlation of true gains and predictor within families, whose numbers of units are `families`.

    `apart`: the standard deviation by which families' own slopes differ, in units of such correlations.
    """

    name: str
    families: tuple[int, ...]
    r: float = 0.0
    shape: Shape = "normal"
    predictor: Predictor = "normal"
    seeds: int = SEEDS
    sd_of_gains: float = SD_OF_GAINS
    apart: float = 0.0

    @property
    def members(self) -> Floats:
        return membership(np.repeat(np.arange(len(self.families)), self.families))


@dataclass(frozen=True, eq=False)
class Relations:
    """x (studies, k) and gains (studies, k, seeds) of many studies."""

    x: Floats
    gains: Floats

    def units(self, study: int, scenario: RelationScenario) -> list[Unit]:
        """One of them as units."""
        several = len(scenario.families) > 1
        labels = [f"family {i}" if several else OUTSIDE_FAMILIES for i in scenario.members.argmax(0)]
        rows = zip(labels, self.x[study], self.gains[study], strict=True)
        return [
            Unit(f"unit {i}", label, {"x": float(x)}, tuple(map(float, gains)))
            for i, (label, x, gains) in enumerate(rows)
        ]


@dataclass(frozen=True)
class WordRates:
    """Shares of studies: saddle's `rises` and `falls`, and the claims of the two other tests."""

    scenario: RelationScenario
    studies: int
    rises: float
    falls: float
    seeds_as_points: float
    fixed_weights: float


def simulate_relations(scenario: RelationScenario, studies: int, seed: int = 0) -> Relations:
    """Draw so many studies of a scenario."""
    generator = np.random.default_rng(seed)
    members = scenario.members
    shape = (studies, members.shape[1])

    def draw(size: tuple[int, ...]) -> Floats:
        if scenario.shape == "normal":
            return generator.standard_normal(size)
        return generator.standard_t(3, size) / math.sqrt(3)

    x = generator.standard_normal(shape)
    if scenario.predictor == "outlying":
        x[:, -1] += 10  # as GTSRB among the five datasets of S3, Table 3
    truth = scenario.sd_of_gains * (scenario.r * x + math.sqrt(1 - scenario.r**2) * draw(shape))
    if scenario.apart:
        truth += (
            scenario.sd_of_gains * x * (scenario.apart * generator.standard_normal((studies, len(members))) @ members)
        )
    levels = 3 * generator.standard_normal((studies, len(members))) @ members
    gains = (truth + 2 * levels)[..., None] + SD_OF_SEEDS * draw((*shape, scenario.seeds))
    return Relations(x + levels, gains)


def word_rates(scenario: RelationScenario, studies: int, seed: int = 0) -> WordRates:
    """How often each verdict occurs in so many studies."""
    simulated = simulate_relations(scenario, studies, seed)
    variances = simulated.gains.var(-1, ddof=1)
    noise = shrunk_variances(variances, np.full(simulated.x.shape[1], scenario.seeds)) / scenario.seeds
    signs = claimed_signs(simulated.x, simulated.gains.mean(-1), noise, scenario.members, ALPHA)
    return WordRates(
        scenario,
        studies,
        float((signs > 0).mean()),
        float((signs < 0).mean()),
        float((_p_of_seeds_as_points(simulated, scenario) <= ALPHA).mean()),
        float((_p_of_fixed_weights(simulated, variances / scenario.seeds, scenario) <= ALPHA).mean()),
    )


def _p_of_seeds_as_points(simulated: Relations, scenario: RelationScenario) -> Floats:
    """Least squares over units x seeds."""
    points = simulated.gains.reshape(len(simulated.gains), -1)
    x = np.repeat(simulated.x, scenario.seeds, axis=1)
    return fit_slopes(x, points, np.zeros_like(x), np.repeat(scenario.members, scenario.seeds, axis=1)).p


def _p_of_fixed_weights(simulated: Relations, variances: Floats, scenario: RelationScenario) -> Floats:
    """Weights 1/s², as if units only differed by the noise of their seeds."""
    weights = 1 / variances
    away, gains = (centred(v, weights, scenario.members) for v in (simulated.x, simulated.gains.mean(-1)))
    information = (weights * away**2).sum(-1)
    return np.asarray(2 * stats.norm.sf(np.abs((weights * away * gains).sum(-1)) / np.sqrt(information)))
