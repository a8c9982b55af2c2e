"""The chance that a relation ends in its word, by simulation with the same rule and fixed random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from saddle.analyse.relations.word import claimed_signs
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.meta_regression import centred, membership
from saddle.analyse.statistics.regression.seed_variance import shrunk_variances
from saddle.analyse.text.formatting import listed, plural

CORRELATIONS = (0.5, 0.7, 0.8, 0.9)
STUDIES = 2_000
"""How many are simulated with few units: a chance is known to within about a point."""
FEWEST_STUDIES = 200
"""How many are simulated with many units, each of which is left out once."""
WORK = 500_000
"""About the number of studies times the square of the number of units that takes a second."""


@lru_cache(maxsize=64)
def chances_of_the_word(
    families: tuple[int, ...],
    seeds: int,
    sd_of_gains: float,
    sd_of_seeds: float,
    correlations: tuple[float, ...] = CORRELATIONS,
    alpha: float = 0.05,
    studies: int | None = None,
    predictor: tuple[float, ...] | None = None,
) -> tuple[float, ...]:
    """The chance of `rises` for each correlation of the predictor and the units' true gains (of `falls` for -r).

    `families` are their numbers of units: one number for a single family. `sd_of_gains` is the standard
    deviation of true gains over the units of a family, `sd_of_seeds` that of a unit's paired gains over its seeds. The
    predictor is drawn from a normal distribution unless its values are given, family by family. By default as many
    `studies` are simulated as take a second or two.
    """
    generator = np.random.default_rng(17)
    codes = np.repeat(np.arange(len(families)), families)
    members = membership(codes)
    shape = (studies or max(FEWEST_STUDIES, min(STUDIES, WORK // len(codes) ** 2)), len(codes))
    x = generator.standard_normal(shape) if predictor is None else standardised(predictor, members, shape)
    residual, noise = generator.standard_normal((2, *shape))
    variances = sd_of_seeds**2 * _mean_squares(generator, shape, seeds)
    s2 = shrunk_variances(variances, np.full(len(codes), seeds)) / seeds
    signs = [
        claimed_signs(
            x, sd_of_gains * (r * x + math.sqrt(1 - r**2) * residual) + sd_of_seeds / math.sqrt(seeds) * noise, s2,
            members, alpha,
        )
        for r in correlations
    ]  # fmt: skip
    return tuple(float((sign > 0).mean()) for sign in signs)


def power_sentence(families: Sequence[int], chances: Sequence[float]) -> str:
    """What `chances_of_the_word` gives for `CORRELATIONS`, as a sentence for a plan."""
    within = f", within {len(families)} families" if len(families) > 1 else ""
    shares = listed(f"{100 * chance:.0f} %" for chance in chances)
    sizes = listed(f"{r:g}" for r in CORRELATIONS)
    return (
        f"With {plural(sum(families), 'unit')}{within}, a relation is reported to rise or fall with a chance of"
        f" {shares} where predictor and true gain correlate by {sizes}."
    )


def standardised(predictor: Sequence[float], families: Floats, shape: tuple[int, int]) -> Floats:
    """Values (k,) less their family's mean, over their standard deviation within families, for every study."""
    values = np.asarray(predictor, dtype=float)
    away = centred(values, np.ones_like(values), families)
    return np.broadcast_to(away / np.sqrt((away**2).mean()), shape)


def _mean_squares(generator: np.random.Generator, shape: tuple[int, int], seeds: int) -> Floats:
    """The variances of samples of standard normal values; 0 of a single one."""
    if seeds < 2:
        return np.zeros(shape)
    return np.asarray(generator.chisquare(seeds - 1, shape) / (seeds - 1), dtype=float)
