"""Whether the cheap evaluation that training used ranks trials as their test does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.best import value_of
from saddle.analyse.statistics.ranks import RankComparison, compare_ranks
from saddle.design.blocks import shown_block
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Direction

FEWEST = 3
"""Two trials have only two orders, from which nothing about agreement can be learnt."""


@dataclass(frozen=True)
class RankAgreement:
    """How trials ranked by `cheap` are ranked by `final`, both metrics; `chosen` is the best by `cheap`."""

    cheap: str
    final: str
    block: str
    n: int
    chosen: TrialRecord
    ranks: RankComparison


def rank_agreements(
    entries: Sequence[TrialRecord], cheap: str, final: str, direction: Direction
) -> list[RankAgreement]:
    """Over the completed trials with finite values of both metrics, block by block; none with fewer than three."""
    by_block: dict[str, list[TrialRecord]] = {}
    for entry in entries:
        if entry.outcome == Outcome.COMPLETED and None not in (value_of(entry, cheap), value_of(entry, final)):
            by_block.setdefault(shown_block(entry.block) if entry.block else "", []).append(entry)
    return [
        _agreement(members, cheap, final, direction, block)
        for block, members in by_block.items()
        if len(members) >= FEWEST
    ]


def _agreement(
    entries: Sequence[TrialRecord], cheap: str, final: str, direction: Direction, block: str
) -> RankAgreement:
    cheap_values, final_values = ([entry.metrics[metric] for entry in entries] for metric in (cheap, final))
    ranks = compare_ranks(cheap_values, final_values, direction)
    return RankAgreement(cheap, final, block, len(entries), entries[ranks.chosen], ranks)
