"""Trials of a search in one order, although some of them were stopped early and some failed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saddle.analyse.best import value_of
from saddle.trial.outcome import METHOD_FAILURES, Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

FAILED, STOPPED, COMPLETED = range(3)

COMPARED = dict.fromkeys(METHOD_FAILURES, FAILED) | {
    Outcome.PRUNED: STOPPED,
    Outcome.COMPLETED: COMPLETED,
}
"""A trial that ended by a mistake of the code or for lack of time says nothing about its settings."""


def can_be_ranked(entry: TrialRecord, objective: Metric) -> bool:
    """Whether a trial says how good its settings are; one that completed needs a finite value for that."""
    outcome = Outcome(entry.outcome)
    return outcome in COMPARED and (outcome != Outcome.COMPLETED or value_of(entry, objective.name) is not None)


def net_wins(entries: Sequence[TrialRecord], objective: Metric) -> NDArray[np.float64]:
    """By how many of the other trials each one is better, less how many are better than it (Copeland's score), (n,).

    Two completed trials are compared by their values, others at the last epoch that both have trained, as successive
    halving compares them (Jamieson & Talwalkar, 2016). Without values there, one that completed is better than one
    that was stopped early. A trial whose method failed is worse than all that didn't.
    """
    ends = np.array([COMPARED[Outcome(entry.outcome)] for entry in entries], dtype=int)
    final = np.array([_cost(value_of(entry, objective.name), objective) for entry in entries])
    wins = np.zeros(len(entries))
    failed, trained, completed = (
        np.flatnonzero(chosen) for chosen in (ends == FAILED, ends > FAILED, ends == COMPLETED)
    )
    wins[trained] += len(failed)
    wins[failed] -= len(trained)
    wins[completed] += _better(final[completed], final[completed]).sum(axis=1)
    if len(completed) < len(trained):
        _add_early(wins, entries, objective, ends)
    return wins


def _add_early(
    wins: NDArray[np.float64], entries: Sequence[TrialRecord], objective: Metric, ends: NDArray[np.int_]
) -> None:
    """Add the results of pairs in which at least one trial was stopped early, for each epoch in which any ended."""
    epochs = np.array([len(entry.curve) for entry in entries], dtype=int)
    trained = ends > FAILED
    for epoch in np.unique(epochs[trained]):
        ended = np.flatnonzero(trained & (epochs == epoch))
        others = np.flatnonzero(trained & (epochs >= epoch))
        costs = np.full(len(entries), math.nan)
        costs[others] = [_cost_at(entries[place], int(epoch), objective) for place in others.tolist()]
        better = _better(costs[ended], costs[others])
        unknown = np.isnan(better)
        by_end = np.sign(ends[ended][:, None] - ends[others][None, :])
        better[unknown] = by_end[unknown]
        better[(ends[ended] == COMPLETED)[:, None] & (ends[others] == COMPLETED)[None, :]] = 0.0
        wins[ended] += better.sum(axis=1)
        later = epochs[others] > epoch
        wins[others[later]] -= better[:, later].sum(axis=0)


def _better(costs: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 if a trial costs less than another one, -1 if it costs more, NaN if either is unknown: (n, others)."""
    return np.sign(others[None, :] - costs[:, None])


def _cost_at(entry: TrialRecord, epoch: int, objective: Metric) -> float:
    return _cost(entry.curve[epoch - 1].get(objective.name) if epoch else None, objective)


def _cost(value: float | None, objective: Metric) -> float:
    return math.nan if value is None or not math.isfinite(value) else objective.cost(value)
