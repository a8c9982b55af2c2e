"""How far two measurements agree in how they rank the same things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainables.contract import Direction


@dataclass(frozen=True)
class RankComparison:
    """Values of a first measurement against those of a second one of the same things, in the better direction.

    `kendall` (τ-b) with its exact p (of no association; from the normal approximation where values tie) and `spearman`
    are None if all are equal. `chosen` is the place in the sequence of the best by the first, `rank` its rank by the
    second, 1 being best, and `loss` how much choosing it loses by the second.
    """

    kendall: float | None
    p: float | None
    spearman: float | None
    chosen: int
    rank: int
    loss: float


def compare_ranks(first: Sequence[float], second: Sequence[float], direction: Direction) -> RankComparison:
    """Compare two sequences of one length, of at least one value each."""
    from scipy.stats import kendalltau, spearmanr

    sign = 1 if direction == "maximize" else -1
    first, second = ([sign * value for value in values] for values in (first, second))
    chosen = max(range(len(first)), key=first.__getitem__)
    flat = len(set(first)) == 1 or len(set(second)) == 1
    tau = None if flat else kendalltau(first, second)
    return RankComparison(
        kendall=None if tau is None else float(tau.statistic),
        p=None if tau is None else float(tau.pvalue),
        spearman=None if flat else float(spearmanr(first, second).statistic),
        chosen=chosen,
        rank=1 + sum(value > second[chosen] for value in second),
        loss=max(second) - second[chosen],
    )
