"""One metric of one arm over nights with fresh seeds: its values, and the CUSUM of what is worse than before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import fmean

from saddle.analyse.statistics.sequential.cusum import next_sum, t_rank_score
from saddle.nightly.decision.policy import Watched

Batch = tuple[float | None, ...]
"""The values of a night's seeds; None for a replicate that failed."""


@dataclass(frozen=True)
class Stream:
    """`batches`: those that tonight's is compared with. `sum`: the CUSUM, above 0 since `rising` nights.

    While it `alarms`, nothing joins the batches, which are those before the sum began to rise.
    """

    watched: Watched
    batches: tuple[Batch, ...] = ()
    sum: float = 0.0
    rising: int = 0
    alarms: bool = False

    def after(self, batch: Batch, limit: float) -> Stream:
        """The stream after a night's batch, with an alarm where its sum exceeds `limit`.

        An alarm ends once the sum is 0 again; until then the sum stays at the limit, however long it lasted.
        """
        total = min(next_sum(self.sum, self.score(batch) or 0.0), limit if self.alarms else float("inf"))
        rising = self.rising + 1 if total > 0 else 0
        if self.alarms:
            return replace(self, sum=total, rising=rising, alarms=total > 0)
        alarms = total > limit
        batches = (*self.batches, batch)
        before = batches[: max(1, len(batches) - rising)] if alarms else batches
        return replace(self, batches=before, sum=total, rising=rising, alarms=alarms)

    def score(self, batch: Batch) -> float | None:
        """The batch's score among earlier ones, negative if it is worse; None if there is nothing to say.

        A failed replicate counts as the worst value seen.
        """
        earlier = [*chain.from_iterable(self.batches)]
        values = [value for value in (*earlier, *batch) if value is not None]
        if not values:
            return None
        worst = min(values, key=lambda value: self.watched.sign * value)
        score = t_rank_score(_filled(batch, worst), _filled(earlier, worst))
        return None if score is None else self.watched.sign * score

    def shift(self, batch: Batch) -> float:
        """By how much the batch's mean exceeds that of earlier ones, failures left out; 0 if either has none."""
        tonight, earlier = _values(batch), self.values
        return fmean(tonight) - fmean(earlier) if tonight and earlier else 0.0

    @property
    def values(self) -> list[float]:
        """Those of earlier batches, failures left out."""
        return _values([*chain.from_iterable(self.batches)])

    @property
    def has_references(self) -> bool:
        """Whether a batch can be compared with anything."""
        return sum(map(len, self.batches)) > 1


def _filled(values: Sequence[float | None], worst: float) -> list[float]:
    return [worst if value is None else value for value in values]


def _values(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
