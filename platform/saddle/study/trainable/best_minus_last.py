"""Metrics that say by how much the chosen checkpoint is better than the last one."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.contract import Metric


def best_minus_last(
    declared: Mapping[str, Metric], best: Mapping[str, float], last: Mapping[str, float]
) -> dict[str, float]:
    """The value of each declared metric that is `best_minus_last` of another one, from the metrics of both checkpoints.

    Positive where the chosen checkpoint is the better one. Left out where either lacks the other metric.
    """
    values = {}
    for name, metric in declared.items():
        of = metric.best_minus_last
        if of in best and of in last:
            better = declared[of].cost(last[of]) - declared[of].cost(best[of])
            values[name] = better + 0.0  # no negative zero
    return values
