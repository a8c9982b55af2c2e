"""Optuna's samplers from what a study file says."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from saddle.search.distinct_settings import make_grid
from saddle.search.optuna_internals import AskTellGrid
from saddle.study.models import Sampler
from saddle.study.space import Parameter


def make_sampler(spec: Sampler, space: Mapping[str, Parameter], trials: int = 0) -> BaseSampler:
    """The sampler that `spec` describes, over `space`, for a search that has so many `trials` already."""
    options = spec.options
    seed = continued_seed(options.seed, trials)
    builders: dict[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: optuna.samplers.TPESampler(
            n_startup_trials=options.startup_trials,
            multivariate=options.multivariate,
            # concurrent trials would otherwise be drawn from one and the same posterior
            constant_liar=True,
            seed=seed,
        ),
        "gp": lambda: optuna.samplers.GPSampler(n_startup_trials=options.startup_trials, seed=seed),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(n_startup_trials=options.startup_trials, seed=seed),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(population_size=options.population_size, seed=seed),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        # these two read from the storage how far they are, and their seed fixes the whole sequence
        "qmc": lambda: optuna.samplers.QMCSampler(qmc_type=options.type, scramble=True, seed=options.seed),
        "grid": lambda: AskTellGrid(make_grid(space, options), seed=options.seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return builders[spec.name]()


def continued_seed(seed: int, trials: int) -> int:
    """The seed of a search that continues: with the first one again, its random draws would repeat themselves."""
    return seed if trials == 0 else int(np.random.SeedSequence([seed, trials]).generate_state(1)[0])
