"""How much worse than the baseline an arm is on images that no adversary changed: the mean corruption error.

As defined by Hendrycks and Dietterich (2019), with the study's own baseline in place of their AlexNet: for each
corruption the arm's error over the baseline's, in per cent, and the mean over corruptions. The relative one subtracts
the error on clean images first, so that it shows how much the corruption costs and not how much is wrong anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

LEAST_LOSS = 0.005
"""A corruption that costs the baseline less than half a point has no relative error: it would divide by about 0."""


@dataclass(frozen=True)
class CorruptionError:
    """Mean corruption error and its relative form, shares of the baseline's; None if there is nothing to divide by.

    `relative_kinds`: over how many of the corruptions the relative one is a mean.
    """

    mean: float | None
    relative: float | None
    relative_kinds: int


def corruption_error(
    accuracies: Mapping[str, float], clean: float | None, baseline: Mapping[str, float], baseline_clean: float | None
) -> CorruptionError:
    """Of an arm with these accuracies by corruption and on clean images, and the baseline's; all shares of 1."""
    shared = [kind for kind in baseline if kind in accuracies]
    ratios = [(1 - accuracies[kind]) / (1 - baseline[kind]) for kind in shared if baseline[kind] < 1]
    if clean is None or baseline_clean is None:
        return CorruptionError(fmean(ratios) if ratios else None, None, 0)
    costly = [kind for kind in shared if baseline_clean - baseline[kind] >= LEAST_LOSS]
    relative = [(clean - accuracies[kind]) / (baseline_clean - baseline[kind]) for kind in costly]
    return CorruptionError(fmean(ratios) if ratios else None, fmean(relative) if relative else None, len(relative))
