"""Contrasts of arms from one mixed model of all replicates, in addition to the paired t intervals that decide.

The model is value = mean of the arm + seed + block + noise, with seeds and blocks as random effects and the same
noise for every arm. Where that holds, an interval from it is narrower than the paired one, which uses the spread of its
own contrast only: with few seeds the difference is large, and so is what rests on the assumption.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.t_distribution import critical_t, two_sided_p

FORMULA = "value ~ 0 + arm"
FEWEST_FREE = 3
"""Residual degrees of freedom below which nothing is estimated."""


@dataclass(frozen=True)
class Observation:
    """One completed replicate."""

    arm: str
    seed: int
    block: str
    value: float


@dataclass(frozen=True)
class MixedEffect:
    """A contrast's estimate with its t interval, not adjusted for the number of contrasts."""

    mean: float
    low: float
    high: float
    p: float
    freedom: int


def mixed_effects(
    observations: Sequence[Observation], contrasts: Mapping[str, Mapping[str, float]], alpha: float = 0.05
) -> dict[str, MixedEffect]:
    """The contrasts (weights by arm) by restricted maximum likelihood (statsmodels' `MixedLM`); empty if it fails.

    Degrees of freedom are those of the residual after arms, seeds and blocks, as in the analysis of variance of a
    balanced design; statsmodels' own normal quantiles are too narrow for few seeds.
    """
    arms = sorted({observation.arm for observation in observations})
    seeds, blocks = (
        {observation.seed for observation in observations},
        {observation.block for observation in observations},
    )
    freedom = len(observations) - len(arms) - (len(seeds) - 1) - (len(blocks) - 1)
    if freedom < FEWEST_FREE or len(seeds) < 2:
        return {}
    fitted = _fit(observations, arms, several_blocks=len(blocks) > 1)
    if fitted is None:
        return {}
    means, covariance = fitted
    estimates = {}
    for name, weights in contrasts.items():
        if not set(weights) <= set(arms):
            continue
        row = np.array([weights.get(arm, 0.0) for arm in arms])
        mean, error = float(row @ means), float(np.sqrt(row @ covariance @ row))
        width = float(critical_t(freedom, alpha)) * error
        estimates[name] = MixedEffect(
            mean, mean - width, mean + width, float(two_sided_p(mean / error, freedom)), freedom
        )
    return estimates


def _fit(
    observations: Sequence[Observation], arms: Sequence[str], *, several_blocks: bool
) -> tuple[Floats, Floats] | None:
    """The arms' means and their covariance."""
    import pandas as pd

    values = np.array([observation.value for observation in observations])
    scale = float(values.std()) or 1.0  # the optimiser's tolerances suit numbers around one
    data = pd.DataFrame(
        {
            "value": (values - values.mean()) / scale,
            "arm": pd.Categorical([observation.arm for observation in observations], categories=list(arms)),
            "seed": [str(observation.seed) for observation in observations],
            "block": [observation.block for observation in observations],
            "all": 1,
        }
    )
    terms = {"seed": "0 + C(seed)", **({"block": "0 + C(block)"} if several_blocks else {})}
    # a variance at zero, a legitimate estimate, leaves the full model singular; then it is fitted without that term
    for subset in sorted(powerset(terms), key=len, reverse=True):
        fitted = _fit_with({name: terms[name] for name in subset}, data)
        if fitted is not None:
            means, covariance = fitted
            return means[: len(arms)] * scale + values.mean(), covariance[: len(arms), : len(arms)] * scale**2
    return None


def _fit_with(random: Mapping[str, str], data: Any) -> tuple[Floats, Floats] | None:
    """Fixed effects and their covariance; None if they can't be estimated."""
    from statsmodels.regression.linear_model import OLS
    from statsmodels.regression.mixed_linear_model import MixedLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of every variance near zero; what counts is checked below
        try:
            if random:
                model = MixedLM.from_formula(FORMULA, groups="all", vc_formula=random, re_formula="0", data=data)
                result = model.fit(reml=True, method=["lbfgs", "powell"])
                means = np.asarray(result.fe_params)
            else:
                result = OLS.from_formula(FORMULA, data=data).fit()
                means = np.asarray(result.params)
        except (np.linalg.LinAlgError, ValueError):
            return None
        covariance = np.asarray(result.cov_params())
    sound = np.isfinite(covariance[: len(means), : len(means)]).all() and (np.diag(covariance)[: len(means)] > 0).all()
    return (means, covariance) if sound else None


def powerset(names: Iterable[str]) -> list[tuple[str, ...]]:
    members = list(names)
    return [part for size in range(len(members) + 1) for part in itertools.combinations(members, size)]
