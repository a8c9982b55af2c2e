"""How often and how soon nights give an alarm, by the code that decides them and by a window of three fixed seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.nightly.decision.history import History
from saddle.nightly.decision.policy import Policy
from tests.support.simulated_nights import Machine, Version, date_of, environment_of, run_night

NIGHTS = 60
WINDOW = 14
"""Nights in the window of a naive comparison."""


@dataclass(frozen=True)
class Alarms:
    """The nights, counted from 0, on which something was first reported as worse, and all on which it was reported."""

    news: tuple[int, ...]
    said: tuple[int, ...]


def exact_alarms(
    policy: Policy, changes: Mapping[int, Version], seed: int, nights: int = NIGHTS, spread: float = 0.01
) -> Alarms:
    """The alarms of one history in which the code changes on these nights."""
    machine = Machine(policy, {"0": Version(0)}, spread, seed)
    return _alarms(policy, machine, changes, nights)


def fresh_alarms(
    policy: Policy, changes: Mapping[int, Version], seed: int, nights: int = 30, spread: float = 0.01
) -> Alarms:
    """The alarms of one history on a machine that gives other values each time."""
    machine = Machine(policy, {"0": Version(0)}, spread, seed, reproducible=False)
    return _alarms(policy, machine, changes, nights)


def _alarms(policy: Policy, machine: Machine, changes: Mapping[int, Version], nights: int) -> Alarms:
    history, commit = History(policy), "0"
    for night in range(nights):
        if night in changes:
            commit = str(night)
            machine.versions[commit] = changes[night]
        history = run_night(history, machine, environment_of(commit), date_of(night))
    worse = [place for place, decision in enumerate(history.decisions) if decision.kind == "worse"]
    return Alarms(tuple(place for place in worse if history.decisions[place].is_news), tuple(worse))


def window_alarms(changes: Sequence[int], seed: int, nights: int = NIGHTS, alpha: float = 0.01) -> Alarms:
    """The alarms of one history on a deterministic machine, by three fixed seeds a night against a window of nights.

    A one-sided t test of equal variances at level `alpha`, as if copies of the same values were further ones.
    """
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(3)
    measured: list[Floats] = []
    worse: list[int] = []
    for night in range(nights):
        values = generator.standard_normal(3) if night in changes else values
        earlier = np.concatenate(measured[-WINDOW:]) if measured else np.empty(0)
        if len(earlier) and _t_test_below(values, earlier) <= alpha:
            worse.append(night)
        measured.append(values)
    news = tuple(night for night in worse if night - 1 not in worse)
    return Alarms(news, tuple(worse))


def waited(news: Sequence[int], change: int) -> float:
    """Nights from the change, itself the first, to the first alarm since; infinite if there is none."""
    return next((night - change + 1 for night in news if night >= change), math.inf)


def _t_test_below(values: Floats, earlier: Floats) -> float:
    """The one-sided p of the t test of equal variances; scipy's own takes a millisecond."""
    freedom = len(values) + len(earlier) - 2
    squares = ((values - values.mean()) ** 2).sum() + ((earlier - earlier.mean()) ** 2).sum()
    error = np.sqrt(squares / freedom * (1 / len(values) + 1 / len(earlier)))
    return float(special.stdtr(freedom, (values.mean() - earlier.mean()) / error))
