"""Which hyperparameters of a search matter, by Optuna's PED-ANOVA and fANOVA on a study rebuilt from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from saddle.analyse.best import candidates
from saddle.study.models import Study
from saddle.study.space import Parameter
from saddle.study.values import canonical
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

if TYPE_CHECKING:
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
"""Of more trials as many are taken, evenly over the search: either method then takes about a second, and says much the
same as with all of them."""

TOP_SHARE = 0.25
"""What PED-ANOVA calls good: the best quarter. Optuna's tenth is a single trial in a study of this size."""


@dataclass(frozen=True)
class Importance:
    """The share of each parameter, largest first; without values, `reason` says why."""

    values: Mapping[str, float] = field(default_factory=dict)
    trials: int = 0
    reason: str = ""
    variance: Mapping[str, float] = field(default_factory=dict)
    """The share of each parameter by itself in the objective's variance over the whole space (fANOVA); of those that
    every trial has, and empty with few trials."""

    @property
    def rough(self) -> bool:
        """Whether there are so few trials that the order may be chance."""
        return self.trials < ROUGH_BELOW


def importance(study: Study, entries: Iterable[TrialRecord], objective: Metric) -> Importance:
    """How much each searched parameter decides whether a trial is among the best quarter (Watanabe et al., 2023).

    PED-ANOVA, because it takes conditional parameters as they are; fANOVA (Hutter et al., 2014) beside it. Trials
    that did not complete have no comparable value and are left out.
    """
    import optuna

    space = {name: found for name, p in (study.search or {}).items() if (found := _distribution(p)) is not None}
    with _quiet():
        rebuilt = optuna.create_study(direction=objective.direction)
    trials = []
    for entry in evenly(candidates(entries, [objective]), MOST_TRIALS):
        params = drawn(study, entry)
        params = {name: _label(space[name], value) for name, value in params.items() if name in space}
        try:
            trials.append(
                optuna.trial.create_trial(
                    params=params,
                    distributions={name: space[name] for name in params},
                    value=entry.metrics[objective.name],
                )
            )
        except ValueError:
            continue  # from before the ranges were changed
    rebuilt.add_trials(trials)
    count = len(trials)
    varied = {name for name in space if len({canonical(t.params.get(name)) for t in trials}) > 1}
    if count < FEWEST_TRIALS:
        return Importance(trials=count, reason=f"{count} completed trials; importance wants at least {FEWEST_TRIALS}")
    if not varied:
        return Importance(trials=count, reason="no parameter varied among the completed trials")
    if len({trial.value for trial in trials}) == 1:
        return Importance(trials=count, reason="every completed trial has the same value")
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=TOP_SHARE)
    found = optuna.importance.get_param_importances(rebuilt, evaluator=evaluator)
    shares = {name: float(share) for name, share in found.items() if name in varied}
    return Importance(shares, count, variance=_variance(trials, objective) if count >= FEWEST_FOR_FANOVA else {})


def _variance(trials: Sequence[FrozenTrial], objective: Metric) -> dict[str, float]:
    """The shares that fANOVA finds; what they lack to 1 are interactions."""
    import optuna

    with _quiet():
        study = optuna.create_study(direction=objective.direction)
    study.add_trials(evenly(trials, MOST_FOR_FANOVA))
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=FANOVA_TREES, seed=0)
    found = evaluator.evaluate(study)
    return {name: float(share) for name, share in found.items()}


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, spread evenly over their order."""
    return [items[i * len(items) // most] for i in range(most)] if len(items) > most else list(items)


@contextmanager
def _quiet() -> Iterator[None]:
    """A study in memory is nothing to tell the user of."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def drawn(study: Study, entry: TrialRecord) -> dict[str, Any]:
    """The parameters that the sampler drew for a trial: those of the search whose condition it met."""
    given = {name: entry.settings[name] for name in study.search or {} if name in entry.settings}
    if given:
        return given
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
    """Choices may be lists or mappings, which Optuna does not take; their JSON text stands for them."""
    return canonical(value) if hasattr(distribution, "choices") else value
