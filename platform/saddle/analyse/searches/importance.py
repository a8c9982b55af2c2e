"""Which hyperparameters of a search matter, by Optuna's PED-ANOVA and fANOVA on a study rebuilt from the ledger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from saddle.analyse.best import trial_order
from saddle.analyse.searches.net_wins import can_be_ranked, net_wins
from saddle.analyse.text.formatting import plural
from saddle.study.models import Study
from saddle.study.space import Parameter
from saddle.study.values import canonical
from saddle.trial.outcome import METHOD_FAILURES, Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

T = TypeVar("T")

FEWEST_TRIALS = 5
ROUGH_BELOW = 20
"""In simulations of three parameters the leading one was named in 6 of 8 studies of 8 trials, and in all of 20."""

FEWEST_FOR_FANOVA = 20
"""A forest of random trees learns little from fewer."""

FANOVA_TREES = 32
"""Half of Optuna's default: shares move by about a hundredth, and it takes half as long."""

MOST_TRIALS = 2000
MOST_FOR_FANOVA = 200
"""Of more trials this many are used, spread evenly over the search: either method then takes about a second, and gives
much the same result as with all of them."""

TOP_SHARE = 1 / 3
"""The share of trials that PED-ANOVA calls good. Optuna's tenth is a single trial in a study of this size, and of 30
simulated searches of 8 trials the best quarter named the right parameter in 12, the best third in 22 (of 30 trials: in
25 and 27)."""


@dataclass(frozen=True)
class Importance:
    """The share of each parameter, largest first; without values, `reason` says why."""

    values: Mapping[str, float] = field(default_factory=dict)
    trials: int = 0
    stopped: int = 0
    """Of these trials, those that were stopped early."""
    failed: int = 0
    """Of these trials, those that collapsed or diverged."""
    reason: str = ""
    variance: Mapping[str, float] = field(default_factory=dict)
    """The share of each parameter by itself in the variance over the whole space (fANOVA), that of the objective, or
    if not every trial completed, of the trials' places; for those that every trial has, and empty with few trials."""

    @property
    def rough(self) -> bool:
        """Whether there are so few trials that the order may be chance."""
        return self.trials < ROUGH_BELOW


def importance(study: Study, entries: Iterable[TrialRecord], objective: Metric) -> Importance:
    """How much each searched parameter decides whether a trial is among the best third (Watanabe et al., 2023).

    PED-ANOVA, because it can handle conditional parameters; fANOVA (Hutter et al., 2014) in addition. Trials
    that were stopped early or whose method failed count, each by its place among all (see `net_wins`): the values that
    made them worse than others occur in few other trials. Those that failed otherwise are left out.
    """
    ranked = sorted((entry for entry in entries if can_be_ranked(entry, objective)), key=trial_order)
    space = {name: drawn for name, p in (study.search or {}).items() if (drawn := _distribution(p)) is not None}
    pairs = [(entry, _proposed(study, space, entry)) for entry in evenly(ranked, MOST_TRIALS)]
    usable = [(entry, trial) for entry, trial in pairs if trial is not None]
    chosen, trials = [entry for entry, _ in usable], [trial for _, trial in usable]
    counts = Counter(Outcome(entry.outcome) for entry in chosen)
    failed = sum(counts[outcome] for outcome in METHOD_FAILURES)
    basis = Importance(trials=len(chosen), stopped=counts[Outcome.PRUNED], failed=failed)
    wins = net_wins(chosen, objective)
    varied = {name for name in space if len({canonical(trial.params.get(name)) for trial in trials}) > 1}
    reason = _too_little(len(chosen), varied, wins)
    if reason:
        return replace(basis, reason=reason)
    complete = counts[Outcome.COMPLETED] == len(chosen)
    costs = [objective.cost(entry.metrics[objective.name]) for entry in chosen] if complete else list(-wins)
    return replace(
        basis,
        values={name: share for name, share in _among_the_best(trials, wins).items() if name in varied},
        variance=_variance(trials, costs) if len(trials) >= FEWEST_FOR_FANOVA else {},
    )


def _too_little(count: int, varied: Collection[str], wins: NDArray[np.float64]) -> str:
    """Why nothing can be said, empty where something can."""
    if count < FEWEST_TRIALS:
        return f"{plural(count, 'trial')} to compare; importance needs at least {FEWEST_TRIALS}"
    if not varied:
        return "no parameter varied among the trials"
    return "all trials are equally good" if wins.min() == wins.max() else ""


def _proposed(study: Study, space: Mapping[str, BaseDistribution], entry: TrialRecord) -> FrozenTrial | None:
    """The trial as Optuna represents it, without its value; None if its parameters are from other ranges."""
    import optuna

    params = {name: _label(space[name], value) for name, value in drawn(study, entry).items() if name in space}
    try:
        return optuna.trial.create_trial(params=params, distributions={name: space[name] for name in params}, value=0.0)
    except ValueError:
        return None


def _among_the_best(trials: Sequence[FrozenTrial], wins: NDArray[np.float64]) -> dict[str, float]:
    """The share of each parameter in what separates the best third from the rest, by PED-ANOVA."""
    import optuna

    best = wins >= np.sort(wins)[-math.ceil(TOP_SHARE * len(wins))]
    best &= wins > wins.min()  # more than two thirds may be equally bad
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=float(best.mean()))
    shares = optuna.importance.get_param_importances(_rebuilt(trials, list(~best)), evaluator=evaluator)
    return {name: float(share) for name, share in shares.items()}


def _variance(trials: Sequence[FrozenTrial], costs: Sequence[float]) -> dict[str, float]:
    """The shares that fANOVA computes; the remainder to 1 is interactions."""
    import optuna

    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=FANOVA_TREES, seed=0)
    shares = evaluator.evaluate(_rebuilt(evenly(trials, MOST_FOR_FANOVA), evenly(costs, MOST_FOR_FANOVA)))
    return {name: float(share) for name, share in shares.items()}


def _rebuilt(trials: Sequence[FrozenTrial], costs: Sequence[float]) -> optuna.Study:
    """Optuna's study of the trials with these values, of which smaller ones are better."""
    import optuna

    with _quiet():
        study = optuna.create_study(direction="minimize")
    for trial, cost in zip(trials, costs, strict=True):
        trial.value = float(cost)
    study.add_trials(trials)
    return study


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, spread evenly over their order."""
    return [items[i * len(items) // most] for i in range(most)] if len(items) > most else list(items)


@contextmanager
def _quiet() -> Iterator[None]:
    """Users need not see messages about a study in memory."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def drawn(study: Study, entry: TrialRecord) -> dict[str, Any]:
    """The parameters that the sampler drew for a trial: those of the search whose condition it met."""
    stored = {name: entry.settings[name] for name in study.search or {} if name in entry.settings}
    if stored:
        return stored
    params = dict(entry.params)
    return {name: params[name] for name, p in (study.search or {}).items() if name in params and p.active(params)}


def _distribution(parameter: Parameter) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.choice is not None:
        labels = [canonical(choice) for choice in parameter.choice]
        return CategoricalDistribution(labels) if len(labels) > 1 else None
    low, high = parameter.bounds
    if parameter.int_range is not None:
        return IntDistribution(int(low), int(high), log=parameter.log, step=int(parameter.step or 1))
    return FloatDistribution(low, high, log=parameter.log, step=parameter.step)


def _label(distribution: Any, value: Any) -> Any:
    """Choices may be lists or mappings, which Optuna does not take; they are replaced by their JSON text."""
    return canonical(value) if hasattr(distribution, "choices") else value
