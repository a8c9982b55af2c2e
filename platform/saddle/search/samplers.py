"""Optuna's samplers from what a study file says."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from saddle.search.distinct_settings import make_grid
from saddle.search.optuna_internals import AskTellGrid
from saddle.study.models import Sampler
from saddle.study.space import Parameter

LEARNS_CONSTRAINTS = frozenset({"tpe", "gp", "nsga2"})
"""Samplers that learn from violated constraints; the others only have such trials left out of the best."""

LEARNS_FAILURES = frozenset({"tpe"})
"""Samplers that learn from pruned trials, and so from collapsed and diverged ones; the others never hear of them."""


SAMPLES_THE_REST_AT_RANDOM = frozenset({"gp", "cmaes", "qmc"})
"""Samplers of the parameters that every trial has: those with a condition are drawn at random."""


def notes(sampler: str, constrained: bool, conditional: Sequence[str] = ()) -> list[str]:
    """What a person should know that this sampler can't learn; `conditional` are the parameters with a condition."""
    sentences = []
    if conditional and sampler in SAMPLES_THE_REST_AT_RANDOM:
        sentences.append(
            f"the {sampler} sampler draws parameters with a condition at random and learns nothing of them:"
            f" {', '.join(conditional)}; tpe does"
        )
    if constrained and sampler not in LEARNS_CONSTRAINTS:
        sentences.append(
            f"the {sampler} sampler does not learn from violated constraints; they only decide which trial is best"
        )
    if sampler not in LEARNS_FAILURES:
        sentences.append(
            f"the {sampler} sampler does not learn from collapsed or diverged trials and may propose their like again"
        )
    return sentences


def make_sampler(spec: Sampler, space: Mapping[str, Parameter], asked: int = 0) -> BaseSampler:
    """The sampler that `spec` describes, over `space`, for a search that has `asked` trials already."""
    options = spec.options
    seed = continued_seed(options.seed, asked)
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


def continued_seed(seed: int, asked: int) -> int:
    """The seed of a search that goes on: with the first one again, its random draws would repeat themselves."""
    return seed if asked == 0 else int(np.random.SeedSequence([seed, asked]).generate_state(1)[0])
