"""The budget ladder: how far the worst case falls as attacks get more steps and restarts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from saddle.analyse.text.formatting import Scale
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

ROLES: Final = ("ladder start", "ladder rung")

MOST_MOVED = 0.005
"""Half a point: an evaluation that the ladder moves by more is too weak for its verdicts."""


@dataclass(frozen=True)
class Ladder:
    """The mean worst case of a group of trials: as it was measured, and after each rung, the lowest budget first."""

    name: str
    trials: int
    metric: Metric
    start: float
    rungs: Mapping[Metric, float]

    @property
    def moved(self) -> float:
        """By how much the whole ladder lowers it."""
        return self.start - min(self.rungs.values())


def ladders(groups: Mapping[str, Sequence[TrialRecord]], declared: Declarations) -> list[Ladder]:
    """The ladder of each group, such as an arm, over its completed trials that have climbed it."""
    measured = []
    for name, entries in groups.items():
        completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
        climbed = [e.metrics for e in completed if all(declared.in_role(role, e.metrics) for role in ROLES)]
        shared = [metric for metric in climbed[0] if all(metric in metrics for metrics in climbed)] if climbed else []
        starts, rungs = (declared.in_role(role, shared) for role in ROLES)
        if starts and rungs:
            start = fmean(metrics[starts[0].name] for metrics in climbed)
            means = {rung: fmean(metrics[rung.name] for metrics in climbed) for rung in rungs}
            measured.append(Ladder(name, len(climbed), starts[0], start, means))
    return measured


def too_weak(measured: Sequence[Ladder]) -> Iterable[str]:
    """A caution where the ladder moves some group by more than half a point."""
    moved = [ladder for ladder in measured if ladder.moved > MOST_MOVED]
    if moved:
        worst = max(moved, key=lambda ladder: ladder.moved)
        scale = Scale.of(worst.metric, [worst.moved])
        more = f"; {len(moved)} of {len(measured)} are lowered by more" if len(moved) > 1 else ""
        yield (
            f"More steps and restarts lower the worst case of {worst.name} by {scale.bare(worst.moved)} points, where "
            f"at most {scale.bare(MOST_MOVED)} is wanted (budget ladder{more}): the evaluation is too weak for its "
            "verdicts."
        )
