"""The budget ladder: how far the worst case falls as attacks get more steps and restarts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from saddle.analyse.text.formatting import Scale
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

PREFIX = "test/budget_ladder."
DECLARED = "test/budget_ladder.declared"
"""The worst case of the declared attacks on the samples that the ladder attacks."""
WORST_CASE = "test/robust_accuracy.worst_case"
"""What the rungs are values of."""

MOST_MOVED = 0.005
"""Half a point: an evaluation that the ladder moves by more is too weak for its verdicts."""

RUNG = re.compile(r"(?P<more>steps|restarts)_(?P<count>\d+)")


@dataclass(frozen=True)
class Ladder:
    """The mean worst case of a group of trials: as it was measured, and after each rung, the lowest budget first."""

    name: str
    trials: int
    start: float
    rungs: Mapping[str, float]

    @property
    def moved(self) -> float:
        """By how much the whole ladder lowers it."""
        return self.start - min(self.rungs.values())


def ladders(groups: Mapping[str, Sequence[TrialRecord]]) -> list[Ladder]:
    """The ladder of each group, such as an arm, over its completed trials that have climbed it."""
    found = []
    for name, entries in groups.items():
        climbed = [
            entry
            for entry in entries
            if entry.outcome == Outcome.COMPLETED and DECLARED in entry.metrics and rungs_of(entry.metrics)
        ]
        if climbed:
            rungs = [rung for rung in rungs_of(climbed[0].metrics) if all(rung in entry.metrics for entry in climbed)]
            means = {rung: fmean(entry.metrics[rung] for entry in climbed) for rung in rungs}
            if means:
                found.append(Ladder(name, len(climbed), fmean(entry.metrics[DECLARED] for entry in climbed), means))
    return found


def rungs_of(metrics: Iterable[str]) -> list[str]:
    """The metrics that are rungs, by steps and restarts."""
    return sorted((name for name in metrics if name.startswith(PREFIX) and name != DECLARED), key=_height)


def rung_name(metric: str) -> str:
    """`1,000 steps`, or `5 restarts`."""
    name = metric.removeprefix(PREFIX)
    found = RUNG.fullmatch(name)
    return f"{int(found['count']):,} {found['more']}" if found else name


def _height(metric: str) -> tuple[bool, int, str]:
    """Restarts come last: they are of the longest run."""
    found = RUNG.fullmatch(metric.removeprefix(PREFIX))
    return (found["more"] == "restarts", int(found["count"]), metric) if found else (False, 0, metric)


def too_weak(found: Sequence[Ladder]) -> Iterable[str]:
    """A caution where the ladder moves some group by more than half a point."""
    moved = [one for one in found if one.moved > MOST_MOVED]
    if moved:
        worst = max(moved, key=lambda one: one.moved)
        scale = Scale.of(WORST_CASE, [worst.moved])
        more = f"; {len(moved)} of {len(found)} are lowered by more" if len(moved) > 1 else ""
        yield (
            f"More steps and restarts lower the worst case of {worst.name} by {scale.bare(worst.moved)} points, where"
            f" at most {scale.bare(MOST_MOVED)} is wanted (budget ladder{more}): the evaluation is too weak for what it"
            " decides."
        )
