"""Whether the cheap evaluation that training went by ranks trials as their test does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.best import value_of
from saddle.design.blocks import block_name
from saddle.search.outcomes import Outcome
from saddle.store.entry import Entry
from trainables.contract import Direction

FEWEST = 3
"""Two trials have one order or the other."""


@dataclass(frozen=True)
class RankAgreement:
    """How trials ranked by `cheap` are ranked by `final`, both metrics.

    `kendall` (τ-b) with its p and `spearman` are None where all trials are equal. `rank` is the place by `final` of the
    trial that is best by `cheap` (`chosen`), 1 being best, and `loss` how much of `final` choosing it costs.
    """

    cheap: str
    final: str
    block: str
    n: int
    kendall: float | None
    p: float | None
    spearman: float | None
    chosen: Entry
    rank: int
    loss: float


def rank_agreements(entries: Sequence[Entry], cheap: str, final: str, direction: Direction) -> list[RankAgreement]:
    """Over the completed trials with finite values of both metrics, block by block; none with fewer than three."""
    by_block: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.outcome == Outcome.COMPLETED and None not in (value_of(entry, cheap), value_of(entry, final)):
            by_block.setdefault(block_name(entry.block) if entry.block else "", []).append(entry)
    return [
        _agreement(members, cheap, final, direction, block)
        for block, members in by_block.items()
        if len(members) >= FEWEST
    ]


def _agreement(entries: Sequence[Entry], cheap: str, final: str, direction: Direction, block: str) -> RankAgreement:
    from scipy.stats import kendalltau, spearmanr

    sign = 1 if direction == "maximize" else -1
    here = [sign * entry.metrics[cheap] for entry in entries]
    there = [sign * entry.metrics[final] for entry in entries]
    chosen = max(range(len(entries)), key=here.__getitem__)
    flat = len(set(here)) == 1 or len(set(there)) == 1
    tau = None if flat else kendalltau(here, there)
    return RankAgreement(
        cheap,
        final,
        block,
        len(entries),
        None if tau is None else float(tau.statistic),
        None if tau is None else float(tau.pvalue),
        None if flat else float(spearmanr(here, there).statistic),
        entries[chosen],
        1 + sum(value > there[chosen] for value in there),
        max(there) - there[chosen],
    )
