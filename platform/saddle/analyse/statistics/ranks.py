"""How far two measurements rank the same things alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainables.contract import Direction


@dataclass(frozen=True)
class RankComparison:
    """Values here against values there of the same things, in the better direction.

    `kendall` (τ-b) with its exact p (of no association; from the normal approximation where values tie) and `spearman`
    are None if all are equal. `chosen` is the place in the sequence of what is best here, `rank` its rank there, 1
    being best, and `loss` how much choosing it loses there.
    """

    kendall: float | None
    p: float | None
    spearman: float | None
    chosen: int
    rank: int
    loss: float


def compare_ranks(here: Sequence[float], there: Sequence[float], direction: Direction) -> RankComparison:
    """Compare two sequences of one length, of at least one value each."""
    from scipy.stats import kendalltau, spearmanr

    sign = 1 if direction == "maximize" else -1
    here, there = ([sign * value for value in values] for values in (here, there))
    chosen = max(range(len(here)), key=here.__getitem__)
    flat = len(set(here)) == 1 or len(set(there)) == 1
    tau = None if flat else kendalltau(here, there)
    return RankComparison(
        kendall=None if tau is None else float(tau.statistic),
        p=None if tau is None else float(tau.pvalue),
        spearman=None if flat else float(spearmanr(here, there).statistic),
        chosen=chosen,
        rank=1 + sum(value > there[chosen] for value in there),
        loss=max(there) - there[chosen],
    )
