"""What a reader of a search's answer should be careful about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from saddle.analyse.searches.close_to_best import close_to_best
from saddle.analyse.searches.early_stopping import unreached_stopping
from saddle.analyse.searches.importance import drawn
from saddle.analyse.text.formatting import Scale, plural, setting
from saddle.study.models import Study
from saddle.study.seeds import SEARCH_SEED
from saddle.study.space import Parameter
from saddle.study.trainable.declarations import Declarations
from saddle.study.values import canonical
from saddle.trial.outcome import RETRYABLE
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def failures(entries: Sequence[TrialRecord]) -> Iterable[str]:
    """That a quarter of the trials or more were lost to the search."""
    failed = sum(entry.outcome in RETRYABLE for entry in entries)
    if failed * 4 >= max(len(entries), 1) and failed:
        yield (
            f"{failed} of {plural(len(entries), 'trial')} failed or timed out; the search learnt from the others only."
        )


def idle_parts(study: Study, entries: Sequence[TrialRecord]) -> Iterable[str]:
    """Trials that only repeat others, and early stopping that could stop none."""
    trained = [entry for entry in entries if entry.outcome not in RETRYABLE]
    repeated = len(trained) - len({canonical(drawn(study, entry)) for entry in trained})
    if repeated:
        yield (
            f"{repeated} of {plural(len(trained), 'trial')} {'repeats' if repeated == 1 else 'repeat'} the settings "
            "of others; all trials have one seed, so repeats add no information."
        )
    epochs = [float(entry.params["epochs"]) for entry in entries if "epochs" in entry.params]
    idle = unreached_stopping(study, max(epochs, default=None))
    if idle:
        yield f"{idle[0].upper()}{idle[1:]}."


def of_the_best(
    study: Study, feasible: Sequence[TrialRecord], winner: TrialRecord, objective: Metric, declared: Declarations
) -> Iterable[str]:
    """How far the best trial can be distinguished from the others, its optimism, and whether it is at an edge."""
    if len(feasible) > 1:
        yield _indistinguishable(feasible, winner, objective, declared)
        yield (
            f"The best of {len(feasible)} completed trials, each with one seed, looks better on the data it was "
            "chosen by than it is; an ablation around it (best_of) says what holds over seeds."
        )
    for name, value in drawn(study, winner).items():
        end = _at_edge((study.search or {})[name], value)
        if end:
            yield f"The best {name} = {setting(value)} is at the {end} end of its range; a wider range may be better."


def _indistinguishable(
    feasible: Sequence[TrialRecord], winner: TrialRecord, objective: Metric, declared: Declarations
) -> str:
    """How many trials can't be distinguished from the best, by the binomial standard error of a difference if known."""
    close, scale = close_to_best(feasible, winner, objective, declared), Scale.of(objective)
    if close is None:
        top = winner.metrics[objective.name]
        tied = sum(entry.metrics[objective.name] == top for entry in feasible if entry.key != winner.key)
        same = f" {plural(tied, 'other trial')} {'has' if tied == 1 else 'have'} the same value." if tied else ""
        return (
            f"How far a trial must be ahead of the others is unknown: each has one seed, and for {objective} no "
            f"standard error is known.{same}"
        )
    return (
        f"{close.trials} of {plural(close.others, 'other trial')} can't be distinguished from the best: they are at "
        f"most {scale.bare(close.limit)}{scale.difference_suffix} away, two standard errors of a difference of shares "
        f"of {plural(close.samples, 'sample')}; the variation over seeds comes on top and is unknown."
    )


def _at_edge(parameter: Parameter, value: object) -> str:
    """Whether a float is within 2 % of an end of its range (of its logarithm, where that is searched)."""
    if parameter.float_range is None or not isinstance(value, int | float):
        return ""
    low, high = parameter.bounds
    place = (
        (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
        if parameter.log and value > 0
        else (value - low) / (high - low)
    )
    return "lower" if place <= 0.02 else "upper" if place >= 0.98 else ""


def of_the_front(feasible: Sequence[TrialRecord]) -> Iterable[str]:
    """That a Pareto front was chosen, as a best trial is."""
    if len(feasible) > 1:
        yield (
            f"The front of {len(feasible)} completed trials, each with one seed, looks better on the data it was "
            "chosen by than it is; an ablation around the trial you choose, its settings in baseline and its seeds "
            f"after {SEARCH_SEED}, says what holds over seeds."
        )
