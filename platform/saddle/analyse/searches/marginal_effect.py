"""What one parameter of a search does by itself, from those trials whose settings were drawn at random.

A sampler proposes trials from earlier results, so over all trials a parameter goes together with everything else that
was good.
Those that were drawn at random, before the sampler had learnt anything, are an experiment: over them the other
parameters are noise. They have one seed, so the interval allows for the other settings and not for another seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.best import trial_order
from saddle.analyse.searches.importance import drawn
from saddle.analyse.statistics.regression.robust_slope import robust_slope
from saddle.analyse.text.formatting import Scale, plural, setting
from saddle.study.models import Study
from saddle.study.space import Parameter
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

ALPHA = 0.05
COMPARED = (Outcome.COMPLETED, Outcome.PRUNED)


@dataclass(frozen=True)
class MarginalEffect:
    """By how much the objective is larger at `after` than at `before`, on average over everything else.

    `value` with the interval from `low` to `high`, from `trials` that were drawn at random, all at `epoch`.
    """

    before: str
    after: str
    value: float
    low: float
    high: float
    trials: int
    epoch: int

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.low <= 0 <= self.high


def drawn_at_random(study: Study, entries: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The numbers of the trials that were proposed before any result could influence them."""
    sampler = study.sampler
    options = sampler.tpe or sampler.gp or sampler.cmaes
    first = options.startup_trials if options is not None else None
    if sampler.nsga2 is not None:
        first = sampler.nsga2.population_size
    numbered = [entry for entry in entries if entry.number is not None]
    return sorted((e for e in numbered if first is None or (e.number or 0) < first), key=trial_order)


def marginal_effect(
    study: Study, entries: Sequence[TrialRecord], objective: Metric, name: str
) -> MarginalEffect | None:
    """The effect of going from the lower end of the parameter's range to the upper one, along a straight line.

    For a choice of two values: from first to second. All trials are compared at the last epoch that each of them
    reached, so that those that were stopped early count, too. None for choices of more values, with few such trials, or
    if the method failed in one: which trials remain would then depend on the result.
    """
    parameter = (study.search or {})[name]
    randomised = drawn_at_random(study, entries)
    if any(entry.outcome in (Outcome.COLLAPSED, Outcome.DIVERGED) for entry in randomised):
        return None
    ends = _ends(parameter)
    with_curve = [e for e in randomised if e.outcome in COMPARED and name in drawn(study, e) and e.curve]
    if ends is None or not with_curve:
        return None
    epoch = min(len(entry.curve) for entry in with_curve)
    points = [
        (place, entry.curve[epoch - 1].get(objective.name))
        for entry in with_curve
        if (place := _place(parameter, drawn(study, entry)[name])) is not None
    ]
    finite = [(x, y) for x, y in points if y is not None and np.isfinite(y)]
    if not finite:
        return None
    x, y = (np.array(values, dtype=float) for values in zip(*finite, strict=True))
    slope = robust_slope(x, y, ALPHA)
    return None if slope is None else MarginalEffect(*ends, *slope, trials=len(finite), epoch=epoch)


def effect_sentence(effect: MarginalEffect, study: Study, objective: Metric, name: str) -> tuple[str, str]:
    """The effect in plain words, and what they rest on."""
    scale = Scale.of(objective, [(effect.high - effect.low) / 2])
    change = f"{scale.amount(effect.value)}{scale.difference_suffix}"
    way = "higher" if effect.value > 0 else "lower"
    span = f"from {effect.before} to {effect.after}"
    if effect.is_shown:
        better = (effect.value > 0) == (objective.direction == "maximize")
        plain = f"{name} by itself is {'better' if better else 'worse'} {span}: the objective is {change} {way}."
    else:
        plain = f"Not shown: {name} by itself {span} changes the objective by {scale.difference(effect.value)}."
    rests = (
        f"Of {name}: {scale.difference(effect.value)} {span} (95 % interval {scale.interval(effect.low, effect.high)}),"
        f" a straight line over {plural(effect.trials, 'trial')} that were drawn at random, at epoch {effect.epoch};"
        " trials that were proposed after results are left out. All have one seed, so for another seed it may differ:"
        f" use the paired ablation that saddle plan proposes for {study.study}."
    )
    return plain, rests


def _ends(parameter: Parameter) -> tuple[str, str] | None:
    if parameter.choice is not None:
        return (setting(parameter.choice[0]), setting(parameter.choice[1])) if len(parameter.choice) == 2 else None
    low, high = parameter.bounds
    return setting(low), setting(high)


def _place(parameter: Parameter, value: object) -> float | None:
    """The position of a value from one end, 0, to the other, 1; None for one that is outside, from an earlier range."""
    if parameter.choice is not None:
        texts = [canonical(choice) for choice in parameter.choice]
        return float(texts.index(canonical(value))) if canonical(value) in texts else None
    low, high = parameter.bounds
    if not isinstance(value, int | float) or not low <= value <= high:
        return None
    low, high, at = (float(np.log(v)) if parameter.log else float(v) for v in (low, high, value))
    return (at - low) / (high - low)
