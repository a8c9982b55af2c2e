"""How mean ranks follow the compared metric over the arms, also with the metric that it can't exceed held constant.

Arms of one seed share their random numbers, so a line is fitted within each seed and the seeds' slopes are averaged:
five seeds give five slopes, for any number of arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.statistics.paired.paired_t import paired_t
from saddle.analyse.statistics.power import FEWEST_SEEDS

LEVEL = 0.95


@dataclass(frozen=True)
class RankResponse:
    """The change of the mean rank for each unit of the compared metric: over `n` seeds, with a t interval."""

    slope: float
    low: float
    high: float
    n: int


def rank_response(
    ranks: Sequence[ArmValues], predictors: Sequence[Sequence[ArmValues]], level: float = LEVEL
) -> RankResponse | None:
    """The slope on the first of the predictors, the others held constant.

    All are of the same arms in one order. None with fewer than three seeds at which a line can be fitted, which takes
    at least two arms more than there are predictors, and predictors that don't determine each other.
    """
    seeds = set(ranks[0].values).intersection(*(arm.values for arms in (ranks, *predictors) for arm in arms))
    slopes = []
    for seed in sorted(seeds):
        columns = [np.array([arm.values[seed] for arm in predictor]) for predictor in predictors]
        design = np.column_stack([np.ones(len(ranks)), *columns])
        if len(ranks) < len(predictors) + 2 or np.linalg.matrix_rank(design) < design.shape[1]:
            continue
        fitted, *_ = np.linalg.lstsq(design, np.array([arm.values[seed] for arm in ranks]), rcond=None)
        slopes.append(float(fitted[1]))
    if len(slopes) < FEWEST_SEEDS or len(set(slopes)) == 1:
        return None
    low, high = paired_t(slopes).interval(1 - level)
    return RankResponse(float(np.mean(slopes)), float(low), float(high), len(slopes))
